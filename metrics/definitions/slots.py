"""Slots: the places where readings of numeric metrics are kept, allotted once and never handed on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import connection
from django.utils import timezone

from metrics.models.dictionary import MetricDefinition, MetricSlot, TimeFrame, ValueType

PAGE_SIZE = 128
"""Readings are stored by pages of this many slots (see the engine's ``ReportPage``)."""


def is_all_time_page(page: int) -> bool:
    """Whether a page holds all-time counters. Odd pages do; page 0 is not used, so that no slot is 0."""
    return page % 2 == 1


@dataclass
class Allotment:
    """Slots that were given and taken, to be written once the definitions themselves are."""

    fresh: list[MetricSlot] = field(default_factory=list)
    retired: list[int] = field(default_factory=list)

    def write(self) -> bool:
        """Keep the slots; says whether there was anything to keep."""
        MetricSlot.objects.filter(slot__in=self.retired).update(retired_at=timezone.now())
        MetricSlot.objects.bulk_create(self.fresh, batch_size=1000)
        return bool(self.fresh or self.retired)


def allot_slots(definitions: Sequence[MetricDefinition]) -> Allotment:
    """Give each numeric definition that lacks a fitting slot a new one; save the definitions, then write the slots.

    A metric that crosses the border between all-time counter and the rest gets a new slot, and one that is no number
    any more loses its own. Call it within a transaction that holds the dictionary's lock.
    """
    made = Allotment()
    following: dict[bool, int] = {}
    for definition in definitions:
        all_time = definition.time_frame == TimeFrame.ALL
        wanted = definition.value_type == ValueType.NUMBER
        fits = definition.slot is not None and is_all_time_page(definition.slot // PAGE_SIZE) == all_time
        if (wanted and fits) or (not wanted and definition.slot is None):
            continue
        if definition.slot is not None:
            made.retired.append(definition.slot)
            definition.slot = None
        if wanted:
            if all_time not in following:
                following[all_time] = _next_slot(all_time=all_time)
            definition.slot = following[all_time]
            made.fresh.append(MetricSlot(slot=definition.slot, definition=definition))
            following[all_time] = _after(definition.slot)
    return made


def _after(slot: int) -> int:
    """The slot after this one on pages of the same kind."""
    page, index = divmod(slot, PAGE_SIZE)
    return slot + 1 if index + 1 < PAGE_SIZE else (page + 2) * PAGE_SIZE


def _next_slot(*, all_time: bool) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(slot) FROM metrics_metricslot WHERE (slot / %s) %% 2 = %s", [PAGE_SIZE, 1 if all_time else 0]
        )
        (last,) = cursor.fetchone()
    first_page = 1 if all_time else 2
    return _after(last) if last is not None else first_page * PAGE_SIZE
