"""What the family of figures must or should satisfy. A violation is a warning to explain, not an error.

SMAU and GMAU ≤ UMAU, paid ≤ all, UMAU ≤ CMAU (usual), and recorded ≤ estimated. That an action's AMAU is at most the
SMAU of its stage holds only where the SMAU is a union that includes it, which no definition says; it is not checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import F

from metrics.exact import Number, as_json
from metrics.figures.queries import INDICATOR_WORDS, Figure, figures
from metrics.figures.question import NO_CUT, Cut, Question
from metrics.models.dictionary import IndicatorMapping
from metrics.models.figures import FigureMonth
from metrics.periods import Month

PAID = Cut(paid=True)


AT_ONCE = 12
"""Months whose figures are read together."""


def check_months(months: Iterable[Month]) -> None:
    """Keep with each month what is odd about its figures."""
    wanted = sorted(set(months))
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        # Read first: what changes while the figures are read is then looked at once more.
        revisions = dict(
            FigureMonth.objects.filter(month__in=[month.first for month in some]).values_list("month", "revision")
        )
        found = odd([month for month in some if month.first in revisions])
        for month, findings in found.items():
            FigureMonth.objects.filter(month=month.first).update(
                findings=findings, checked_revision=revisions[month.first]
            )


def check_unchecked() -> int:
    """Check the months that changed since they were last looked at, however long ago; returns how many."""
    months = list(FigureMonth.objects.exclude(checked_revision=F("revision")).values_list("month", flat=True))
    check_months(Month.of(month) for month in months)
    return len(months)


@dataclass(frozen=True, slots=True)
class _Family:
    """The questions of a month whose answers are held against each other."""

    umau: Question
    cmau: Question
    whole: Sequence[Question]
    paid: Sequence[Question]
    paid_of_groups: Sequence[Question]

    def all(self) -> list[Question]:
        """Every one of them."""
        return [self.umau, self.cmau, *self.whole, *self.paid, *self.paid_of_groups]


def odd(months: Sequence[Month]) -> dict[Month, list[dict[str, Any]]]:
    """What is odd about these months, with the numbers."""
    mapped = sorted(
        set(
            IndicatorMapping.objects.filter(
                kind__in=("smau", "gmau", "paid_gmau"), subject_key__isnull=False
            ).values_list("kind", "subject_key")
        )
    )
    families = {month: _family(month, [(kind, key or "") for kind, key in mapped]) for month in months}
    asked = [question for family in families.values() for question in family.all()]
    answered = dict(zip(asked, figures(asked), strict=True))
    return {month: _findings(family, answered) for month, family in families.items()}


def _family(month: Month, mapped: Sequence[tuple[str, str]]) -> _Family:
    whole = [Question(indicator=kind, subject=key, period=month) for kind, key in mapped if kind != "paid_gmau"]
    return _Family(
        umau=Question(indicator="umau", period=month),
        cmau=Question(indicator="cmau", period=month),
        whole=whole,
        paid=[replace(question, cut=PAID) for question in whole],
        # Groups with a metric of their own for paid users; a metric of all users may stand for it just as well.
        paid_of_groups=[
            Question(indicator="paid_gmau", subject=key, period=month)
            for kind, key in mapped
            if kind == "paid_gmau" and ("gmau", key) in mapped
        ],
    )


def _findings(family: _Family, answered: Mapping[Question, Figure]) -> list[dict[str, Any]]:
    umau, cmau = answered[family.umau], answered[family.cmau]
    found: list[dict[str, Any]] = []
    for question in family.whole:
        _compare(
            found, "smau_within_umau", answered[question], umau, "is more than UMAU, the people of the whole product"
        )
    for question, paid in zip(family.whole, family.paid, strict=True):
        words = "is more than the same figure of all users"
        _compare(found, "paid_within_all", answered[paid], answered[question], words)
    for paid in family.paid_of_groups:
        whole = answered[replace(paid, indicator="gmau", cut=NO_CUT)]
        _compare(found, "paid_within_all", answered[paid], whole, "is more than the GMAU of all users")
    _compare(found, "umau_within_cmau", umau, cmau, "is more than all stages combined: many were active in no stage")
    for question in family.all():
        one = answered[question]
        if question != family.cmau and one.recorded is not None and one.uplift is not None and one.uplift < 0:
            sentence = f"{_name(one)}: the estimate {one.estimated} is less than the recorded {one.recorded}."
            found.append(_finding("estimate_above_recorded", one, one, one.recorded, one.estimated, sentence))
    return found


def _compare(found: list[dict[str, Any]], rule: str, small: Figure, large: Figure, words: str) -> None:
    if small.recorded is None or large.recorded is None or small.recorded <= large.recorded:
        return
    sentence = f"{_name(small)} {small.recorded} {words} ({large.recorded})."
    found.append(_finding(rule, small, large, small.recorded, large.recorded, sentence))


def _finding(
    rule: str, figure: Figure, than: Figure, value: Number | None, limit: Number | None, sentence: str
) -> dict[str, Any]:
    return {
        "rule": rule,
        "figure": figure.id,
        "than": than.id,
        "value": as_json(value),
        "limit": as_json(limit),
        "sentence": sentence,
    }


def _name(one: Figure) -> str:
    paid = "paid " if one.question.cut != NO_CUT and one.question.indicator != "paid_gmau" else ""
    return f"{paid}{INDICATOR_WORDS[one.question.indicator]} {one.question.subject}".strip()
