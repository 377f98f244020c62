"""What is read of months, mapping and dictionary before figures can be answered."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, JSONField, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import JSONObject

from metrics.engine.mapping import InForce, Kept, MappingRow, mapping_rows
from metrics.figures.load import Moment
from metrics.models.dictionary import MetricDefinition, MetricSlot
from metrics.models.figures import FigureMonth, MonthRevision
from metrics.periods import Month, Week, state_by_date


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a publication kept of the mapping, and when."""

    kept: Kept
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is read of months and dictionary before figures can be answered; a page that shows it too hands it on."""

    months: Mapping[Month, FigureMonth]
    snapshots: Mapping[Moment, Snapshot]
    mappings: Sequence[MappingRow]
    definitions: Collection[MetricDefinition]


def known_of(months: Iterable[Month], definitions: Q | None = None) -> Known:
    """Read the months, the mapping, and of the definitions those that stand for something or fulfil a condition."""
    rows, snapshots = read_months(months)
    mappings = mapping_rows()
    mapped = {row.metric_id for row in mappings}.union(*(metrics_in(one.kept.mapping) for one in snapshots.values()))
    wanted = Q(pk__in=mapped) if definitions is None else Q(pk__in=mapped) | definitions
    found = list(definitions_where(wanted))
    return Known(months=rows, snapshots=snapshots, mappings=mappings, definitions=found)


def read_months(asked: Iterable[Month]) -> tuple[dict[Month, FigureMonth], dict[Moment, Snapshot]]:
    """All months, since an earlier one can move the estimates of a later one, and what was first published of some."""
    first = MonthRevision.objects.filter(pk=OuterRef("first_published_revision"))
    kept = Subquery(first.values(one=JSONObject(mapping="mapping", at="at")))
    days = {month.first for month in asked}
    rows: QuerySet[Any] = FigureMonth.objects.annotate(
        snapshot=Case(When(month__in=days, then=kept), output_field=JSONField())
    )
    snapshots = {
        (Month.of(row.month), row.first_published_revision): Snapshot(
            Kept.read(row.snapshot["mapping"]), datetime.fromisoformat(row.snapshot["at"])
        )
        for row in rows
        if row.first_published_revision is not None and row.snapshot is not None
    }
    return {Month.of(row.month): row for row in rows}, snapshots


def definitions_where(wanted: Q) -> QuerySet[MetricDefinition]:
    """Definitions with what figures and boards need of them, and the slots that they had before."""
    slots = MetricSlot.objects.filter(definition=OuterRef("pk"), retired_at__isnull=False)
    retired = slots.values(one=JSONObject(slot="slot", allotted_at="allotted_at", retired_at="retired_at"))
    return (
        MetricDefinition.objects.filter(wanted)
        .only("key_path", "name", "time_frame", "status", "version", "slot", "group", "repair_issue_url")
        .annotate(retired_slots=ArraySubquery(retired))
    )


def metrics_in(mapping: InForce) -> set[int]:
    """The definitions that stand for something."""
    return {metric for metrics in mapping.values() for metric in metrics}


def month_state(month: Month, kept: FigureMonth | None, now: datetime) -> str:
    """Open, provisional or final: by the calendar, unless somebody closed or re-opened it."""
    by_date = state_by_date(month, now.date())
    if kept is None:
        return by_date
    if kept.reopened_at is not None:
        return by_date if by_date == "open" else "provisional"
    return "final" if kept.state == FigureMonth.State.FINAL else by_date


def week_state(week: Week, now: datetime) -> str:
    """A week runs, then waits for late reports, then is as good as closed."""
    if now.date() <= week.last:
        return "open"
    return "final" if now.date() >= week.plus(10).last else "provisional"
