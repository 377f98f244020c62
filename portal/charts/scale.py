"""Months in a row, round numbers up the side, and labels that do not lie on each other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from math import ceil, floor, log10

from portal import words


def positions(days: Sequence[date]) -> tuple[date, ...]:
    """The places of the axis in order; where all are first days of months, the months between them too."""
    found = sorted(set(days))
    if not found or any(day.day != 1 for day in found):
        return tuple(found)
    first, last = found[0], found[-1]
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return tuple(
        date(first.year + (first.month - 1 + step) // 12, (first.month - 1 + step) % 12 + 1, 1) for step in range(count)
    )


def name(day: date, *, monthly: bool) -> str:
    """What a place of the axis is called in full."""
    return words.month(day) if monthly else words.day(day)


def short(day: date, *, monthly: bool) -> str:
    """What a place of the axis is labelled with."""
    month = words.MONTHS[day.month - 1]
    return month if monthly else f"{day.day} {month}"


def axis_labels(days: Sequence[date], *, monthly: bool, room: int) -> dict[str, str | list[str]]:
    """The labels that fit into ``room`` of them: the month, and the year below it wherever the year changes.

    The last place is always labelled, since that is where readers look first.
    """
    if not days:
        return {}
    step = max(1, ceil(len(days) / max(room, 1)))
    shown = [day for index, day in enumerate(days) if (len(days) - 1 - index) % step == 0]
    labels: dict[str, str | list[str]] = {}
    year = None
    for day in shown:
        label = short(day, monthly=monthly)
        labels[name(day, monthly=monthly)] = label if day.year == year else [label, str(day.year)]
        year = day.year
    return labels


def ticks(low: float, high: float, *, count: int = 4) -> list[float]:
    """Round numbers from at or below ``low`` to at or above ``high``, about ``count`` steps apart."""
    if high - low <= max(abs(low), 1.0) * 1e-12:
        # No wider than what floats can tell apart there: one step is all that can be drawn.
        high = low + max(abs(low) * 1e-9, 1.0)
    raw = (high - low) / count
    power = 10 ** floor(log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [float(Decimal(str(step)) * index) for index in range(first, last + 1)]


def apart(wanted: Sequence[float], *, gap: float, low: float, high: float) -> list[float]:
    """Places as near as possible to those wanted, at least ``gap`` apart, in the same order, between low and high."""
    if not wanted:
        return []
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    placed = [0.0] * len(wanted)
    floor_ = low
    for index in order:
        placed[index] = max(wanted[index], floor_)
        floor_ = placed[index] + gap
    ceiling = high
    for index in reversed(order):
        placed[index] = min(placed[index], ceiling)
        ceiling = placed[index] - gap
    return placed
