"""Restatements of any figure: what changed after its month was published, by walking the month's revisions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Q, QuerySet, Subquery

from metrics.exact import Number, as_json
from metrics.figures.document import as_moment
from metrics.figures.queries import answers_at, indicator_questions
from metrics.figures.question import Question
from metrics.models.facts import Report
from metrics.models.figures import FigureMonth, MonthReport, MonthRevision
from metrics.periods import Month

MOST = 500
"""So many changes are walked at most, the newest; those before them are told as one."""

MOST_REPORTS = 1000
"""So many reports are named for a change at most."""


@dataclass(frozen=True, slots=True)
class Restatement:
    """One change of a published figure."""

    old: Number | None
    new: Number | None
    old_estimated: Number | None
    new_estimated: Number | None
    cause: str
    causes: tuple[str, ...]
    who: str
    task: str
    at: datetime
    revision: int
    reports: tuple[dict[str, Any], ...]

    def as_row(self) -> dict[str, Any]:
        """As the API writes it."""
        return {
            "old": as_json(self.old),
            "new": as_json(self.new),
            "old_estimated": as_json(self.old_estimated),
            "new_estimated": as_json(self.new_estimated),
            "cause": self.cause,
            "causes": list(self.causes),
            "who": self.who,
            "task": self.task,
            "at": as_moment(self.at),
            "reports": list(self.reports),
        }


def restatements(question: Question) -> list[Restatement]:
    """Every change of this figure since its month was first published, oldest first."""
    month = question.month
    published = FigureMonth.objects.filter(month=month.first).values("first_published_revision")
    since: QuerySet[Any] = MonthRevision.objects.annotate(first_published=Subquery(published)).filter(
        Q(month=month.first) | Q(month__lt=month.first, firsts_changed=True), pk__gt=F("first_published")
    )
    later = list(since.order_by("-pk")[: MOST + 1])[::-1]
    if not later:
        return []
    first: int = later[0].first_published
    if len(later) > MOST:
        # The first one stands for all before it too, so that the changes still lead from then to now.
        later[0] = _together(later[0], since.filter(pk__lte=later[0].pk).count())
    [answers] = answers_at([question], [first, *(revision.pk for revision in later)])
    found: list[tuple[MonthRevision, tuple[Any, Any], tuple[Any, Any]]] = []
    before = (answers[0].recorded, answers[0].estimated)
    for revision, answer in zip(later, answers[1:], strict=True):
        now = (answer.recorded, answer.estimated)
        if now != before:
            found.append((revision, before, now))
        before = now
    responsible = {revision.pk: revision.reports or _relabelled(revision) for revision, _, _ in found}
    reports = _reports({report for ids in responsible.values() for report in ids})
    return [
        Restatement(
            old=old[0],
            new=new[0],
            old_estimated=old[1],
            new_estimated=new[1],
            cause=", ".join(revision.causes),
            causes=tuple(revision.causes),
            who=", ".join(revision.actors),
            task=revision.task,
            at=revision.at,
            revision=revision.pk,
            reports=tuple(reports[report] for report in responsible[revision.pk] if report in reports),
        )
        for revision, old, new in found
    ]


@dataclass(frozen=True, slots=True)
class Restated:
    """A published figure that one change of the facts moved; the numbers are recorded and estimated ones."""

    question: Question
    old: tuple[Number | None, Number | None]
    new: tuple[Number | None, Number | None]


def restated_by(revision: MonthRevision) -> list[Restated]:
    """The indicator figures that one change restated: of its month, and through first versions of later ones."""
    published = FigureMonth.objects.published().filter(first_published_revision__lt=revision.pk)
    reached = (
        published.filter(month__gte=revision.month)
        if revision.firsts_changed
        else published.filter(month=revision.month)
    )
    found = []
    for first in reached.order_by("month").values_list("month", flat=True):
        questions = indicator_questions(Month.of(first))
        for question, (old, new) in zip(questions, answers_at(questions, [revision.pk - 1, revision.pk]), strict=True):
            one = Restated(question, (old.recorded, old.estimated), (new.recorded, new.estimated))
            if one.old != one.new:
                found.append(one)
    return found


def _together(last: MonthRevision, number: int) -> MonthRevision:
    """So many changes up to this one, as one; never saved."""
    return MonthRevision(pk=last.pk, month=last.month, causes=[f"{number:,} earlier changes together"], at=last.at)


def _relabelled(revision: MonthRevision) -> list[int]:
    """The reports that began or ceased to count, or to count so, with a change that no report of its own caused."""
    moved = MonthReport.objects.filter(month=revision.month).filter(
        Q(from_revision=revision.pk) | Q(to_revision=revision.pk)
    )
    return sorted(set(moved.order_by("pk").values_list("report_id", flat=True)[:MOST_REPORTS]))


def _reports(ids: set[int]) -> dict[int, dict[str, Any]]:
    rows = Report.objects.filter(pk__in=ids).select_related("installation")
    return {
        row.pk: {
            "report": row.source,
            "installation": {"uuid": row.installation.uuid, "hostname": row.installation.hostname},
            "recorded_at": as_moment(row.recorded_at),
        }
        for row in rows
    }
