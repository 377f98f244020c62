"""Predictions: a straight line from the last four months, never mixed with what was recorded or estimated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from metrics.engine.estimates import MOST_MONTHS_AHEAD, predicted
from metrics.exact import Number
from metrics.figures.queries import Figure, figures, series, stage_questions
from metrics.figures.question import Question, QuestionError
from metrics.periods import Month, Week

MONTHS_NEEDED = 4
"""A line is drawn through so many months: three changes."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A predicted figure; ``value`` is ``None`` where four months in a row are not there.

    ``missing``: of a combined figure, the stages that are not in it, since they cannot be predicted.
    """

    month: Month
    value: int | None
    missing: tuple[str, ...] = ()


def predictions(question: Question, months: int = MOST_MONTHS_AHEAD) -> list[Prediction]:
    """The months after the question's own, which must be finished: predictions from half a month mislead."""
    if not 1 <= months <= MOST_MONTHS_AHEAD:
        raise QuestionError("months", f"months: predictions reach 1 to {MOST_MONTHS_AHEAD} months ahead.")
    if isinstance(question.period, Week):
        raise QuestionError("week", "week: weeks are recorded only, and so not predicted.")
    found = series(question, MONTHS_NEEDED)
    if found[-1].state == "open":
        raise QuestionError(
            "month", f"month: {question.month} is still open; predictions start from a month that is over."
        )
    return _combined(question, months) if question.is_combined else predicted_from(found, months)


def _combined(question: Question, months: int) -> list[Prediction]:
    """The sum of what is predicted for each stage, as a combined figure is the sum of theirs."""
    stages = stage_questions(question)
    asked = [
        replace(stage, period=question.month.plus(-back))
        for stage in stages
        for back in range(MONTHS_NEEDED - 1, -1, -1)
    ]
    found = figures(asked)
    by_stage = {
        stage.subject: predicted_from(found[start : start + MONTHS_NEEDED], months)
        for start, stage in zip(range(0, len(found), MONTHS_NEEDED), stages, strict=True)
    }
    made = []
    for ahead in range(months):
        values = {stage: predicted[ahead].value for stage, predicted in by_stage.items()}
        there = [value for value in values.values() if value is not None]
        missing = tuple(sorted(stage for stage, value in values.items() if value is None))
        made.append(Prediction(question.month.plus(ahead + 1), sum(there) if there else None, missing))
    return made


def predicted_from(found: Sequence[Figure], months: int) -> list[Prediction]:
    """The same from figures that were read already: the last four months, oldest first."""
    last = found[-1].question.month
    parts: dict[str, list[Number | Fraction | None]] = {}
    for position, one in enumerate(found):
        of = one.answer.exact_parts() if one.answer is not None else {}
        for name, value in of.items():
            parts.setdefault(name, [None] * len(found))[position] = value
    return [Prediction(last.plus(ahead), predicted(parts, ahead)) for ahead in range(1, months + 1)]
