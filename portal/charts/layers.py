"""The layers of a trend, from the ground up: gaps, areas, the marked month, lines, points, labels, tooltips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from portal import words
from portal.charts import palette, scale
from portal.charts.drawn import Drawn, is_gap, runs_of, strokes
from portal.charts.frame import Layer, Row, as_number, rows_of
from portal.charts.telling import said

DASHES: Mapping[str, list[float]] = {"recorded": [], "neutral": [], "estimated": [6, 4], "predicted": [1.5, 3.5]}
LINE_HEIGHT = 15
AXIS_HEIGHT = 44


def gap_layer(drawn: Sequence[Drawn], places: Sequence[date], *, monthly: bool, x: Row) -> list[Layer]:
    """A quiet ground where no series has a figure, so that a gap is seen to be one."""
    rows = [{"m": scale.name(place, monthly=monthly)} for place in places if is_gap(drawn, place)]
    if not rows:
        return []
    return [{"data": rows_of(rows), "mark": {"type": "rect", "color": palette.HOVER}, "encoding": {"x": x}}]


def area_layers(drawn: Sequence[Drawn], places: Sequence[date], *, monthly: bool, x: Row, y: Row) -> list[Layer]:
    recorded = [one for one in drawn if one.series.kind == "recorded"]
    estimated = [one for one in drawn if one.series.kind == "estimated"]
    if len(recorded) != 1 or any(one.number != 1 for one in (*recorded, *estimated)):
        return []
    base = recorded[0]
    layers: list[Layer] = []

    def layer(rows: list[Row], colour: str) -> Layer:
        return {
            "data": rows_of(rows),
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
                "y": as_number(point.y),
                "z": as_number(below.y),
                "r": number,
                "s": upper.series.name,
            }
            for number, run in enumerate(runs_of(upper, places))
            for point in run
            if (below := base.by_place.get(point.x)) is not None and below.y is not None
        ]
        if rows:
            layers.append(layer(rows, palette.BAND))
    rows = [
        {
            "m": scale.name(point.x, monthly=monthly),
            "y": as_number(point.y),
            "z": 0,
            "r": number,
            "s": base.series.name,
        }
        for number, run in enumerate(runs_of(base, places))
        for point in run
    ]
    if rows:
        layers.append(layer(rows, palette.AREA))
    return layers


def marked_layer(marked: date | None, *, monthly: bool, x: Row) -> list[Layer]:
    if marked is None:
        return []
    rows = [{"m": scale.name(marked, monthly=monthly)}]
    return [
        {"data": rows_of(rows), "mark": {"type": "rect", "color": palette.MARKED, "opacity": 0.6}, "encoding": {"x": x}}
    ]


def line_layers(one: Drawn, places: Sequence[date], *, monthly: bool, x: Row, y: Row) -> list[Layer]:
    rows: dict[bool, list[Row]] = {False: [], True: []}
    for number, run in enumerate(runs_of(one, places)):
        for unfinished, points in strokes(run):
            rows[unfinished] += [
                {
                    "m": scale.name(point.x, monthly=monthly),
                    "y": as_number(point.y),
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
                "data": rows_of(own),
                "mark": mark,
                "encoding": {"x": x, "y": y, "detail": {"field": "r", "type": "nominal"}},
            }
        )
    return layers


def point_layers(one: Drawn, places: Sequence[date], *, monthly: bool, x: Row, y: Row) -> list[Layer]:
    """Marks only where they say something: the last point, one that stands alone, unfinished and restated ones."""
    layers: list[Layer] = []
    closed: list[Row] = []
    open_: list[Row] = []
    restated: list[Row] = []
    before: list[Row] = []
    runs = runs_of(one, places)
    for run in runs:
        for index, point in enumerate(run):
            row = {"m": scale.name(point.x, monthly=monthly), "y": as_number(point.y), "s": one.series.name}
            if point.unfinished:
                open_.append(row)
            elif point.restated_from is not None and point.restated_from != point.y:
                restated.append(row)
                before.append({**row, "y": as_number(point.restated_from), "z": as_number(point.y)})
            elif len(run) == 1 or (run is runs[-1] and index == len(run) - 1):
                closed.append(row)

    def points(rows: list[Row], **mark: Any) -> Layer:
        return {
            "data": rows_of(rows),
            "mark": {"type": "point", "opacity": 1, **mark},
            "encoding": {"x": x, "y": y},
        }

    if before:
        layers.append(
            {
                "data": rows_of(before),
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


def label_layer(
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
    ends = [(one, runs[-1][-1]) for one in drawn if (runs := runs_of(one, places))]
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
                "data": rows_of([row]),
                "mark": {"type": "text", "align": "left", "baseline": "middle", "dx": 12, "color": one.colour},
                "encoding": {"x": x, "y": y, "text": {"field": "t"}},
            }
        )
    return layers


def _short(name: str, longest: int = 20) -> str:
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def hover_layer(drawn: Sequence[Drawn], places: Sequence[date], *, monthly: bool, x: Row) -> list[Layer]:
    """The tooltip of a month, over its whole height; only the interactive version draws this."""
    rows = []
    for place in places:
        row: Row = {"m": scale.name(place, monthly=monthly)}
        for index, one in enumerate(drawn):
            row[f"v{index}"] = said(one.by_place.get(place))
        rows.append(row)
    fields = [{"field": f"v{index}", "type": "nominal", "title": one.series.name} for index, one in enumerate(drawn)]
    return [
        {
            "name": "hover",
            "params": [{"name": "under", "select": {"type": "point", "on": "pointerover", "clear": "pointerout"}}],
            "data": rows_of(rows),
            "mark": {"type": "rect", "color": palette.AXIS},
            "encoding": {
                "x": x,
                "opacity": {"condition": {"param": "under", "empty": False, "value": 0.18}, "value": 0},
                "tooltip": [{"field": "m", "type": "nominal", "title": "Month" if monthly else "Day"}, *fields],
            },
        }
    ]
