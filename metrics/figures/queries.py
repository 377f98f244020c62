"""Figures for pages, commands and the API. Read this first when you draw figures.

``figures(questions)`` answers any number of questions in a constant number of queries (about eight), so ask for all
figures of a page at once: fourteen months of three stages are one call. ``series`` and the boards build such calls.
A ``Question`` is made from words by ``metrics.figures.asking.questions_from``; its ``id`` is the figure's id, and
``passport`` (``metrics.figures.passport``) opens it.

Every ``Figure`` is frozen and says all that a page has to show: recorded, uplift, estimated, coverage, the state of
its month, as-of and flags. ``recorded is None`` is not 0: the flags say why. Flags are frozen words:

no_report, no_monthly_value, no_baseline, reset, no_metric_mapped, conflict, not_published, cannot_be_estimated,
paid_saas_not_measurable, edition_missing, starter_as_premium, combined, stages_missing:a,b, restated, published.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from metrics.engine.mapping import mapping_rows, structure
from metrics.figures.compute import Answer, Coverage, answer, combined
from metrics.figures.figure import INDICATOR_WORDS, Figure, Metric, passport_url
from metrics.figures.known import Known, known_of, month_state, week_state
from metrics.figures.load import Loaded, Moment, load, load_week
from metrics.figures.question import Question
from metrics.figures.resolving import Context, Leaf, context_of, leaves_of, moments_of, read_mappings, read_metrics
from metrics.models.figures import FigureMonth
from metrics.periods import Month, Period, Week

__all__ = [
    "INDICATOR_WORDS",
    "Figure",
    "Known",
    "Metric",
    "answers_at",
    "by_period",
    "figure",
    "figures",
    "indicator_questions",
    "known_of",
    "leaf_of",
    "month_state",
    "passport_url",
    "published_moment",
    "series",
    "stage_questions",
]


def figures(questions: Sequence[Question], *, known: Known | None = None) -> list[Figure]:
    """Answer these questions, in their order. Who has read months and dictionary already hands them in."""
    context = context_of(questions, known)
    moments: dict[Question, list[Moment]] = {}
    for question in questions:
        if not isinstance(question.period, Week):
            moments[question] = moments_of(question, context)
    read_mappings(context, [moment for asked in moments.values() for moment in asked], questions, known)
    read_metrics(context, questions, known)
    loaded = _load(moments, context)
    return [
        _weekly(question, context)
        if isinstance(question.period, Week)
        else _monthly(question, moments[question], loaded, context)
        for question in questions
    ]


def figure(question: Question) -> Figure:
    """One figure."""
    return figures([question])[0]


def _load(asked: Mapping[Question, Collection[Moment]], context: Context) -> Loaded:
    """All that these questions need at these moments."""
    slots = {
        leaf.slot
        for question, moments in asked.items()
        for moment in moments
        for leaf in leaves_of(question, moment, context).values()
        if leaf.slot is not None
    }
    return load(
        {moment for moments in asked.values() for moment in moments},
        sorted(slots),
        by_version=any(question.cut.version for question in asked),
        reported=any(not question.grain.by_version for question in asked),
    )


def _answer(question: Question, leaf: Leaf, moment: Moment, loaded: Loaded) -> Answer:
    if leaf.slot is None:
        empty = answer(loaded.inputs(moment, -1), cut=question.cut, grain=question.grain)
        coverage = Coverage(0, empty.coverage.pinging, empty.coverage.known)
        return Answer(None, None, coverage, leaf.flags)
    return answer(loaded.inputs(moment, leaf.slot), cut=question.cut, grain=question.grain)


def _at(question: Question, moment: Moment, loaded: Loaded, context: Context) -> tuple[Answer, Leaf | None]:
    leaves = leaves_of(question, moment, context)
    if question.is_combined:
        return combined({key: _answer(question, leaf, moment, loaded) for key, leaf in leaves.items()}), None
    [leaf] = leaves.values()
    return _answer(question, leaf, moment, loaded), leaf


def _monthly(question: Question, moments: Sequence[Moment], loaded: Loaded, context: Context) -> Figure:
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


def _weekly(question: Question, context: Context) -> Figure:
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
    context = context_of(questions)
    moments = [(questions[0].month, revision) for revision in revisions]
    read_mappings(context, moments, questions)
    read_metrics(context, questions)
    loaded = _load(dict.fromkeys(questions, moments), context)
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
    context = context_of([question])
    moments = moments_of(question, context)[:1]
    read_mappings(context, moments, [question])
    read_metrics(context, [question])
    return [
        replace(question, indicator="smau", subject=key)
        for moment in moments
        for key in leaves_of(question, moment, context)
    ]


def published_moment(month: Month) -> tuple[int, datetime] | None:
    """The revision and time of a month's publication."""
    kept = FigureMonth.objects.filter(month=month.first).first()
    if kept is None or kept.published_revision is None or kept.published_at is None:
        return None
    return kept.published_revision, kept.published_at


def leaf_of(question: Question) -> Leaf | None:
    """The metric that a question about one metric is answered from; ``None`` where its month was not published."""
    context = context_of([question])
    if isinstance(question.period, Week):
        read_metrics(context, [question])
        metric = context.by_key_path.get(question.subject)
        return Leaf(metric, metric.slot if metric else None)
    moments = moments_of(question, context)
    if not moments:
        return None
    read_mappings(context, moments, [question])
    read_metrics(context, [question])
    [leaf] = leaves_of(question, moments[0], context).values()
    return leaf


def series(question: Question, months: int) -> list[Figure]:
    """The same question for so many months up to its own, oldest first."""
    last = question.month
    return figures([replace(question, period=last.plus(-back)) for back in range(months - 1, -1, -1)])


def by_period(found: Iterable[Figure]) -> Mapping[Period, Figure]:
    """Figures of one question by their month or week."""
    return {one.period: one for one in found}
