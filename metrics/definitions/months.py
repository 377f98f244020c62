"""Months as the mapping uses them: a date on the first day. No Django in it."""

from __future__ import annotations

from datetime import UTC, date, datetime

from metrics.periods import Month


def parse_month(text: str) -> date:
    """The month that ``2026-10`` names; a ``ValueError`` says what was expected.

    >>> parse_month("2026-10")
    datetime.date(2026, 10, 1)
    """
    return Month.parse(text).first


def month_text(month: date | None) -> str:
    """``2026-10``, or nothing for no month."""
    return "" if month is None else f"{month:%Y-%m}"


def current_month() -> date:
    """The month that it is now, in UTC."""
    return datetime.now(tz=UTC).date().replace(day=1)


def before(month: date) -> date:
    """The month before."""
    return date(month.year - 1, 12, 1) if month.month == 1 else date(month.year, month.month - 1, 1)


def after(month: date) -> date:
    """The month after."""
    return date(month.year + 1, 1, 1) if month.month == 12 else date(month.year, month.month + 1, 1)


def overlap(
    one: tuple[date | None, date | None], other: tuple[date | None, date | None]
) -> tuple[date | None, date | None] | None:
    """The months (both bounds included, ``None`` is no bound) that two spans share, or ``None`` when there are none."""
    starts = [bound for bound in (one[0], other[0]) if bound is not None]
    ends = [bound for bound in (one[1], other[1]) if bound is not None]
    start, end = max(starts, default=None), min(ends, default=None)
    return None if start is not None and end is not None and start > end else (start, end)


def without(
    span: tuple[date | None, date | None], hole: tuple[date | None, date | None]
) -> list[tuple[date | None, date | None]]:
    """What remains of a span when the months of ``hole`` are taken out of it: up to two spans.

    >>> without((None, None), (date(2026, 3, 1), date(2026, 4, 1)))
    [(None, datetime.date(2026, 2, 1)), (datetime.date(2026, 5, 1), None)]
    """
    shared = overlap(span, hole)
    if shared is None:
        return [span]
    rest: list[tuple[date | None, date | None]] = []
    if shared[0] is not None and shared[0] != span[0]:
        rest.append((span[0], before(shared[0])))
    if shared[1] is not None and shared[1] != span[1]:
        rest.append((after(shared[1]), span[1]))
    return rest
