"""Figures for pages, commands and the API. Read this first when you draw figures.

``figures(questions)`` answers any number of questions in a constant number of queries (about eight), so ask for all
figures of a page at once: fourteen months of three stages are one call. ``series`` and ``overview`` build such calls.
A ``Question`` is made from words by ``metrics.figures.asking.questions_from``; its ``id`` is the figure's id, and
``passport`` (``metrics.figures.passport``) opens it.

Every ``Figure`` is frozen and says all that a page has to show: recorded, uplift, estimated, coverage, the state of
its month, as-of and flags. ``recorded is None`` is not 0: the flags say why. Flags are frozen words:

no_report, no_monthly_value, no_baseline, reset, no_metric_mapped, conflict, not_published, cannot_be_estimated,
paid_saas_not_measurable, edition_missing, starter_as_premium, combined, stages_missing:a,b, restated, published.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, JSONField, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import JSONObject
from django.utils import timezone

from metrics.engine.estimates import EditionEstimate, Grain
from metrics.engine.mapping import RETIRED, InForce, Kept, MappingRow, Structure, in_force, mapping_rows, structure
from metrics.exact import Number, as_json, difference
from metrics.figures.compute import Answer, Coverage, Inputs, answer, combined
from metrics.figures.document import as_moment
from metrics.figures.load import LIVE, Loaded, Moment, load, load_week
from metrics.figures.question import Question
from metrics.models.dictionary import MetricDefinition, MetricSlot
from metrics.models.figures import FigureMonth, MonthRevision
from metrics.periods import Month, Period, Week, state_by_date

INDICATOR_WORDS = {
    "smau": "SMAU",
    "gmau": "GMAU",
    "paid_gmau": "paid GMAU",
    "umau": "UMAU (unique)",
    "section_cmau": "Section CMAU (combined)",
    "cmau": "CMAU (combined)",
    "amau": "AMAU",
    "metric": "metric",
}
"""What people call them. The word total is not used: it says neither unique nor combined."""


@dataclass(frozen=True, slots=True)
class Metric:
    """What figures need to know of a definition."""

    id: int
    key_path: str
    name: str
    time_frame: str
    status: str
    version: int
    slot: int | None


@dataclass(frozen=True, slots=True)
class Figure:
    """An answered question."""

    question: Question
    metric: Metric | None
    recorded: Number | None
    uplift: int | None
    coverage: Coverage
    state: str
    as_of: datetime | None
    flags: tuple[str, ...] = ()
    parts: tuple[EditionEstimate, ...] = ()
    saas: Number | None = None
    published_recorded: Number | None = None
    published_estimated: Number | None = None
    conflict: tuple[Metric, ...] = ()
    slot: int | None = field(default=None, repr=False, compare=False)
    """Where the readings of its metric lay at its moment."""
    answer: Answer | None = field(default=None, repr=False, compare=False)

    @property
    def id(self) -> str:
        """The id by which its passport is opened."""
        return self.question.id

    @property
    def period(self) -> Period:
        """The month or week."""
        return self.question.period

    @property
    def estimated(self) -> Number | None:
        """Recorded and uplift."""
        return self.answer.estimated if self.answer is not None else None

    @property
    def is_unfinished(self) -> bool:
        """Whether its month still runs."""
        return self.state == FigureMonth.State.OPEN

    @property
    def is_restated(self) -> bool:
        """Whether it differs from what was published."""
        return "restated" in self.flags

    @property
    def kind(self) -> str:
        """``recorded`` for the figure itself; estimates are drawn as a series of their own."""
        return "recorded"

    def change(self, before: Figure | None) -> Number | None:
        """Recorded now less recorded before; ``None`` where one of the two does not exist."""
        if before is None or self.recorded is None or before.recorded is None:
            return None
        return difference(self.recorded, before.recorded)

    def as_row(self) -> dict[str, Any]:
        """The row of the API and of ``figures --json``."""
        question = self.question
        return {
            "id": self.id,
            "indicator": question.indicator,
            "subject": question.subject or None,
            "metric": self.metric.key_path if self.metric is not None else None,
            "month": str(question.period),
            "cut": question.cut.as_json(),
            "grain": question.grain.value,
            "as": "published" if question.published else "live",
            "recorded": as_json(self.recorded),
            "uplift": self.uplift,
            "estimated": as_json(self.estimated),
            "coverage": {
                "reporting": self.coverage.reporting,
                "pinging": self.coverage.pinging,
                "known": self.coverage.known,
            },
            "state": self.state,
            "as_of": None if self.as_of is None else as_moment(self.as_of),
            "flags": list(self.flags),
            "passport": passport_url(self.id),
        }


def passport_url(figure_id: str) -> str:
    """Where the API has a figure's passport."""
    return f"/api/v1/figures/{figure_id}/passport/"


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
    rows, snapshots = _read_months(months)
    mappings = mapping_rows()
    mapped = {row.metric_id for row in mappings}.union(*(_metrics_in(one.kept.mapping) for one in snapshots.values()))
    wanted = Q(pk__in=mapped) if definitions is None else Q(pk__in=mapped) | definitions
    found = list(_definitions(wanted))
    return Known(months=rows, snapshots=snapshots, mappings=mappings, definitions=found)


def _read_months(asked: Iterable[Month]) -> tuple[dict[Month, FigureMonth], dict[Moment, Snapshot]]:
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


def _definitions(wanted: Q) -> QuerySet[MetricDefinition]:
    """Definitions with what figures and boards need of them, and the slots that they had before."""
    slots = MetricSlot.objects.filter(definition=OuterRef("pk"), retired_at__isnull=False)
    retired = slots.values(one=JSONObject(slot="slot", allotted_at="allotted_at", retired_at="retired_at"))
    return (
        MetricDefinition.objects.filter(wanted)
        .only("key_path", "name", "time_frame", "status", "version", "slot", "group", "repair_issue_url")
        .annotate(retired_slots=ArraySubquery(retired))
    )


def _metrics_in(mapping: InForce) -> set[int]:
    return {metric for metrics in mapping.values() for metric in metrics}


@dataclass(slots=True)
class _Context:
    """What is looked up once for all questions of a call."""

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


def figures(questions: Sequence[Question], *, known: Known | None = None) -> list[Figure]:
    """Answer these questions, in their order. Who has read months and dictionary already hands them in."""
    context = _context(questions, known)
    moments: dict[Question, list[Moment]] = {}
    for question in questions:
        if not isinstance(question.period, Week):
            moments[question] = _moments(question, context)
    _read_mappings(context, [moment for asked in moments.values() for moment in asked], questions, known)
    _read_metrics(context, questions, known)
    slots: set[int] = set()
    for question, asked in moments.items():
        for moment in asked:
            slots.update(leaf.slot for leaf in _leaves(question, moment, context).values() if leaf.slot is not None)
    loaded = load(
        {moment for asked in moments.values() for moment in asked},
        sorted(slots),
        by_version=any(question.cut.version for question in questions),
        reported=any(not question.grain.by_version for question in questions),
    )
    return [
        _weekly(question, context)
        if isinstance(question.period, Week)
        else _monthly(question, moments[question], loaded, context)
        for question in questions
    ]


def figure(question: Question) -> Figure:
    """One figure."""
    return figures([question])[0]


def _moments(question: Question, context: _Context) -> list[Moment]:
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


def _changed_since(context: _Context, month: Month, revision: int) -> bool:
    kept = context.months[month]
    if kept.revision > revision:
        return True
    return any(other.revision > revision for earlier, other in context.months.items() if earlier < month)


def _context(questions: Sequence[Question], known: Known | None = None) -> _Context:
    asked = [question.period for question in questions if isinstance(question.period, Month)]
    months, snapshots = (known.months, known.snapshots) if known is not None else _read_months(asked)
    return _Context(
        months=months,
        snapshots=snapshots,
        mappings={},
        metrics={},
        by_key_path={},
        structures={},
        now=timezone.now(),
    )


def _read_mappings(
    context: _Context,
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


def _read_metrics(context: _Context, questions: Sequence[Question], known: Known | None = None) -> None:
    ids = (
        set().union(*(_metrics_in(mapping) for mapping in context.mappings.values()))
        if any(question.kind != "metric" for question in questions)
        else set()
    )
    key_paths = {question.subject for question in questions if question.kind == "metric"}
    rows = _definitions(Q(pk__in=ids) | Q(key_path__in=key_paths)) if known is None else known.definitions
    retired: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        metric = Metric(row.pk, row.key_path, row.name, row.time_frame, row.status, row.version, row.slot)
        context.metrics[metric.id] = metric
        context.by_key_path[metric.key_path] = metric
        if before := getattr(row, "retired_slots", None):
            retired[metric.id] = before
    if retired:
        _read_old_slots(context, retired)


def _read_old_slots(context: _Context, retired: Mapping[int, Iterable[Mapping[str, Any]]]) -> None:
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


def _leaves(question: Question, moment: Moment, context: _Context) -> dict[str, Leaf]:
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


def _mapped(mapping: InForce, kind: str, subject: str, moment: Moment, context: _Context) -> Leaf:
    metrics = [context.metrics[metric] for metric in mapping.get(f"{kind}:{subject}", ()) if metric in context.metrics]
    return _leaf(metrics, moment, context)


def _leaf(metrics: Sequence[Metric], moment: Moment, context: _Context) -> Leaf:
    if not metrics:
        return Leaf(None, None, ("no_metric_mapped",))
    if len(metrics) > 1:
        return Leaf(None, None, ("conflict",), tuple(metrics))
    [metric] = metrics
    slot = context.slots.get((metric.id, moment[1]), metric.slot)
    return Leaf(metric, slot, () if slot is not None else ("not_numeric",))


def _answer(question: Question, leaf: Leaf, moment: Moment, loaded: Loaded) -> Answer:
    if leaf.slot is None:
        empty = answer(loaded.inputs(moment, -1), cut=question.cut, grain=question.grain)
        coverage = Coverage(0, empty.coverage.pinging, empty.coverage.known)
        return Answer(None, None, coverage, leaf.flags)
    return answer(loaded.inputs(moment, leaf.slot), cut=question.cut, grain=question.grain)


def _at(question: Question, moment: Moment, loaded: Loaded, context: _Context) -> tuple[Answer, Leaf | None]:
    leaves = _leaves(question, moment, context)
    if question.is_combined:
        return combined({key: _answer(question, leaf, moment, loaded) for key, leaf in leaves.items()}), None
    [leaf] = leaves.values()
    return _answer(question, leaf, moment, loaded), leaf


def _monthly(question: Question, moments: Sequence[Moment], loaded: Loaded, context: _Context) -> Figure:
    month = question.month
    kept = context.months.get(month)
    state = month_state(month, kept, context.now)
    if not moments:
        return Figure(question, None, None, None, Coverage(), state, None, ("not_published",))
    found, leaf = _at(question, moments[0], loaded, context)
    flags = list(found.flags)
    published: Answer | None = None
    if question.published:
        flags.append("published")
        as_of = kept.published_at if kept is not None else None
    else:
        as_of = kept.computed_at if kept is not None else None
        if len(moments) > 1:
            published, _ = _at(question, moments[1], loaded, context)
            if (published.recorded, published.estimated) != (found.recorded, found.estimated):
                flags.append("restated")
    return Figure(
        question=question,
        metric=leaf.metric if leaf is not None else None,
        recorded=found.recorded,
        uplift=found.uplift,
        coverage=found.coverage,
        state=state,
        as_of=as_of,
        flags=tuple(dict.fromkeys(flags)),
        parts=found.parts,
        saas=found.saas,
        published_recorded=published.recorded if published else None,
        published_estimated=published.estimated if published else None,
        conflict=leaf.conflict if leaf is not None else (),
        slot=leaf.slot if leaf is not None else None,
        answer=found,
    )


def _weekly(question: Question, context: _Context) -> Figure:
    week = question.period
    if not isinstance(week, Week):
        raise TypeError(week)
    metric = context.by_key_path.get(question.subject)
    state = week_state(week, context.now)
    if metric is None or metric.slot is None:
        return Figure(question, metric, None, None, Coverage(), state, context.now, ("no_metric_mapped",))
    found = answer(load_week(week, metric.slot), cut=question.cut, grain=None)
    return Figure(
        question=question,
        metric=metric,
        recorded=found.recorded,
        uplift=None,
        coverage=found.coverage,
        state=state,
        as_of=context.now,
        flags=found.flags,
        saas=found.saas,
        slot=metric.slot,
        answer=found,
    )


def answers_at(questions: Sequence[Question], revisions: Sequence[int]) -> list[list[Answer]]:
    """What the answers to these questions, of one month, were at these revisions."""
    if not questions:
        return []
    context = _context(questions)
    moments = [(questions[0].month, revision) for revision in revisions]
    _read_mappings(context, moments, questions)
    _read_metrics(context, questions)
    slots = {
        leaf.slot
        for question in questions
        for moment in moments
        for leaf in _leaves(question, moment, context).values()
        if leaf.slot is not None
    }
    loaded = load(
        moments,
        sorted(slots),
        by_version=any(question.cut.version for question in questions),
        reported=any(not question.grain.by_version for question in questions),
    )
    return [[_at(question, moment, loaded, context)[0] for moment in moments] for question in questions]


def indicator_questions(month: Month) -> list[Question]:
    """Every figure of a month that is not of a single metric: of the product, its sections, stages and groups."""
    kept = sorted({row.subject for row in mapping_rows()})
    mapped = [(kind, key) for kind, _, key in (subject.partition(":") for subject in kept) if kind != "umau"]
    sections = sorted(section for section in structure() if section)
    return [
        Question(indicator="umau", period=month),
        Question(indicator="cmau", period=month),
        *(Question(indicator="section_cmau", subject=section, period=month) for section in sections),
        *(Question(indicator=kind, subject=key, period=month) for kind, key in mapped),
    ]


def stage_questions(question: Question) -> list[Question]:
    """The SMAU of each stage that a combined figure adds up, at the moment it is asked for."""
    context = _context([question])
    moments = _moments(question, context)[:1]
    _read_mappings(context, moments, [question])
    _read_metrics(context, [question])
    return [
        replace(question, indicator="smau", subject=key)
        for moment in moments
        for key in _leaves(question, moment, context)
    ]


def published_moment(month: Month) -> tuple[int, datetime] | None:
    """The revision and time of a month's publication."""
    kept = FigureMonth.objects.filter(month=month.first).first()
    if kept is None or kept.published_revision is None or kept.published_at is None:
        return None
    return kept.published_revision, kept.published_at


def leaf_of(question: Question) -> Leaf | None:
    """The metric that a question about one metric is answered from; ``None`` where its month was not published."""
    context = _context([question])
    if isinstance(question.period, Week):
        _read_metrics(context, [question])
        metric = context.by_key_path.get(question.subject)
        return Leaf(metric, metric.slot if metric else None)
    moments = _moments(question, context)
    if not moments:
        return None
    _read_mappings(context, moments, [question])
    _read_metrics(context, [question])
    [leaf] = _leaves(question, moments[0], context).values()
    return leaf


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


def series(question: Question, months: int) -> list[Figure]:
    """The same question for so many months up to its own, oldest first."""
    last = question.month
    return figures([replace(question, period=last.plus(-back)) for back in range(months - 1, -1, -1)])


def by_period(found: Iterable[Figure]) -> Mapping[Period, Figure]:
    """Figures of one question by their month or week."""
    return {one.period: one for one in found}


__all__ = [
    "INDICATOR_WORDS",
    "Figure",
    "Grain",
    "Inputs",
    "Metric",
    "by_period",
    "figure",
    "figures",
    "indicator_questions",
    "month_state",
    "passport_url",
    "series",
]
