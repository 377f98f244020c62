"""Series as they will be drawn: their colours, their unbroken stretches, the strokes of the pen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from portal.charts import palette
from portal.charts.values import Point, Series


@dataclass(frozen=True)
class Drawn:
    """A series as it will be drawn."""

    series: Series
    colour: str
    number: int
    by_place: Mapping[date, Point]


def coloured(series: Sequence[Series]) -> tuple[Drawn, ...]:
    """Recorded, estimated and predicted of one figure share the accent; several of a kind are told apart by colour."""
    kinds = [one.kind for one in series]
    one_figure = "neutral" not in kinds and all(kinds.count(kind) == 1 for kind in kinds)
    drawn = []
    for index, one in enumerate(series):
        number = 0 if one_figure else index % len(palette.SERIES)
        drawn.append(Drawn(one, palette.SERIES[number], number + 1, {point.x: point for point in one.points}))
    return tuple(drawn)


def runs_of(one: Drawn, places: Sequence[date]) -> list[list[Point]]:
    """The unbroken stretches of a series: a place without a figure ends one."""
    found: list[list[Point]] = [[]]
    for place in places:
        point = one.by_place.get(place)
        if point is None or point.y is None:
            found.append([])
        else:
            found[-1].append(point)
    return [run for run in found if run]


def strokes(run: Sequence[Point]) -> list[tuple[bool, list[Point]]]:
    """A run as strokes of the pen: what is finished, and lighter, from its last point on, what is not."""
    finished = [point for point in run if not point.unfinished]
    open_ = [point for point in run if point.unfinished]
    strokes = [(False, finished)] if len(finished) > 1 else []
    if open_ and len(run) > 1:
        strokes.append((True, [*finished[-1:], *open_]))
    return strokes


def is_gap(drawn: Sequence[Drawn], place: date) -> bool:
    return all((point := one.by_place.get(place)) is None or point.y is None for one in drawn)
