"""From series of months to a Vega-Lite spec. Pure: the same input gives the same spec, and so the same cached drawing.

Everything that a browser's locale or a library's default could change (labels, ticks, gaps) is decided here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from portal import words
from portal.charts import scale
from portal.charts.drawn import Drawn, coloured
from portal.charts.frame import Layer, Row, frame, plain
from portal.charts.layers import (
    area_layers,
    gap_layer,
    hover_layer,
    label_layer,
    line_layers,
    marked_layer,
    point_layers,
)
from portal.charts.telling import notes_of, trend_table
from portal.charts.values import WIDTHS, Chart, KeyEntry, Series

LONG = 24
"""Places on the axis beyond which a part of them can be looked at closely."""


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
    drawn = coloured(series)
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
        table=trend_table(drawn, places, monthly=monthly),
        unit=unit,
        notes=notes_of(drawn, places, monthly=monthly, marked=marked),
        key=key if len(key) > 1 else (),
        empty=not values,
        stretch=tuple(scale.name(place, monthly=monthly) for place in places) if len(places) > LONG else (),
    )


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
    x, y = _x(names, shown), _y(steps, (low, high), from_zero=from_zero)
    layers: list[Layer] = []
    layers += gap_layer(drawn, places, monthly=monthly, x=x)
    layers += area_layers(drawn, places, monthly=monthly, x=x, y=y)
    layers += marked_layer(marked, monthly=monthly, x=x) if marked in places else []
    for one in drawn:
        layers += line_layers(one, places, monthly=monthly, x=x, y=y)
    for one in drawn:
        layers += point_layers(one, places, monthly=monthly, x=x, y=y)
    if direct:
        layers += label_layer(drawn, places, monthly=monthly, x=x, y=y, steps=steps, height=height)
    layers += hover_layer(drawn, places, monthly=monthly, x=x)
    spec = frame(width, height, layers)
    if len(places) > LONG:
        # For the script that shows a part of the axis: what every place would be labelled with, and how many fit.
        spec["usermeta"] = {"room": room, "labels": {name: list(parts) for name, parts in _parts(places, monthly)}}
    return spec


def _x(names: Sequence[str], shown: Mapping[str, Any]) -> Row:
    """The axis along the bottom: all places, of which some are labelled."""
    return {
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


def _y(steps: Sequence[float], reach: tuple[float, float], *, from_zero: bool) -> Row:
    """The axis up the side, as far as its steps or the values reach."""
    labels = {plain(tick): words.compact(tick) for tick in steps}
    return {
        "field": "y",
        "type": "quantitative",
        "scale": {"domain": [min(steps[0], reach[0]), max(steps[-1], reach[1])], "nice": False, "zero": from_zero},
        "axis": {
            "values": steps,
            "labelExpr": f"{json.dumps(labels, ensure_ascii=False)}[datum.value]",
            "title": None,
            "domain": False,
            "ticks": False,
        },
    }


def _parts(places: Sequence[date], monthly: bool) -> Iterable[tuple[str, tuple[str, str]]]:
    """Each place's name, with its label and its year."""
    for place in places:
        yield scale.name(place, monthly=monthly), (scale.short(place, monthly=monthly), str(place.year))
