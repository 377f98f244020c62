"""Months for pages and the API: state, publication, what changed since, what waits, what looks odd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count
from django.utils import timezone

from metrics.engine.mapping import in_force, mapping_rows
from metrics.engine.rollup import known_months
from metrics.figures.queries import Figure, figures, month_state
from metrics.figures.question import Question
from metrics.models.dictionary import MetricDefinition
from metrics.models.facts import DirtyMonth
from metrics.models.figures import FigureMonth, MonthEvent, MonthRevision
from metrics.periods import Month


@dataclass(frozen=True, slots=True)
class MonthFacts:
    """A month as its page shows it. ``waiting``: changes of facts that it has yet to follow."""

    month: Month
    state: str
    computed_at: datetime | None
    published_at: datetime | None
    published_by: str
    is_reopened: bool
    waiting: int
    findings: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class MonthChange:
    """A line of a month's log: a roll-up that changed something, a closing or a re-opening."""

    at: datetime
    what: str
    who: str
    reason: str
    reports: int
    after_publication: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """What a conflict would be worth if this metric were chosen."""

    metric: MetricDefinition
    figure: Figure
    change: Any
    since: Month


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two or more metrics for one figure: there is none until somebody chooses."""

    kind: str
    subject: str
    month: Month
    choices: tuple[Choice, ...]


def month_facts(months: Sequence[Month] | None = None) -> list[MonthFacts]:
    """These months, or all that are known; newest first."""
    wanted = sorted(months if months is not None else known_months(), reverse=True)
    days = [month.first for month in wanted]
    kept = {
        Month.of(row.month): row for row in FigureMonth.objects.filter(month__in=days).select_related("published_by")
    }
    waiting = dict(
        DirtyMonth.objects.filter(month__in=days)
        .values("month")
        .annotate(number=Count("id"))
        .values_list("month", "number")
    )
    now = timezone.now()
    found = []
    for month in wanted:
        row = kept.get(month)
        if row is None and month.first not in waiting:
            continue
        found.append(
            MonthFacts(
                month=month,
                state=month_state(month, row, now),
                computed_at=row.computed_at if row else None,
                published_at=row.published_at if row else None,
                published_by=str(row.published_by) if row and row.published_by else "",
                is_reopened=bool(row and row.reopened_at),
                waiting=waiting.get(month.first, 0),
                findings=tuple(row.findings) if row else (),
            )
        )
    return found


def month_log(month: Month, *, limit: int = 100) -> list[MonthChange]:
    """What happened to a month's figures, newest first."""
    kept = FigureMonth.objects.filter(month=month.first).first()
    first = kept.first_published_revision if kept is not None else None
    changes = [
        MonthChange(
            at=row.at,
            what=", ".join(row.causes),
            who=", ".join(row.actors) or row.task,
            reason="",
            reports=len(row.reports),
            after_publication=first is not None and row.pk > first,
        )
        for row in MonthRevision.objects.filter(month=month.first).order_by("-pk")[:limit]
        if row.causes != ["published"]
    ]
    changes += [
        MonthChange(
            at=row.at,
            what=row.what,
            who=str(row.by) if row.by else "",
            reason=row.reason,
            reports=0,
            after_publication=False,
        )
        for row in MonthEvent.objects.filter(month_id=month.first).select_related("by")
    ]
    return sorted(changes, key=lambda change: change.at, reverse=True)[:limit]


def conflicts(month: Month) -> list[Conflict]:
    """The conflicts of a month, with what each choice would give."""
    rows = mapping_rows()
    found = []
    for subject, metrics in in_force(rows, month).items():
        if len(metrics) < 2:
            continue
        kind, _, key = subject.partition(":")
        definitions = list(MetricDefinition.objects.filter(pk__in=metrics).order_by("key_path"))
        found.append(Conflict(kind=kind, subject=key, month=month, choices=tuple(preview(kind, definitions, month))))
    return found


def preview(kind: str, definitions: Sequence[MetricDefinition], month: Month) -> list[Choice]:
    """What the figure of a month would be with each of these metrics, and the change from the month before."""
    from dataclasses import replace

    from metrics.figures.question import Cut

    cut = Cut(paid=True) if kind == "paid_gmau" else Cut()
    asked = [
        Question(indicator="metric", subject=definition.key_path, period=month, cut=cut) for definition in definitions
    ]
    now = figures(asked)
    before = figures([replace(question, period=month.previous) for question in asked])
    return [
        Choice(metric=definition, figure=one, change=one.change(earlier), since=month.previous)
        for definition, one, earlier in zip(definitions, now, before, strict=True)
    ]
