"""A line of a chart's key: its style as a short stroke."""

from __future__ import annotations

from portal.charts.values import KeyEntry

DASHES = {"estimated": ' stroke-dasharray="5 3"', "predicted": ' stroke-dasharray="1.5 3"'}


def key_svg(entry: KeyEntry) -> str:
    """The stroke as inline SVG in the series' colour."""
    return (
        f'<svg class="mark-{entry.colour or "neutral"}" width="22" height="8" viewBox="0 0 22 8" aria-hidden="true">'
        f'<path d="M1 4h20" stroke="currentColor" stroke-width="2"{DASHES.get(entry.kind, "")}/></svg>'
    )
