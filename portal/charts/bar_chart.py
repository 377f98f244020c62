"""From bars to a Vega-Lite spec. Pure, as the trend is."""

from __future__ import annotations

import json
from collections.abc import Sequence

from portal import words
from portal.charts import palette
from portal.charts.frame import Layer, Row, as_number, frame, rows_of
from portal.charts.values import WIDTHS, Bar, Cell, Chart, ChartTable


def bars(*, title: str, bars: Sequence[Bar], unit: str = "", height: int | None = None) -> Chart:
    """One bar a line, in the order given, from zero; the value stands at the bar's end."""
    values = [float(bar.value) for bar in bars if bar.value is not None]
    tall = height or max(len(bars) * 28 + 8, 60)
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (bar.label, bar.value, *((bar.note,) if any(one.note for one in bars) else ())) for bar in bars
    )
    head = ("", unit.capitalize() or "Value", *(("Note",) if any(bar.note for bar in bars) else ()))
    return Chart(
        title=title,
        specs={
            name: _bar_spec(bars, values, width=width, height=tall, label_room=width * 3 // 8)
            for name, width in WIDTHS.items()
        },
        table=ChartTable(head=head, rows=rows),
        unit=unit,
        notes=tuple(f"{bar.label}: {bar.note}" for bar in bars if bar.value is None and bar.note),
        empty=not values,
    )


def _bar_spec(bars: Sequence[Bar], values: Sequence[float], *, width: int, height: int, label_room: int) -> Row:
    low, high = min([0.0, *values]), max([0.0, *values]) or 1.0
    rows = [
        {"k": str(index), "y": as_number(bar.value), "t": words.compact(bar.value), "o": 0 if bar.value is None else 1}
        for index, bar in enumerate(bars)
    ]
    labels = {str(index): bar.label for index, bar in enumerate(bars)}
    # Room to the right of the longest bar, for its value.
    room = (high - low) * 90 / width
    place: Row = {
        "field": "k",
        "type": "nominal",
        "sort": None,
        "scale": {"domain": list(labels), "paddingInner": 0.35, "paddingOuter": 0.2},
        "axis": {
            "labelExpr": f"{json.dumps(labels, ensure_ascii=False)}[datum.value]",
            "labelLimit": label_room,
            "labelColor": palette.TEXT,
            "title": None,
            "ticks": False,
            "domain": False,
            "labelPadding": 8,
        },
    }
    long: Row = {
        "field": "y",
        "type": "quantitative",
        "scale": {"domain": [low, high + room], "nice": False},
        "axis": None,
    }
    known = [row for row in rows if row["o"]]
    layers: list[Layer] = [
        {
            "data": rows_of(known),
            "mark": {"type": "bar", "color": palette.SERIES[0], "cornerRadiusEnd": 2},
            "encoding": {"y": place, "x": long},
        },
        {
            "data": rows_of({**row, "y": row["y"] or 0} for row in rows),
            "mark": {"type": "text", "align": "left", "baseline": "middle", "dx": 6, "color": palette.MUTED},
            "encoding": {"y": place, "x": long, "text": {"field": "t"}},
        },
        {
            "name": "hover",
            "data": rows_of(
                {"k": str(index), "y": high, "l": bar.label, "v": _said_bar(bar)} for index, bar in enumerate(bars)
            ),
            "mark": {"type": "bar", "color": palette.AXIS, "opacity": 0},
            "encoding": {
                "y": place,
                "x": long,
                "tooltip": [
                    {"field": "l", "type": "nominal", "title": "What"},
                    {"field": "v", "type": "nominal", "title": "Value"},
                ],
            },
        },
    ]
    return frame(width, height, layers)


def _said_bar(bar: Bar) -> str:
    said = "no figure" if bar.value is None else words.number(bar.value)
    return f"{said} ({bar.note})" if bar.note else said
