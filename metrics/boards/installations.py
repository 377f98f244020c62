"""Installations as lists and pages show them: labels, the last report, the months in which they counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from metrics.models.facts import Delivery, Installation, InstallationLabel, Report
from metrics.models.figures import MonthReport


@dataclass(frozen=True, kw_only=True)
class Row:
    """One installation in the list."""

    installation: Installation
    last: Report | None
    delivery: str
    excluded: str


def found_installations(*, words: str = "", show: str = "") -> QuerySet[Installation]:
    """Installations whose hostname, uuid or subscription holds the words; ``show``: saas, excluded, held, silent."""
    found = Installation.objects.filter(erased_at=None)
    for word in words.split():
        linked = Report.objects.filter(installation=OuterRef("pk"), subscription=word)
        found = found.filter(Q(hostname__icontains=word) | Q(uuid__icontains=word) | Q(Exists(linked)))
    if show == "saas":
        found = found.annotate(label=_latest("delivery", "delivery")).filter(label=Delivery.SAAS)
    elif show == "excluded":
        found = found.annotate(label=_latest("exclusion", "excluded")).filter(label=True)
    elif show == "held":
        found = found.filter(Exists(Report.objects.filter(installation=OuterRef("pk"), state=Report.State.HELD)))
    return found.order_by("hostname", "uuid")


def _latest(kind: str, field: str) -> Subquery:
    """The newest label of a kind."""
    labels = InstallationLabel.objects.filter(uuid=OuterRef("uuid"), hostname=OuterRef("hostname"), kind=kind)
    return Subquery(labels.order_by("-id").values(field)[:1])


def rows_of(installations: Sequence[Installation]) -> list[Row]:
    """The rows of a page of the list, in three queries."""
    ids = [one.pk for one in installations]
    last = {
        report.installation_id: report
        for report in Report.objects.filter(installation_id__in=ids)
        .exclude(state=Report.State.REPLACED)
        .order_by("installation_id", "-recorded_at")
        .distinct("installation_id")
    }
    labels: dict[tuple[str, str, str], InstallationLabel] = {}
    wanted = InstallationLabel.objects.filter(uuid__in=[one.uuid for one in installations]).order_by("id")
    for label in wanted:
        labels[label.uuid, label.hostname, label.kind] = label
    made = []
    for one in installations:
        delivery = labels.get((one.uuid, one.hostname, "delivery"))
        exclusion = labels.get((one.uuid, one.hostname, "exclusion"))
        made.append(
            Row(
                installation=one,
                last=last.get(one.pk),
                delivery=delivery.delivery if delivery else Delivery.SELF_MANAGED,
                excluded=exclusion.reason if exclusion and exclusion.excluded else "",
            )
        )
    return made


def labels_of(installation: Installation) -> QuerySet[InstallationLabel]:
    """What administrators have said about it, the newest first."""
    return InstallationLabel.objects.filter(uuid=installation.uuid, hostname=installation.hostname).select_related(
        "made_by"
    )


@dataclass(frozen=True, kw_only=True)
class CountedMonth:
    """A month in which a report of the installation counts."""

    month: date
    row: MonthReport
    report: Report | None


def counted_months(installation: Installation, *, limit: int = 36) -> list[CountedMonth]:
    """The months in which it counts (or would, were it not excluded), the newest first."""
    rows = list(
        MonthReport.objects.filter(installation=installation, to_revision=None).order_by("-month", "population")[:limit]
    )
    reports = Report.objects.in_bulk([row.report_id for row in rows])
    return [CountedMonth(month=row.month, row=row, report=reports.get(row.report_id)) for row in rows]
