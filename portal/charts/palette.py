"""The colours of charts: written as hex in specs, and as the tokens of the style sheet in pages.

A spec holds the light colours, so that a downloaded picture is complete in itself. In a page each is exchanged for
its token (portal/static/portal/css/tokens.css), which has a value for light and one for dark.
"""

from __future__ import annotations

SERIES = ("#3350c4", "#b8560b", "#00795a", "#9c4277", "#1c78ad", "#7d6a00")
NEUTRAL = "#6a7482"
AREA = "#dde4f8"
BAND = "#eaeefb"
GRID = "#e8ebef"
AXIS = "#9aa3af"
PAGE = "#ffffff"
TEXT = "#1a1f27"
MUTED = "#56606e"
HOVER = "#eef1f5"
MARKED = "#fff1b8"

TOKENS = {
    **{colour: f"--chart-{number}" for number, colour in enumerate(SERIES, 1)},
    NEUTRAL: "--chart-neutral",
    AREA: "--chart-area",
    BAND: "--chart-band",
    GRID: "--chart-grid",
    AXIS: "--chart-axis",
    PAGE: "--page",
    TEXT: "--text",
    MUTED: "--muted",
    HOVER: "--hover",
    MARKED: "--mark",
}
