"""Specs to pictures. Loads vl-convert on first need only: it holds 110 MB of a process once it is used."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from copy import deepcopy
from threading import Lock
from typing import Any

from portal.charts import palette

_one_at_a_time = Lock()
# What the drawing says about itself to screen readers is left to the title and the table twin.
_NOISE = re.compile(r' (?:role|aria-roledescription|aria-hidden|class|pointer-events|version|xmlns:xlink)="[^"]*"')
_EMPTY_PATH = re.compile(r'<path(?: [a-z-]+="[^"]*")* d="(?:M0,0h[\d.]+v[\d.]+h-?[\d.]+Z)?"(?: display="none")?/>')
_COLOUR = re.compile("|".join(map(re.escape, palette.TOKENS)))
_NUMBER = re.compile(r"(\d+\.\d{2})\d+")


def still(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The spec without what only a pointer uses."""
    kept = deepcopy(dict(spec))
    kept["layer"] = [layer for layer in kept.get("layer", []) if layer.get("name") != "hover"]
    return kept


def svg(spec: Mapping[str, Any]) -> str:
    """The drawing as SVG in the light colours, complete in itself."""
    import vl_convert

    # The converter runs one script engine; two threads at once would make a second one.
    with _one_at_a_time:
        drawn: str = vl_convert.vegalite_to_svg(still(spec), allowed_base_urls=[])
    return drawn


def png(spec: Mapping[str, Any], *, scale: float = 2) -> bytes:
    """The drawing as a picture on white."""
    import vl_convert

    with _one_at_a_time:
        drawn: bytes = vl_convert.vegalite_to_png(
            {**still(spec), "background": palette.PAGE}, scale=scale, allowed_base_urls=[]
        )
    return drawn


def for_page(drawing: str) -> str:
    """The SVG as it stands in a page: colours by token, so that it follows light and dark; no inline style."""
    quiet = _NUMBER.sub(r"\1", _EMPTY_PATH.sub("", _NOISE.sub("", drawing)))
    themed = _COLOUR.sub(lambda found: f"var({palette.TOKENS[found.group()]})", quiet)
    return re.sub(r' style="[^"]*"', "", themed)


def for_browser(spec: Mapping[str, Any]) -> str:
    """The whole spec as JSON for the interactive version, with the page's tokens as colours."""
    text = json.dumps(spec, ensure_ascii=False, separators=(",", ":"))
    return _COLOUR.sub(lambda found: f"var({palette.TOKENS[found.group()]})", text)
