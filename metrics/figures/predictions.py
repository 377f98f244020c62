"""Predictions: a straight line from the last four months, never mixed with what was recorded or estimated."""

from __future__ import annotations

from dataclasses import dataclass

from metrics.engine.estimates import MOST_MONTHS_AHEAD, predicted
from metrics.exact import Number
from metrics.figures.queries import Figure, series
from metrics.figures.question import Question, QuestionError
from metrics.periods import Month, Week


@dataclass(frozen=True, slots=True)
class Prediction:
    """A predicted figure; ``value`` is ``None`` where four months in a row are not there."""

    month: Month
    value: int | None


def predictions(question: Question, months: int = MOST_MONTHS_AHEAD) -> list[Prediction]:
    """The months after the question's own, which must be finished: predictions from half a month mislead."""
    if not 1 <= months <= MOST_MONTHS_AHEAD:
        raise QuestionError("months", f"months: predictions reach 1 to {MOST_MONTHS_AHEAD} months ahead.")
    if question.is_combined:
        raise QuestionError("indicator", "indicator: combined figures are not predicted, the figures of stages are.")
    if isinstance(question.period, Week):
        raise QuestionError("week", "week: weeks are recorded only, and so not predicted.")
    found = series(question, 4)
    if found[-1].state == "open":
        raise QuestionError(
            "month", f"month: {question.month} is still open; predictions start from a month that is over."
        )
    return predicted_from(found, months)


def predicted_from(found: list[Figure], months: int) -> list[Prediction]:
    """The same from figures that were read already: the last four months, oldest first."""
    last = found[-1].question.month
    parts: dict[str, list[Number | object]] = {}
    for position, one in enumerate(found):
        of = one.answer.exact_parts() if one.answer is not None else {}
        for name, value in of.items():
            parts.setdefault(name, [None] * len(found))[position] = value
    return [
        Prediction(last.plus(ahead), predicted(parts, ahead))  # type: ignore[arg-type]
        for ahead in range(1, months + 1)
    ]
