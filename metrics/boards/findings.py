"""What plausibility found, where it belongs: with a stage, a group, a section, a single figure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from metrics.boards.lines import passport_page
from metrics.figures.question import parse_id
from metrics.models import FigureMonth
from metrics.periods import Month

Subject = tuple[str, str]
"""An indicator and a key: ``("smau", "create")``."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A violation to explain: the sentence holds the numbers, the two passports say where they come from."""

    sentence: str
    passport: str
    than: str


def findings_of(month: FigureMonth | None, subjects: Collection[Subject]) -> tuple[Finding, ...]:
    """What looks odd about the figures of these subjects in a month."""
    found = month.findings if month is not None else []
    return tuple(_finding(one) for one in found if _subjects(one) & set(subjects))


def findings_about(month: Month, figure_id: str) -> tuple[Finding, ...]:
    """What looks odd about one figure, on either side of a comparison."""
    found = FigureMonth.objects.filter(month=month.first).values_list("findings", flat=True).first() or []
    return tuple(_finding(one) for one in found if figure_id in (one["figure"], one["than"]))


def _subjects(one: Mapping[str, Any]) -> set[Subject]:
    questions = [parse_id(one[name]) for name in ("figure", "than")]
    return {(question.indicator, question.subject) for question in questions}


def _finding(one: Mapping[str, Any]) -> Finding:
    return Finding(sentence=one["sentence"], passport=passport_page(one["figure"]), than=passport_page(one["than"]))
