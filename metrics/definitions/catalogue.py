"""The dictionary as a lookup for those who read pings: one frozen plan per version, shared by the whole process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from types import MappingProxyType

from django.utils import timezone

from metrics.models.dictionary import DefinitionsVersion, MetricDefinition, ValueType


@dataclass(frozen=True, slots=True)
class DefinitionFacts:
    """What reading a ping needs to know of a definition. ``is_inner``: the whole subtree below is one value."""

    key_path: str
    slot: int | None
    value_type: str
    status: str
    data_category: str
    time_frame: str
    is_inner: bool


@dataclass(frozen=True, slots=True)
class ReadingPlan:
    """All definitions by key path, as of one version of the dictionary."""

    version: int
    by_key_path: Mapping[str, DefinitionFacts]


_lock = Lock()
_kept: ReadingPlan | None = None


def definitions_version() -> int:
    """The dictionary's version number: one row, one cheap query. 0 before the first import."""
    number: int | None = DefinitionsVersion.objects.values_list("number", flat=True).first()
    return number or 0


def reading_plan() -> ReadingPlan:
    """The plan of the dictionary's present version; rebuilt only when the version in the database has grown."""
    global _kept
    # The number is read before the definitions: a change in between makes the plan look older than it is, and it is
    # read once more next time. The other order could keep an old plan under a new number.
    version = definitions_version()
    kept = _kept
    if kept is not None and kept.version == version:
        return kept
    with _lock:
        rows = MetricDefinition.objects.values_list(
            "key_path", "slot", "value_type", "status", "data_category", "time_frame"
        )
        plan = ReadingPlan(
            version=version,
            by_key_path=MappingProxyType(
                {row[0]: DefinitionFacts(*row, is_inner=row[2] == ValueType.OBJECT) for row in rows}
            ),
        )
        # Without a version row there is nothing that would tell that the plan has become old.
        _kept = plan if version else None
    return plan


def raise_version() -> int:
    """Note that the dictionary changed. Call it within the transaction of the change, under the dictionary's lock.

    The number is the time in microseconds, not a count: one that was rolled back must never come again with another
    content, since a process may have kept a plan under it.
    """
    now = timezone.now()
    row, _created = DefinitionsVersion.objects.get_or_create(pk=1)
    row.number = max(row.number + 1, int(now.timestamp() * 1_000_000))
    row.save()
    return row.number
