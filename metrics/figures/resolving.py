"""From questions to the moments, metrics and slots that answer them, looked up once for all questions of a call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone

from metrics.engine.mapping import RETIRED, InForce, Kept, Structure, in_force, mapping_rows, structure
from metrics.figures.figure import Metric
from metrics.figures.known import Known, Snapshot, definitions_where, metrics_in, read_months
from metrics.figures.load import LIVE, Moment
from metrics.figures.question import Question
from metrics.models.figures import FigureMonth, MonthRevision
from metrics.periods import Month


@dataclass(slots=True)
class Context:
    """What was looked up so far."""

    months: Mapping[Month, FigureMonth]
    snapshots: Mapping[Moment, Snapshot]
    mappings: dict[Moment, InForce]
    metrics: dict[int, Metric]
    by_key_path: dict[str, Metric]
    structures: dict[Moment, Structure]
    now: datetime
    slots: dict[tuple[int, int], int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A metric at a moment, or why there is none."""

    metric: Metric | None
    slot: int | None
    flags: tuple[str, ...] = ()
    conflict: tuple[Metric, ...] = ()


def moments_of(question: Question, context: Context) -> list[Moment]:
    """The moments at which a question is answered: the asked one, and the published one to compare with."""
    month = question.month
    kept = context.months.get(month)
    published = kept.published_revision if kept is not None else None
    if question.published:
        return [(month, published)] if published is not None else []
    asked: list[Moment] = [(month, LIVE)]
    first = kept.first_published_revision if kept is not None else None
    if kept is not None and first is not None and _changed_since(context, month, first):
        asked.append((month, first))
    return asked


def _changed_since(context: Context, month: Month, revision: int) -> bool:
    kept = context.months[month]
    if kept.revision > revision:
        return True
    return any(other.revision > revision for earlier, other in context.months.items() if earlier < month)


def context_of(questions: Sequence[Question], known: Known | None = None) -> Context:
    """Begin with the months; what is ``known`` already is not read again."""
    asked = [question.period for question in questions if isinstance(question.period, Month)]
    months, snapshots = (known.months, known.snapshots) if known is not None else read_months(asked)
    return Context(
        months=months,
        snapshots=snapshots,
        mappings={},
        metrics={},
        by_key_path={},
        structures={},
        now=timezone.now(),
    )


def read_mappings(
    context: Context,
    moments: Iterable[Moment],
    questions: Sequence[Question],
    known: Known | None = None,
) -> None:
    """What stood for what, and which stages belonged where, at these moments."""
    wanted = set(moments)
    live = {moment for moment in wanted if moment[1] == LIVE}
    if live:
        rows = mapping_rows() if known is None else known.mappings
        stages = structure() if any(question.is_combined for question in questions) else {}
        for moment in live:
            context.mappings[moment] = in_force(rows, moment[0])
            context.structures[moment] = stages
    for moment in wanted & context.snapshots.keys():
        kept = context.snapshots[moment].kept
        context.mappings[moment], context.structures[moment] = kept.mapping, kept.structure
    old = wanted - live - context.snapshots.keys()
    if old:
        revisions = MonthRevision.objects.filter(month__in={month.first for month, _ in old}).order_by("pk")
        for revision in revisions.only("month", "mapping"):
            for moment in old:
                if moment[0].first == revision.month and revision.pk <= moment[1]:
                    kept = Kept.read(revision.mapping)
                    context.mappings[moment], context.structures[moment] = kept.mapping, kept.structure


def read_metrics(context: Context, questions: Sequence[Question], known: Known | None = None) -> None:
    """The metrics that the mappings and the questions name, and which slots they had."""
    ids = (
        set().union(*(metrics_in(mapping) for mapping in context.mappings.values()))
        if any(question.kind != "metric" for question in questions)
        else set()
    )
    key_paths = {question.subject for question in questions if question.kind == "metric"}
    rows = definitions_where(Q(pk__in=ids) | Q(key_path__in=key_paths)) if known is None else known.definitions
    retired: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        metric = Metric(row.pk, row.key_path, row.name, row.time_frame, row.status, row.version, row.slot)
        context.metrics[metric.id] = metric
        context.by_key_path[metric.key_path] = metric
        if before := getattr(row, "retired_slots", None):
            retired[metric.id] = before
    if retired:
        _read_old_slots(context, retired)


def _read_old_slots(context: Context, retired: Mapping[int, Iterable[Mapping[str, Any]]]) -> None:
    """Which slot a metric had at a revision: one whose time frame changed has moved to another since."""
    old = {moment[1] for moment in context.mappings if moment[1] != LIVE}
    times = {revision: one.at for (_, revision), one in context.snapshots.items()}
    unknown = old - times.keys()
    if unknown:
        times |= dict(MonthRevision.objects.filter(pk__in=unknown).values_list("pk", "at"))
    for definition, slots in retired.items():
        for one in slots:
            allotted, gone = (datetime.fromisoformat(one[name]) for name in ("allotted_at", "retired_at"))
            for revision in old & times.keys():
                if allotted <= times[revision] < gone:
                    context.slots[(definition, revision)] = one["slot"]


def leaves_of(question: Question, moment: Moment, context: Context) -> dict[str, Leaf]:
    """The metrics that a question is made of, by subject: one, or one per stage for combined figures."""
    if question.kind == "metric":
        metric = context.by_key_path.get(question.subject)
        return {question.subject: _leaf([metric] if metric else [], moment, context)}
    mapping = context.mappings.get(moment, {})
    if question.is_combined:
        return {
            key: leaf
            for marked in context.structures.get(moment, {}).get(question.subject, ())
            for key, retired in [(marked.removesuffix(RETIRED), marked.endswith(RETIRED))]
            for leaf in [_mapped(mapping, "smau", key, moment, context)]
            # A retired stage is not missed, but counts in the months in which it had a figure.
            if leaf.slot is not None or not retired
        }
    return {question.subject: _mapped(mapping, question.indicator, question.subject, moment, context)}


def _mapped(mapping: InForce, kind: str, subject: str, moment: Moment, context: Context) -> Leaf:
    metrics = [context.metrics[metric] for metric in mapping.get(f"{kind}:{subject}", ()) if metric in context.metrics]
    return _leaf(metrics, moment, context)


def _leaf(metrics: Sequence[Metric], moment: Moment, context: Context) -> Leaf:
    if not metrics:
        return Leaf(None, None, ("no_metric_mapped",))
    if len(metrics) > 1:
        return Leaf(None, None, ("conflict",), tuple(metrics))
    [metric] = metrics
    slot = context.slots.get((metric.id, moment[1]), metric.slot)
    return Leaf(metric, slot, () if slot is not None else ("not_numeric",))
