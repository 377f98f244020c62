"""A figure as a value: frozen, with all that a page, a command or the API has to show of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from metrics.engine.estimates import EditionEstimate
from metrics.exact import Number, as_json, difference
from metrics.figures.compute import Answer, Coverage
from metrics.figures.document import as_moment
from metrics.figures.question import Question
from metrics.models.figures import FigureMonth
from metrics.periods import Period

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
