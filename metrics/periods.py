"""Periods as values: calendar months and ISO weeks, both in UTC. No Django in here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

FINAL_AFTER_DAYS = 70
"""So many days after its last day a month becomes final by itself."""

YEARS = range(1900, 9990)
"""What may be asked for: beyond, there is no room for the months before and after that go with a figure."""

_MONTH = re.compile(r"(\d{4})-(\d{2})")
_WEEK = re.compile(r"(\d{4})-W(\d{2})")


@dataclass(frozen=True, order=True, slots=True)
class Month:
    """A calendar month in UTC, written ``2026-10``."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (1 <= self.year <= 9999 and 1 <= self.month <= 12):
            raise ValueError(f"{self.year}-{self.month} is no month")

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read ``YYYY-MM``; anything else is refused with a sentence."""
        match = _MONTH.fullmatch(text.strip())
        if not match:
            raise ValueError(f"{text!r} is no month; write YYYY-MM, for example 2026-10")
        year, month = int(match[1]), int(match[2])
        if not 1 <= month <= 12:
            raise ValueError(f"{text!r} is no month; write YYYY-MM, for example 2026-10")
        if year not in YEARS:
            raise ValueError(f"{text!r} is out of reach; months go from {YEARS[0]}-01 to {YEARS[-1]}-12")
        return cls(year, month)

    @classmethod
    def of(cls, moment: date | datetime) -> Month:
        """The month that a moment lies in; a moment with a time zone is taken to UTC first."""
        if isinstance(moment, datetime):
            moment = in_utc(moment)
        return cls(moment.year, moment.month)

    @property
    def first(self) -> date:
        """The first day."""
        return date(self.year, self.month, 1)

    @property
    def last(self) -> date:
        """The last day."""
        if (self.year, self.month) == (9999, 12):
            return date(9999, 12, 31)
        return self.plus(1).first - timedelta(days=1)

    @property
    def index(self) -> int:
        """Months since year 0, for arithmetic."""
        return self.year * 12 + self.month - 1

    def plus(self, months: int) -> Month:
        """The month so many months later (or earlier)."""
        year, month = divmod(self.index + months, 12)
        return Month(year, month + 1)

    @property
    def previous(self) -> Month:
        """The month before."""
        return self.plus(-1)

    @property
    def next(self) -> Month:
        """The month after."""
        return self.plus(1)

    @property
    def opens_as_provisional_on(self) -> date:
        """The 2nd of the next month: from then on all its data should be there."""
        return self.next.first + timedelta(days=1)

    @property
    def final_on(self) -> date:
        """The day from which it is final if nobody closed it earlier."""
        return self.last + min(timedelta(days=FINAL_AFTER_DAYS), date.max - self.last)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


@dataclass(frozen=True, order=True, slots=True)
class Week:
    """An ISO week in UTC, written ``2026-W43``."""

    year: int
    week: int

    def __post_init__(self) -> None:
        date.fromisocalendar(self.year, self.week, 1)

    @classmethod
    def parse(cls, text: str) -> Week:
        """Read ``YYYY-Www``; anything else is refused with a sentence."""
        match = _WEEK.fullmatch(text.strip())
        if match and int(match[1]) in YEARS:
            try:
                return cls(int(match[1]), int(match[2]))
            except ValueError:
                pass
        raise ValueError(f"{text!r} is no ISO week; write YYYY-Www, for example 2026-W43")

    @classmethod
    def of(cls, moment: date | datetime) -> Week:
        """The ISO week that a moment lies in; a moment with a time zone is taken to UTC first."""
        if isinstance(moment, datetime):
            moment = in_utc(moment)
        year, week, _day = moment.isocalendar()
        return cls(year, week)

    @property
    def first(self) -> date:
        """Its Monday."""
        return date.fromisocalendar(self.year, self.week, 1)

    @property
    def last(self) -> date:
        """Its Sunday."""
        return self.first + timedelta(days=6)

    def plus(self, weeks: int) -> Week:
        """The week so many weeks later (or earlier)."""
        return Week.of(self.first + timedelta(weeks=weeks))

    @property
    def previous(self) -> Week:
        """The week before."""
        return self.plus(-1)

    @property
    def next(self) -> Week:
        """The week after."""
        return self.plus(1)

    def __str__(self) -> str:
        return f"{self.year:04d}-W{self.week:02d}"


Period = Month | Week


def parse_period(text: str) -> Period:
    """A month or an ISO week, by the way it is written."""
    if "W" in text:
        return Week.parse(text)
    return Month.parse(text)


def in_utc(moment: datetime) -> datetime:
    """The same instant in UTC. One without a time zone is refused: guessing would move it to another month."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    return moment.astimezone(UTC)


def state_by_date(month: Month, today: date) -> str:
    """``open``, ``provisional`` or ``final``: what a month is by the calendar alone."""
    if today >= month.final_on:
        return "final"
    if (month.year, month.month) != (9999, 12) and today >= month.opens_as_provisional_on:
        return "provisional"
    return "open"
