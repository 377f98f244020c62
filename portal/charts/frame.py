"""What every spec is made of: the frame around its layers, and values as JavaScript takes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from portal.charts import palette
from portal.charts.values import Number

Row = dict[str, Any]
Layer = dict[str, Any]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"


def frame(width: int, height: int, layers: list[Layer]) -> Row:
    return {
        "$schema": SCHEMA,
        "width": width,
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": {"left": 2, "right": 12, "top": 8, "bottom": 2},
        "background": None,
        "layer": layers,
        "config": {
            "aria": False,
            "font": "sans-serif",
            "view": {"stroke": None},
            "axis": {
                "labelColor": palette.MUTED,
                "labelFontSize": 12,
                "gridColor": palette.GRID,
                "domainColor": palette.AXIS,
                "tickColor": palette.AXIS,
            },
            "text": {"fontSize": 12, "color": palette.TEXT},
        },
    }


def rows_of(rows: Iterable[Row]) -> Row:
    return {"values": list(rows)}


def plain(value: float) -> str:
    """A number as JavaScript writes it, to be a key."""
    return str(int(value)) if value == int(value) else repr(value)


def as_number(value: Number | None) -> float | int | None:
    if value is None:
        return None
    return int(value) if value == int(value) else float(value)
