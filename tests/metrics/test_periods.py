"""Months and ISO weeks as values."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.periods import Month, Week, parse_period, state_by_date

months = st.builds(Month, st.integers(1900, 2100), st.integers(1, 12))


@given(months, st.integers(-500, 500))
def test_months_add_and_come_back(month: Month, step: int) -> None:
    assert month.plus(step).plus(-step) == month
    assert month.plus(step).index - month.index == step


@given(months)
def test_a_month_ends_the_day_before_the_next(month: Month) -> None:
    assert month.last + timedelta(days=1) == month.next.first
    assert Month.parse(str(month)) == month
    assert month.previous.next == month


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_a_moment_lies_in_its_month_and_its_week(moment: datetime) -> None:
    month, week = Month.of(moment), Week.of(moment)
    assert month.first <= moment.date() <= month.last
    assert week.first <= moment.date() <= week.last
    assert Week.parse(str(week)) == week


def test_the_month_of_a_moment_is_its_month_in_utc() -> None:
    ahead = timezone(timedelta(hours=9))
    assert Month.of(datetime(2026, 11, 1, 3, 0, tzinfo=ahead)) == Month(2026, 10)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Month.of(datetime(2026, 11, 1))


@pytest.mark.parametrize("text", ["2026-13", "2026", "26-01", "2026-1", "2026-W54", "9998-W01", "x"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write YYYY"):
        parse_period(text)


@pytest.mark.parametrize("text", ["0000-01", "1899-12", "9999-12"])
def test_months_that_leave_no_room_for_their_neighbours_are_out_of_reach(text: str) -> None:
    with pytest.raises(ValueError, match="from 1900-01"):
        Month.parse(text)


def test_weeks_follow_iso() -> None:
    assert Week.of(date(2027, 1, 1)) == Week(2026, 53)
    assert Week(2026, 53).next == Week(2027, 1)


@pytest.mark.parametrize(
    ("today", "state"),
    [
        (date(2026, 9, 30), "open"),
        (date(2026, 10, 1), "open"),
        (date(2026, 10, 2), "provisional"),
        (date(2026, 12, 8), "provisional"),
        (date(2026, 12, 9), "final"),
    ],
)
def test_a_month_is_provisional_from_the_2nd_and_final_after_70_days(today: date, state: str) -> None:
    assert state_by_date(Month(2026, 9), today) == state
