"""What the family of figures must or should satisfy. A violation is a warning to explain, not an error.

SMAU and GMAU ≤ UMAU, paid ≤ all, UMAU ≤ CMAU (usual), and recorded ≤ estimated. That an action's AMAU is at most the
SMAU of its stage holds only where the SMAU is a union that includes it, which no definition says; it is not checked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.db.models import F

from metrics.exact import as_json
from metrics.figures.queries import INDICATOR_WORDS, Figure, figures
from metrics.figures.question import NO_CUT, Cut, Question
from metrics.models.dictionary import IndicatorMapping
from metrics.models.figures import FigureMonth
from metrics.periods import Month

PAID = Cut(paid=True)


def check_months(months: Iterable[Month]) -> None:
    """Keep with each month what is odd about its figures."""
    for month in sorted(set(months)):
        kept = FigureMonth.objects.filter(month=month.first)
        # Read first: what changes while the figures are read is then looked at once more.
        revision = kept.values_list("revision", flat=True).first()
        if revision is not None:
            kept.update(findings=findings(month), checked_revision=revision)


def check_unchecked() -> int:
    """Check the months that changed since they were last looked at, however long ago; returns how many."""
    months = list(FigureMonth.objects.exclude(checked_revision=F("revision")).values_list("month", flat=True))
    check_months(Month.of(month) for month in months)
    return len(months)


def findings(month: Month) -> list[dict[str, Any]]:
    """What is odd about a month, with the numbers."""
    mapped = sorted(
        set(
            IndicatorMapping.objects.filter(
                kind__in=("smau", "gmau", "paid_gmau"), subject_key__isnull=False
            ).values_list("kind", "subject_key")
        )
    )
    subjects = [(kind, key) for kind, key in mapped if kind != "paid_gmau"]
    # Groups with a metric of their own for paid users; a metric of all users may stand for it just as well.
    groups = [key or "" for kind, key in mapped if kind == "paid_gmau" and ("gmau", key) in subjects]
    whole = [Question(indicator=kind, subject=key or "", period=month) for kind, key in subjects]
    asked = [
        Question(indicator="umau", period=month),
        Question(indicator="cmau", period=month),
        *whole,
        *(replace(question, cut=PAID) for question in whole),
        *(Question(indicator="paid_gmau", subject=key, period=month) for key in groups),
    ]
    umau, cmau, *rest = figures(asked)
    found: list[dict[str, Any]] = []
    for one in rest[: len(whole)]:
        _compare(found, "smau_within_umau", one, umau, "is more than UMAU, the people of the whole product")
    for one, paid in zip(rest[: len(whole)], rest[len(whole) : 2 * len(whole)], strict=True):
        _compare(found, "paid_within_all", paid, one, "is more than the same figure of all users")
    of_all = {one.question.subject: one for one in rest[: len(whole)] if one.question.indicator == "gmau"}
    for paid in rest[2 * len(whole) :]:
        _compare(found, "paid_within_all", paid, of_all[paid.question.subject], "is more than the GMAU of all users")
    _compare(found, "umau_within_cmau", umau, cmau, "is more than all stages combined: many were active in no stage")
    for one in (umau, *rest):
        if one.recorded is not None and one.uplift is not None and one.uplift < 0:
            found.append(
                {
                    "rule": "estimate_above_recorded",
                    "figure": one.id,
                    "than": one.id,
                    "value": as_json(one.recorded),
                    "limit": as_json(one.estimated),
                    "sentence": f"{_name(one)}: the estimate {one.estimated} is less than the recorded {one.recorded}.",
                }
            )
    return found


def _compare(found: list[dict[str, Any]], rule: str, small: Figure, large: Figure, words: str) -> None:
    if small.recorded is None or large.recorded is None or small.recorded <= large.recorded:
        return
    found.append(
        {
            "rule": rule,
            "figure": small.id,
            "than": large.id,
            "value": as_json(small.recorded),
            "limit": as_json(large.recorded),
            "sentence": f"{_name(small)} {small.recorded} {words} ({large.recorded}).",
        }
    )


def _name(one: Figure) -> str:
    paid = "paid " if one.question.cut != NO_CUT and one.question.indicator != "paid_gmau" else ""
    return f"{paid}{INDICATOR_WORDS[one.question.indicator]} {one.question.subject}".strip()
