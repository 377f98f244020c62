"""A trend in words and numbers: points in tooltips, the table twin, the remarks under the drawing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby

from portal import words
from portal.charts import scale
from portal.charts.drawn import Drawn, is_gap
from portal.charts.values import Cell, ChartTable, Point


def said(point: Point | None) -> str:
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


def trend_table(drawn: Sequence[Drawn], places: Sequence[date], *, monthly: bool) -> ChartTable:
    noted = any(remark(drawn, place) for place in places)
    rows: list[tuple[Cell, ...]] = []
    for place in places:
        cells: list[Cell] = [scale.name(place, monthly=monthly)]
        for one in drawn:
            point = one.by_place.get(place)
            cells.append(None if point is None else point.y)
        rows.append((*cells, remark(drawn, place)) if noted else tuple(cells))
    head = ("Month" if monthly else "Day", *(one.series.name for one in drawn), *(("Remark",) if noted else ()))
    return ChartTable(head=head, rows=tuple(rows))


def remark(drawn: Sequence[Drawn], place: date) -> str:
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


def notes_of(
    drawn: Sequence[Drawn], places: Sequence[date], *, monthly: bool, marked: date | None = None
) -> tuple[str, ...]:
    """What the drawing marks, in sentences: gaps with their reason, restatements, the unfinished month, and the month
    that the page is about.
    """
    notes: list[str] = []
    gaps = [(place, remark(drawn, place)) for place in places if is_gap(drawn, place)]
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
    if marked is not None and marked in places:
        notes.append(f"The coloured band is {scale.name(marked, monthly=monthly)}, which this page shows.")
    return tuple(notes)
