"""From series and bars to Vega-Lite specs. Pure: the same input gives the same spec, and so the same cached drawing.

Everything that a browser's locale or a library's default could change (labels, ticks, gaps) is decided here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from portal import words
from portal.charts import palette, scale
from portal.charts.values import WIDTHS, Bar, Cell, Chart, ChartTable, KeyEntry, Number, Point, Series

Row = dict[str, Any]
Layer = dict[str, Any]

DASHES: Mapping[str, list[float]] = {"recorded": [], "neutral": [], "estimated": [6, 4], "predicted": [1.5, 3.5]}
LONG = 24
"""Places on the axis beyond which a part of them can be looked at closely."""
LINE_HEIGHT = 15
AXIS_HEIGHT = 44
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"


@dataclass(frozen=True)
class Drawn:
    """A series as it will be drawn."""

    series: Series
    colour: str
    number: int
    by_place: Mapping[date, Point]


def trend(
    *,
    title: str,
    series: Sequence[Series],
    unit: str = "",
    height: int = 240,
    marked: date | None = None,
    from_zero: bool = True,
) -> Chart:
    """Months along the bottom, figures up the side; ``marked`` is the month that the page is about.

    A recorded series alone stands on its area; an estimated one beside it gets its uplift as a lighter band above.
    """
    places = scale.positions([point.x for one in series for point in one.points])
    monthly = all(place.day == 1 for place in places)
    drawn = _coloured(series)
    values = [float(point.y) for one in series for point in one.points if point.y is not None]
    values += [float(point.restated_from) for one in series for point in one.points if point.restated_from is not None]
    key = tuple(KeyEntry(name=one.series.name, kind=one.series.kind, colour=one.number) for one in drawn)

    def spec(width: int, tall: int) -> Row:
        return _trend_spec(
            drawn, places, values, monthly=monthly, width=width, height=tall, marked=marked, from_zero=from_zero
        )

    return Chart(
        title=title,
        specs={
            name: spec(width, height if width >= WIDTHS["wide"] else max(height - 30, 160))
            for name, width in WIDTHS.items()
        },
        table=_trend_table(drawn, places, monthly=monthly),
        unit=unit,
        notes=_notes(drawn, places, monthly=monthly),
        key=key if len(key) > 1 else (),
        empty=not values,
        stretch=tuple(scale.name(place, monthly=monthly) for place in places) if len(places) > LONG else (),
    )


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


def _coloured(series: Sequence[Series]) -> tuple[Drawn, ...]:
    """Recorded, estimated and predicted of one figure share the accent; several of a kind are told apart by colour."""
    kinds = [one.kind for one in series]
    one_figure = "neutral" not in kinds and all(kinds.count(kind) == 1 for kind in kinds)
    drawn = []
    for index, one in enumerate(series):
        number = 0 if one_figure else index % len(palette.SERIES)
        drawn.append(Drawn(one, palette.SERIES[number], number + 1, {point.x: point for point in one.points}))
    return tuple(drawn)


def _trend_spec(
    drawn: Sequence[Drawn],
    places: Sequence[date],
    values: Sequence[float],
    *,
    monthly: bool,
    width: int,
    height: int,
    marked: date | None,
    from_zero: bool,
) -> Row:
    direct = width > WIDTHS["narrow"] and 1 < len(drawn) <= 4
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if from_zero:
        low = min(low, 0.0)
    steps = scale.ticks(low, high, count=4 if height >= 180 else 3)
    names = [scale.name(place, monthly=monthly) for place in places]
    label_room = 150 if direct else 0
    room = (width - 50 - label_room) // (36 if monthly else 50)
    shown = scale.axis_labels(places, monthly=monthly, room=room)
    y_labels = {_plain(tick): words.compact(tick) for tick in steps}

    x: Row = {
        "field": "m",
        "type": "ordinal",
        "sort": None,
        "scale": {"type": "band", "domain": names, "paddingInner": 0, "paddingOuter": 0},
        "axis": {
            "values": list(shown),
            "labelExpr": f"{json.dumps(shown, ensure_ascii=False)}[datum.label]",
            "labelAngle": 0,
            "labelOverlap": False,
            "title": None,
            "grid": False,
            "ticks": False,
            "labelPadding": 6,
        },
    }
    y: Row = {
        "field": "y",
        "type": "quantitative",
        "scale": {"domain": [min(steps[0], low), max(steps[-1], high)], "nice": False, "zero": from_zero},
        "axis": {
            "values": steps,
            "labelExpr": f"{json.dumps(y_labels, ensure_ascii=False)}[datum.value]",
            "title": None,
            "domain": False,
            "ticks": False,
        },
    }
    layers: list[Layer] = []
    layers += _gap_layer(drawn, places, monthly=monthly, x=x)
    layers += _area_layers(drawn, places, monthly=monthly, x=x, y=y)
    layers += _marked_layer(marked, monthly=monthly, x=x) if marked in places else []
    for one in drawn:
        layers += _line_layers(one, places, monthly=monthly, x=x, y=y)
    for one in drawn:
        layers += _point_layers(one, places, monthly=monthly, x=x, y=y)
    if direct:
        layers += _label_layer(drawn, places, monthly=monthly, x=x, y=y, steps=steps, height=height)
    layers += _hover_layer(drawn, places, monthly=monthly, x=x)
    spec = _frame(width, height, layers)
    if len(places) > LONG:
        # For the script that shows a part of the axis: what every place would be labelled with, and how many fit.
        spec["usermeta"] = {"room": room, "labels": {name: list(parts) for name, parts in _parts(places, monthly)}}
    return spec


def _parts(places: Sequence[date], monthly: bool) -> Iterable[tuple[str, tuple[str, str]]]:
    """Each place's name, with its label and its year."""
    for place in places:
        yield scale.name(place, monthly=monthly), (scale.short(place, monthly=monthly), str(place.year))


def _frame(width: int, height: int, layers: list[Layer]) -> Row:
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


def _data(rows: Iterable[Row]) -> Row:
    return {"values": list(rows)}


def _plain(value: float) -> str:
    """A number as JavaScript writes it, to be a key."""
    return str(int(value)) if value == int(value) else repr(value)


def _runs(one: Drawn, places: Sequence[date]) -> list[list[Point]]:
    """The unbroken stretches of a series: a place without a figure ends one."""
    found: list[list[Point]] = [[]]
    for place in places:
        point = one.by_place.get(place)
        if point is None or point.y is None:
            found.append([])
        else:
            found[-1].append(point)
    return [run for run in found if run]


def _strokes(run: Sequence[Point]) -> list[tuple[bool, list[Point]]]:
    """A run as strokes of the pen: what is finished, and lighter, from its last point on, what is not."""
    finished = [point for point in run if not point.unfinished]
    open_ = [point for point in run if point.unfinished]
    strokes = [(False, finished)] if len(finished) > 1 else []
    if open_ and len(run) > 1:
        strokes.append((True, [*finished[-1:], *open_]))
    return strokes


def _number(value: Number | None) -> float | int | None:
    if value is None:
        return None
    return int(value) if value == int(value) else float(value)


def _marked_layer(marked: date | None, *, monthly: bool, x: Row) -> list[Layer]:
    if marked is None:
        return []
    rows = [{"m": scale.name(marked, monthly=monthly)}]
    return [
        {"data": _data(rows), "mark": {"type": "rect", "color": palette.MARKED, "opacity": 0.6}, "encoding": {"x": x}}
    ]


def _gap_layer(drawn: Sequence[Drawn], places: Sequence[date], *, monthly: bool, x: Row) -> list[Layer]:
    """A quiet ground where no series has a figure, so that a gap is seen to be one."""
    rows = [{"m": scale.name(place, monthly=monthly)} for place in places if _is_gap(drawn, place)]
    if not rows:
        return []
    return [{"data": _data(rows), "mark": {"type": "rect", "color": palette.HOVER}, "encoding": {"x": x}}]


def _is_gap(drawn: Sequence[Drawn], place: date) -> bool:
    return all((point := one.by_place.get(place)) is None or point.y is None for one in drawn)


def _area_layers(drawn: Sequence[Drawn], places: Sequence[date], *, monthly: bool, x: Row, y: Row) -> list[Layer]:
    recorded = [one for one in drawn if one.series.kind == "recorded"]
    estimated = [one for one in drawn if one.series.kind == "estimated"]
    if len(recorded) != 1 or any(one.number != 1 for one in (*recorded, *estimated)):
        return []
    base = recorded[0]
    layers: list[Layer] = []

    def layer(rows: list[Row], colour: str) -> Layer:
        return {
            "data": _data(rows),
            "mark": {"type": "area", "color": colour, "line": False, "opacity": 1},
            "encoding": {
                "x": x,
                "y": y,
                "y2": {"field": "z"},
                "detail": {"field": "r", "type": "nominal"},
            },
        }

    for upper in estimated[:1]:
        rows = [
            {
                "m": scale.name(point.x, monthly=monthly),
                "y": _number(point.y),
                "z": _number(below.y),
                "r": number,
                "s": upper.series.name,
            }
            for number, run in enumerate(_runs(upper, places))
            for point in run
            if (below := base.by_place.get(point.x)) is not None and below.y is not None
        ]
        if rows:
            layers.append(layer(rows, palette.BAND))
    rows = [
        {
            "m": scale.name(point.x, monthly=monthly),
            "y": _number(point.y),
            "z": 0,
            "r": number,
            "s": base.series.name,
        }
        for number, run in enumerate(_runs(base, places))
        for point in run
    ]
    if rows:
        layers.append(layer(rows, palette.AREA))
    return layers


def _line_layers(one: Drawn, places: Sequence[date], *, monthly: bool, x: Row, y: Row) -> list[Layer]:
    rows: dict[bool, list[Row]] = {False: [], True: []}
    for number, run in enumerate(_runs(one, places)):
        for unfinished, points in _strokes(run):
            rows[unfinished] += [
                {
                    "m": scale.name(point.x, monthly=monthly),
                    "y": _number(point.y),
                    "r": number,
                    "s": one.series.name,
                }
                for point in points
            ]
    layers: list[Layer] = []
    for unfinished, own in rows.items():
        if not own:
            continue
        mark: Row = {
            "type": "line",
            "color": one.colour,
            "strokeWidth": 2,
            "strokeJoin": "round",
            "strokeCap": "butt" if DASHES[one.series.kind] else "round",
            "opacity": 0.45 if unfinished else 1,
        }
        if DASHES[one.series.kind]:
            mark["strokeDash"] = DASHES[one.series.kind]
        layers.append(
            {
                "data": _data(own),
                "mark": mark,
                "encoding": {"x": x, "y": y, "detail": {"field": "r", "type": "nominal"}},
            }
        )
    return layers


def _point_layers(one: Drawn, places: Sequence[date], *, monthly: bool, x: Row, y: Row) -> list[Layer]:
    """Marks only where they say something: the last point, one that stands alone, unfinished and restated ones."""
    layers: list[Layer] = []
    closed: list[Row] = []
    open_: list[Row] = []
    restated: list[Row] = []
    before: list[Row] = []
    runs = _runs(one, places)
    for run in runs:
        for index, point in enumerate(run):
            row = {"m": scale.name(point.x, monthly=monthly), "y": _number(point.y), "s": one.series.name}
            if point.unfinished:
                open_.append(row)
            elif point.restated_from is not None and point.restated_from != point.y:
                restated.append(row)
                before.append({**row, "y": _number(point.restated_from), "z": _number(point.y)})
            elif len(run) == 1 or (run is runs[-1] and index == len(run) - 1):
                closed.append(row)

    def points(rows: list[Row], **mark: Any) -> Layer:
        return {
            "data": _data(rows),
            "mark": {"type": "point", "opacity": 1, **mark},
            "encoding": {"x": x, "y": y},
        }

    if before:
        layers.append(
            {
                "data": _data(before),
                "mark": {"type": "rule", "color": one.colour, "strokeWidth": 1},
                "encoding": {"x": x, "y": y, "y2": {"field": "z"}},
            }
        )
        layers.append(points(before, shape="stroke", size=90, stroke=one.colour, strokeWidth=1.5, fill=palette.PAGE))
        layers.append(points(restated, shape="diamond", size=64, fill=one.colour, stroke=palette.PAGE, strokeWidth=1))
    if closed:
        layers.append(points(closed, shape="circle", size=36, fill=one.colour, stroke=one.colour, strokeWidth=1))
    if open_:
        layers.append(points(open_, shape="circle", size=42, fill=palette.PAGE, stroke=one.colour, strokeWidth=1.5))
    return layers


def _label_layer(
    drawn: Sequence[Drawn],
    places: Sequence[date],
    *,
    monthly: bool,
    x: Row,
    y: Row,
    steps: Sequence[float],
    height: int,
) -> list[Layer]:
    """Each line's name and last value where it ends, moved apart where ends are close."""
    ends = [(one, runs[-1][-1]) for one in drawn if (runs := _runs(one, places))]
    per_pixel = (steps[-1] - steps[0]) / max(height - AXIS_HEIGHT, 1)
    wanted = [float(point.y) for _, point in ends if point.y is not None]
    heights = scale.apart(wanted, gap=LINE_HEIGHT * per_pixel, low=steps[0], high=steps[-1])
    layers = []
    for (one, point), place in zip(ends, heights, strict=True):
        row = {
            "m": scale.name(places[-1], monthly=monthly),
            "y": place,
            "t": f"{_short(one.series.name)} {words.compact(point.y)}",
            "s": one.series.name,
        }
        layers.append(
            {
                "data": _data([row]),
                "mark": {"type": "text", "align": "left", "baseline": "middle", "dx": 12, "color": one.colour},
                "encoding": {"x": x, "y": y, "text": {"field": "t"}},
            }
        )
    return layers


def _short(name: str, longest: int = 20) -> str:
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def _hover_layer(drawn: Sequence[Drawn], places: Sequence[date], *, monthly: bool, x: Row) -> list[Layer]:
    """The tooltip of a month, over its whole height; only the interactive version draws this."""
    rows = []
    for place in places:
        row: Row = {"m": scale.name(place, monthly=monthly)}
        for index, one in enumerate(drawn):
            row[f"v{index}"] = _said(one.by_place.get(place))
        rows.append(row)
    fields = [{"field": f"v{index}", "type": "nominal", "title": one.series.name} for index, one in enumerate(drawn)]
    return [
        {
            "name": "hover",
            "params": [{"name": "under", "select": {"type": "point", "on": "pointerover", "clear": "pointerout"}}],
            "data": _data(rows),
            "mark": {"type": "rect", "color": palette.AXIS},
            "encoding": {
                "x": x,
                "opacity": {"condition": {"param": "under", "empty": False, "value": 0.18}, "value": 0},
                "tooltip": [{"field": "m", "type": "nominal", "title": "Month" if monthly else "Day"}, *fields],
            },
        }
    ]


def _said(point: Point | None) -> str:
    """A point in words: the value, and what is special about it."""
    if point is None or point.y is None:
        return f"no figure: {point.note}" if point is not None and point.note else "no figure"
    more = []
    if point.unfinished:
        more.append("month not finished")
    if point.restated_from is not None and point.restated_from != point.y:
        more.append(f"restated, was {words.number(point.restated_from)}")
    if point.note:
        more.append(point.note)
    return f"{words.number(point.y)} ({'; '.join(more)})" if more else words.number(point.y)


def _trend_table(drawn: Sequence[Drawn], places: Sequence[date], *, monthly: bool) -> ChartTable:
    noted = any(_remark(drawn, place) for place in places)
    rows: list[tuple[Cell, ...]] = []
    for place in places:
        cells: list[Cell] = [scale.name(place, monthly=monthly)]
        for one in drawn:
            point = one.by_place.get(place)
            cells.append(None if point is None else point.y)
        rows.append((*cells, _remark(drawn, place)) if noted else tuple(cells))
    head = ("Month" if monthly else "Day", *(one.series.name for one in drawn), *(("Remark",) if noted else ()))
    return ChartTable(head=head, rows=tuple(rows))


def _remark(drawn: Sequence[Drawn], place: date) -> str:
    """What is special about a month, over all series."""
    points = [point for one in drawn if (point := one.by_place.get(place)) is not None]
    said: list[str] = []
    if any(point.unfinished for point in points):
        said.append("not finished")
    for one in drawn:
        point = one.by_place.get(place)
        if point is not None and point.restated_from is not None and point.restated_from != point.y:
            said.append(f"{one.series.name} restated, was {words.number(point.restated_from)}")
    said += [point.note for point in points if point.note]
    return "; ".join(dict.fromkeys(said))


def _notes(drawn: Sequence[Drawn], places: Sequence[date], *, monthly: bool) -> tuple[str, ...]:
    """What the drawing marks, in sentences: gaps with their reason, restatements, the unfinished month."""
    notes: list[str] = []
    gaps = [(place, _remark(drawn, place)) for place in places if _is_gap(drawn, place)]
    for reason, same in groupby(gaps, key=lambda gap: gap[1]):
        own = [place for place, _ in same]
        span = scale.name(own[0], monthly=monthly)
        if len(own) > 1:
            span = f"{span} to {scale.name(own[-1], monthly=monthly)}"
        notes.append(f"{span}: no figure{f', {reason}' if reason else ''}.")
    for one in drawn:
        for place in places:
            point = one.by_place.get(place)
            if point is not None and point.restated_from is not None and point.restated_from != point.y:
                notes.append(
                    f"◆ {one.series.name} of {scale.name(place, monthly=monthly)} was restated from "
                    f"{words.number(point.restated_from)} to {words.number(point.y)}."
                )
    unfinished = [
        place for place in places if any((point := one.by_place.get(place)) and point.unfinished for one in drawn)
    ]
    if unfinished:
        notes.append(f"○ {scale.name(unfinished[-1], monthly=monthly)} is not finished.")
    if len(notes) > 5:
        notes = [*notes[:4], f"{len(notes) - 4} more remarks are in the table."]
    return tuple(notes)


def _bar_spec(bars: Sequence[Bar], values: Sequence[float], *, width: int, height: int, label_room: int) -> Row:
    low, high = min([0.0, *values]), max([0.0, *values]) or 1.0
    rows = [
        {"k": str(index), "y": _number(bar.value), "t": words.compact(bar.value), "o": 0 if bar.value is None else 1}
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
            "data": _data(known),
            "mark": {"type": "bar", "color": palette.SERIES[0], "cornerRadiusEnd": 2},
            "encoding": {"y": place, "x": long},
        },
        {
            "data": _data({**row, "y": row["y"] or 0} for row in rows),
            "mark": {"type": "text", "align": "left", "baseline": "middle", "dx": 6, "color": palette.MUTED},
            "encoding": {"y": place, "x": long, "text": {"field": "t"}},
        },
        {
            "name": "hover",
            "data": _data(
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
    return _frame(width, height, layers)


def _said_bar(bar: Bar) -> str:
    said = "no figure" if bar.value is None else words.number(bar.value)
    return f"{said} ({bar.note})" if bar.note else said
