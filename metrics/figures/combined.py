"""Combined figures: the SMAU of each stage that they add up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from metrics.exact import as_json
from metrics.figures.queries import Figure, figures, stage_questions
from metrics.figures.question import Question


@dataclass(frozen=True, slots=True)
class Part:
    """A figure that a combined figure adds up."""

    figure: Figure

    def as_row(self) -> dict[str, Any]:
        """As the API writes it, among the contributions."""
        return {
            "installation": None,
            "figure": self.figure.id,
            "subject": self.figure.question.subject,
            "value": as_json(self.figure.recorded),
            "uplift": self.figure.uplift,
            "state": self.figure.state,
            "report": None,
            "recorded_at": None,
        }


def parts(question: Question) -> list[Part]:
    """The figures that a combined one adds up, by stage; those without a value are left out of it."""
    return [part for part in stages(question) if part.figure.recorded is not None]


def stages(question: Question) -> list[Part]:
    """The figure of every stage of a combined one, also those without a value; none where it is not combined."""
    if not question.is_combined:
        return []
    return [Part(one) for one in figures(stage_questions(question))]
