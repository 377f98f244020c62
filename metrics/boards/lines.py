"""A figure over months: the value now, the one before, the points of a chart or sparkline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from metrics.boards import words
from metrics.exact import Number, total
from metrics.figures.queries import INDICATOR_WORDS, Figure
from metrics.periods import Month, Week
from portal import words as portal_words
from portal.charts import Chart, Point, Series, sparkline, trend

MONTHS = 14


@dataclass(frozen=True, kw_only=True)
class Line:
    """One question over months, oldest first. ``now`` is the month shown as the value."""

    name: str
    figures: tuple[Figure, ...]
    now: Figure
    before: Figure | None
    url: str = ""

    @property
    def label(self) -> str:
        """SMAU, GMAU …"""
        return label_of(self.now)

    @property
    def is_there(self) -> bool:
        """Whether the month shown has a figure."""
        return self.now.recorded is not None

    @property
    def is_ever_there(self) -> bool:
        """Whether any of its months has one."""
        return any(one.recorded is not None for one in self.figures)

    @property
    def has_estimate(self) -> bool:
        """Whether the estimate says more than what was recorded."""
        return bool(self.now.uplift)

    @property
    def why_empty(self) -> str:
        """Why the month shown has no figure."""
        return words.why_empty(self.now.flags)

    @property
    def why_empty_short(self) -> str:
        """The same for a cell of a table."""
        return words.why_empty_short(self.now.flags)

    @property
    def notes(self) -> list[str]:
        """What to keep in mind."""
        return words.notes(self.now.flags)

    @property
    def short_notes(self) -> list[str]:
        """The same in a few words."""
        return words.short_notes(self.now.flags)

    @property
    def self_managed(self) -> Number | None:
        """The recorded part that is not SaaS, where both are there."""
        if self.now.saas is None or self.now.recorded is None or not self.now.parts:
            return None
        return sum_of_parts(self.now)

    @property
    def window(self) -> str:
        """Which days the figure covers."""
        return window_of(self.now)

    @property
    def passport(self) -> str:
        """The page of the figure shown."""
        return passport_page(self.now.id)

    @property
    def spark(self) -> SafeString:
        """The line as a small drawing (its markup is the portal's own)."""
        label = f"{self.name}: {len(self.figures)} months up to {self.figures[-1].period}" if self.figures else ""
        return mark_safe(sparkline(points(self.figures, estimated=True), label=label))

    @property
    def finding(self) -> str:
        """What happened, as a title."""
        now = self.now.estimated if self.has_estimate else self.now.recorded
        before = None if self.before is None else self.before.estimated if self.has_estimate else self.before.recorded
        return words.finding(f"{self.name} {self.label}", now, before, long_month(self.now))


def sum_of_parts(figure: Figure) -> Number:
    """What self-managed installations recorded."""
    return total(*(part.recorded for part in figure.parts))


def label_of(figure: Figure) -> str:
    """What people call the figure; the paid cut of a SMAU is the paid SMAU."""
    word = INDICATOR_WORDS[figure.question.indicator]
    paid = figure.question.cut.paid and figure.question.indicator != "paid_gmau"
    return f"paid {word}" if paid else word


def long_month(figure: Figure) -> str:
    """October 2026."""
    period = figure.period
    return f"{period.first:%B %Y}" if isinstance(period, Month) else f"week {period}"


def window_of(figure: Figure) -> str:
    """Which days the figure covers, in words."""
    frame = figure.metric.time_frame if figure.metric is not None else "28d"
    period = figure.period
    if isinstance(period, Week):
        return f"7 days, reported in the week from {portal_words.day(period.first)}"
    month = portal_words.month(period.first)
    return {
        "28d": f"28 days before each installation's last report of {month}",
        "7d": f"7 days before each installation's last report of {month}",
        "all": f"from the last report of {portal_words.month(period.previous.first)} to that of {month}",
        "none": f"as of each installation's last report of {month}",
    }[frame]


def passport_page(figure_id: str) -> str:
    """Where a figure's passport is read."""
    return reverse("metrics:passport", args=[figure_id])


def shown_month(today: date) -> Month:
    """The month whose figures are shown as current: the last one that is over."""
    return Month.of(today).previous


def line_of(name: str, figures: Sequence[Figure], *, shown: Month, url: str = "") -> Line:
    """The line with the month shown picked out; without any figure there, the newest month that has one."""
    by_month = {one.period: one for one in figures}
    now = by_month.get(shown) or figures[-1]
    if now.recorded is None:
        there = [one for one in figures if one.recorded is not None and not one.is_unfinished]
        now = there[-1] if there and "conflict" not in now.flags else now
    before = by_month.get(now.period.previous)
    return Line(name=name, figures=tuple(figures), now=now, before=before, url=url)


def points(figures: Iterable[Figure], *, estimated: bool) -> list[Point]:
    """The points of one series."""
    made = []
    for one in figures:
        value = one.estimated if estimated else one.recorded
        published = one.published_estimated if estimated else one.published_recorded
        made.append(
            Point(
                x=one.period.first,
                y=value,
                unfinished=one.is_unfinished,
                restated_from=published if one.is_restated and published != value else None,
                note="" if value is not None else words.why_empty(one.flags),
            )
        )
    return made


def series_of(figures: Sequence[Figure], *, recorded: str = "Recorded", estimated: str = "Estimated") -> list[Series]:
    """Recorded, and beside it the estimate where that says more."""
    made = [Series(name=recorded, kind="recorded", points=points(figures, estimated=False))]
    if any(one.uplift for one in figures):
        made.append(Series(name=estimated, kind="estimated", points=points(figures, estimated=True)))
    return made


def trend_of(line: Line, *, marked: Month | Week | None = None, unit: str = "users", **more: Any) -> Chart:
    """The line as a chart whose title says what happened."""
    return trend(
        title=line.finding,
        series=series_of(line.figures),
        unit=unit,
        marked=None if marked is None else marked.first,
        **more,
    )
