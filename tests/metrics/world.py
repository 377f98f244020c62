"""Small worlds of facts for tests of the engine: metrics, stages, reports, labels and subscriptions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from metrics.engine.rollup import roll_up_dirty
from metrics.facts import Missing, Reading, Recorded, ReportFacts, record_reports
from metrics.figures.asking import questions_from
from metrics.figures.queries import Figure, figures
from metrics.models import IndicatorMapping, MetricDefinition, MetricSlot, Subscription
from stages.models import Group, Section, Stage

_numbers = count(1)


def a_metric(key_path: str = "counts.things", *, frame: str = "28d", slot: int | None = None) -> MetricDefinition:
    """A numeric metric with a slot."""
    if slot is None:
        parity = 1 if frame == "all" else 0
        taken = [kept for kept in MetricSlot.objects.values_list("slot", flat=True) if (kept // 128) % 2 == parity]
        slot = max(taken, default=(127 if parity else 255)) + 1
    metric = MetricDefinition.objects.create(
        key_path=key_path,
        description=key_path,
        value_type="number",
        status="active",
        time_frame=frame,
        data_source="database",
        slot=slot,
    )
    MetricSlot.objects.create(slot=slot, definition=metric)
    return metric


def a_stage(key: str, section: str = "dev") -> Stage:
    """A stage in a section."""
    of, _ = Section.objects.get_or_create(key=section, defaults={"name": section.title()})
    stage, _ = Stage.objects.get_or_create(key=key, defaults={"name": key.title(), "section": of})
    return stage


def a_group(key: str, stage: Stage) -> Group:
    """A group of a stage."""
    group, _ = Group.objects.get_or_create(key=key, defaults={"name": key.title(), "stage": stage})
    return group


def mapped(
    metric: MetricDefinition,
    kind: str = "smau",
    subject: str = "create",
    from_month: date | None = None,
    to_month: date | None = None,
) -> IndicatorMapping:
    """A metric stands for a subject."""
    subject_kind = {"smau": "stage", "umau": "product"}.get(kind, "group")
    return IndicatorMapping.objects.create(
        kind=kind,
        subject_kind=subject_kind,
        subject_key=subject,
        metric=metric,
        from_month=from_month,
        to_month=to_month,
    )


def a_smau(stage: str = "create", section: str = "dev", key_path: str = "", frame: str = "28d") -> MetricDefinition:
    """A stage with its metric."""
    a_stage(stage, section)
    metric = a_metric(key_path or f"usage.{stage}", frame=frame)
    mapped(metric, subject=stage)
    return metric


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def facts(
    who: str,
    moment: str | datetime,
    values: Mapping[MetricDefinition, Reading | None] | None = None,
    *,
    hostname: str = "host",
    source: str = "",
    **rest: Any,
) -> ReportFacts:
    """A report; a value of ``None`` is null."""
    readings = {
        metric.slot: Missing.NULL if value is None else value
        for metric, value in (values or {}).items()
        if metric.slot is not None
    }
    return ReportFacts(
        uuid=who,
        hostname=hostname,
        recorded_at=at(moment) if isinstance(moment, str) else moment,
        source=source or f"test:{next(_numbers)}",
        readings=readings,
        **rest,
    )


def report(
    who: str, moment: str | datetime, values: Mapping[MetricDefinition, Reading | None] | None = None, **rest: Any
) -> Recorded:
    """Record one report."""
    [recorded] = record_reports([facts(who, moment, values, **rest)])
    return recorded


def a_subscription(
    name: str,
    seats: int = 10,
    starts_on: date = date(2020, 1, 1),
    ends_on: date | None = None,
    delivery: str = "self_managed",
    account: str = "",
) -> Subscription:
    """A line of the list of subscriptions."""
    return Subscription.objects.create(
        subscription_id=name,
        seats=seats,
        starts_on=starts_on,
        ends_on=ends_on,
        delivery=delivery,
        account=account or name,
        plan="premium",
    )


__all__ = ["Decimal", "a_group", "a_metric", "a_smau", "a_stage", "a_subscription", "at", "facts", "mapped", "report"]


def ask(**asked: str) -> Figure:
    """The SMAU of Create in May 2026, or what is asked instead, once the roll-up has followed."""
    roll_up_dirty()
    [found] = figures(questions_from({"indicator": "smau", "stage": "create", "month": "2026-05", **asked}))
    return found
