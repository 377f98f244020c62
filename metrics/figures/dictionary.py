"""What of the dictionary stands behind a figure: definition and mapping in force; of a snapshot, those of then.

Both have their history, so a published figure shows the wording and the mapping by which it was published.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

from django.db import models

from metrics.figures.queries import Figure, published_moment
from metrics.models.dictionary import IndicatorMapping, MetricDefinition
from metrics.periods import Month
from portal.history.queries import tracked_by

Row = TypeVar("Row", bound=models.Model)


def definition_of(figure: Figure) -> MetricDefinition | None:
    """The definition of the figure's metric."""
    if figure.metric is None:
        return None
    moment = _moment(figure)
    found = rows_at(MetricDefinition, moment, id=figure.metric.id) if moment is not None else []
    return found[0] if found else MetricDefinition.objects.get(pk=figure.metric.id)


def mapping_of(figure: Figure) -> list[IndicatorMapping]:
    """The rows of the mapping that make its metric (or metrics, in a conflict) stand for the figure's subject."""
    question = figure.question
    if question.kind == "metric" or question.is_combined:
        return []
    moment = _moment(figure)
    wanted = {"kind": question.indicator, "subject_key": question.subject}
    rows = (
        IndicatorMapping.objects.filter(**wanted).select_related("metric", "made_by").order_by("id")
        if moment is None
        else rows_at(IndicatorMapping, moment, **wanted)
    )
    metrics = {one.id for one in ([figure.metric] if figure.metric else figure.conflict)}
    return [row for row in rows if row.metric_id in metrics and _holds_in(row, question.month)]


def _moment(figure: Figure) -> datetime | None:
    """When a figure was published; ``None`` for live ones."""
    published = published_moment(figure.question.month) if figure.question.published else None
    return published[1] if published is not None else None


def _holds_in(row: IndicatorMapping, month: Month) -> bool:
    return (row.from_month is None or row.from_month <= month.first) and (
        row.to_month is None or month.first <= row.to_month
    )


def rows_at(model: type[Row], moment: datetime, **conditions: Any) -> list[Row]:
    """The rows of a model with a history that fulfilled these conditions at a moment; not to be saved."""
    events = tracked_by(model)._default_manager
    newest = events.filter(pgh_created_at__lte=moment).order_by("pgh_obj_id", "-pgh_id").distinct("pgh_obj_id")
    found = events.filter(pk__in=newest.values("pk"), **conditions).exclude(pgh_label="delete").order_by("pgh_obj_id")
    names = [field.attname for field in model._meta.concrete_fields]
    return [model(**{name: getattr(event, name) for name in names}) for event in found]
