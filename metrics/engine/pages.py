"""How readings lie in pages of 128 slots (see ``ReportPage``). No Django in here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import IntEnum

from metrics.exact import Number, as_text, difference, from_text

PAGE_SIZE = 128
OK = 0
ABSENT = 1
WIDE = 9
"""The state of a number that does not fit beside the others and stands in ``wide``."""

NARROW = 2**62
"""Numbers below this lie in the array: the difference of any two of them still is a 64-bit integer."""


class Missing(IntEnum):
    """Why there is no number where a number could be. The word of each is what passports and the API say."""

    ABSENT = 1
    TIMED_OUT = 2
    FAILED = 3
    NOT_COLLECTED = 4
    DEPRECATED = 5
    WRONG_TYPE = 6
    NULL = 7
    NOT_PERMITTED = 8

    @property
    def word(self) -> str:
        """``timed_out`` …"""
        return self.name.lower()


Reading = int | Decimal | Missing


def place(slot: int) -> tuple[int, int]:
    """The page of a slot and its index there, from 0."""
    return divmod(slot, PAGE_SIZE)


def slot_of(page: int, index: int) -> int:
    """The slot at this place."""
    return page * PAGE_SIZE + index


def is_all_time(page: int) -> bool:
    """Odd pages hold counters since install, whose monthly value needs the report of the month before."""
    return page % 2 == 1


def pack(readings: Mapping[int, Reading]) -> tuple[list[int], bytes, dict[str, str] | None]:
    """The readings of one page, by index, as ``values``, ``states`` and ``wide``."""
    values = [0] * PAGE_SIZE
    states = bytearray([ABSENT]) * PAGE_SIZE
    wide: dict[str, str] = {}
    for index, reading in readings.items():
        if type(reading) is int and -NARROW < reading < NARROW:  # first, since nearly all are
            values[index] = reading
            states[index] = OK
        elif isinstance(reading, Missing):
            states[index] = int(reading)
        else:
            states[index] = WIDE
            wide[str(index)] = as_text(reading if isinstance(reading, Decimal) else Decimal(reading))
    return values, bytes(states), wide or None


def unpack(values: Sequence[int], states: bytes, wide: Mapping[str, str] | None) -> dict[int, Reading]:
    """What ``pack`` packed, by index; absent readings are left out."""
    found: dict[int, Reading] = {}
    for index, state in enumerate(states):
        if state == OK:
            found[index] = values[index]
        elif state == WIDE:
            found[index] = from_text((wide or {})[str(index)])
        elif state != ABSENT:
            found[index] = Missing(state)
    return found


def reading_at(index: int, values: Sequence[int], states: bytes, wide: Mapping[str, str] | None) -> Reading:
    """One reading of a page."""
    state = states[index]
    if state == OK:
        return values[index]
    if state == WIDE:
        return from_text((wide or {})[str(index)])
    return Missing(state)


def monthly(now: Reading, before: Reading | None, *, all_time: bool) -> Number | str | Missing:
    """The monthly value of a reading, or why there is none: a ``Missing``, ``no_baseline`` or ``reset``.

    ``before`` is the reading of the month before, ``None`` where there is no report of it.
    """
    if isinstance(now, Missing):
        return now
    if not all_time:
        return now
    if before is None or isinstance(before, Missing):
        return "no_baseline"
    change = difference(now, before)
    return change if change >= 0 else "reset"
