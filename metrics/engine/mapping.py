"""Which metric stands for which subject in a month: the dated mapping, read at once for many months."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Q

from metrics.models.dictionary import IndicatorMapping
from metrics.periods import Month
from stages.models import Stage

InForce = dict[str, list[int]]
"""By ``kind:subject`` the ids of the metrics in force: one, or several when they are in conflict."""

Structure = dict[str, list[str]]
"""By section (empty = the product) the keys of its stages; those that are retired end in ``RETIRED``."""

RETIRED = "~"


@dataclass(frozen=True, slots=True)
class MappingRow:
    """A dated mapping."""

    id: int
    kind: str
    subject_kind: str
    subject_key: str
    metric_id: int
    from_month: date | None
    to_month: date | None
    source: str
    reason: str
    made_by: str
    made_at: datetime

    @property
    def subject(self) -> str:
        """``smau:create``."""
        return f"{self.kind}:{self.subject_key}"

    def holds_in(self, month: Month) -> bool:
        """Whether it is in force in a month."""
        return (self.from_month is None or self.from_month <= month.first) and (
            self.to_month is None or month.first <= self.to_month
        )


def mapping_rows(*, kinds: Sequence[str] | None = None) -> list[MappingRow]:
    """All mappings to subjects that the catalog knows."""
    wanted = IndicatorMapping.objects.filter(Q(subject_key__isnull=False)).select_related("made_by").order_by("id")
    if kinds is not None:
        wanted = wanted.filter(kind__in=kinds)
    return [
        MappingRow(
            id=row.pk,
            kind=row.kind,
            subject_kind=row.subject_kind,
            subject_key=row.subject_key or "",
            metric_id=row.metric_id,
            from_month=row.from_month,
            to_month=row.to_month,
            source=row.source,
            reason=row.reason,
            made_by=str(row.made_by) if row.made_by else "",
            made_at=row.made_at,
        )
        for row in wanted
    ]


def in_force(rows: Iterable[MappingRow], month: Month) -> InForce:
    """What holds in a month."""
    found: InForce = {}
    for row in rows:
        if row.holds_in(month):
            metrics = found.setdefault(row.subject, [])
            if row.metric_id not in metrics:
                metrics.append(row.metric_id)
    return {subject: sorted(metrics) for subject, metrics in sorted(found.items())}


def structure() -> Structure:
    """Which stages combined figures add up, as the catalog has it now."""
    found: Structure = {}
    for key, section, retired_on in Stage.objects.order_by("key").values_list("key", "section__key", "retired_on"):
        marked = key + (RETIRED if retired_on is not None else "")
        found.setdefault("", []).append(marked)
        if section:
            found.setdefault(section, []).append(marked)
    return found


@dataclass(frozen=True, slots=True)
class Kept:
    """What a revision keeps beside sums, so that a snapshot can be answered: the mapping and the structure."""

    mapping: InForce
    structure: Structure

    def as_json(self) -> dict[str, Any]:
        """As the revision stores it."""
        return {"mapping": self.mapping, "structure": self.structure}

    @classmethod
    def read(cls, stored: dict[str, Any]) -> Kept:
        """As the revision stored it."""
        return cls(stored.get("mapping", {}), stored.get("structure", {}))


def kept_now(month: Month, rows: Iterable[MappingRow] | None = None) -> Kept:
    """What a revision of a month made now has to keep."""
    return Kept(in_force(mapping_rows() if rows is None else rows, month), structure())
