"""From series and bars to Vega-Lite specs. Pure: the same input gives the same spec, and so the same cached drawing."""

from __future__ import annotations

from collections.abc import Sequence

from portal import words
from portal.charts.values import Bar, Chart, ChartTable, Series


def trend(*, title: str, series: Sequence[Series], unit: str = "", height: int = 220) -> Chart:
    """Months along the bottom, figures up the side."""
    months = sorted({point.x for one in series for point in one.points})
    by_month = [{point.x: point for point in one.points} for one in series]
    rows = tuple(
        (words.month(month), *(words.number(points[month].y if month in points else None) for points in by_month))
        for month in months
    )
    return Chart(
        title=title,
        spec={"height": height},
        table=ChartTable(head=("Month", *(one.name for one in series)), rows=rows),
        unit=unit,
    )


def bars(*, title: str, bars: Sequence[Bar], unit: str = "", height: int | None = None) -> Chart:
    """One bar a line, longest label on the left."""
    rows = tuple((bar.label, words.number(bar.value)) for bar in bars)
    return Chart(title=title, spec={}, table=ChartTable(head=("", unit or "Value"), rows=rows), unit=unit)
