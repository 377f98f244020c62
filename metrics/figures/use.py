"""What became of a report: which months it counts in, and for which figures."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Exists, OuterRef

from metrics.engine.cells import contributions
from metrics.engine.chosen import COLUMNS, Chosen
from metrics.engine.mapping import in_force, mapping_rows
from metrics.engine.pages import is_all_time, place
from metrics.facts import Use
from metrics.figures.question import Question
from metrics.models.dictionary import MetricDefinition
from metrics.models.facts import Report
from metrics.models.figures import FigureMonth, MonthReport
from metrics.periods import Month


def uses(reports: Sequence[Report]) -> list[Use]:
    """The uses of these reports, oldest month first."""
    ids = {report.pk for report in reports}
    rows = MonthReport.objects.filter(installation__in={report.installation_id for report in reports}, to_revision=None)
    counting = {row.report_id: row for row in rows if row.report_id in ids}
    found = [_own(report, counting.get(report.pk)) for report in reports]
    found += [
        _use(row, "baseline", row.baseline_id, _figures(row, since_install=True))
        for row in rows
        if row.baseline_id in ids and row.baseline_id is not None and not row.excluded
    ]
    found += [
        _use(row, "published", row.report_id, _figures(row, published=True))
        for row in _published(ids)
        if not row.excluded
    ]
    return sorted(found, key=lambda use: (use.month, use.report_id, use.part))


def _own(report: Report, row: MonthReport | None) -> Use:
    """What a report is to its own month."""
    figures: tuple[str, ...] = ()
    if report.state != Report.State.COUNTED:
        part = report.state
    elif row is None:
        part = "superseded" if _has_later(report) else "waiting"
    elif row.excluded:
        part = "excluded"
    else:
        part, figures = "month_report", tuple(_figures(row))
    return Use(
        month=Month.of(report.month),
        part=part,
        report_id=report.pk,
        installation_id=report.installation_id,
        figures=figures,
    )


def _use(row: MonthReport, part: str, report_id: int, figures: Sequence[str]) -> Use:
    return Use(
        month=Month.of(row.month),
        part=part,
        report_id=report_id,
        installation_id=row.installation_id,
        figures=tuple(figures),
    )


def _has_later(report: Report) -> bool:
    """Whether a later report of its month counts instead; without one, the month has not been counted yet."""
    return Report.objects.filter(
        installation=report.installation_id,
        population=report.population,
        month=report.month,
        state=Report.State.COUNTED,
        recorded_at__gt=report.recorded_at,
    ).exists()


def _published(ids: set[int]) -> list[MonthReport]:
    """Where these reports counted when a month was published, and do not any more."""
    return list(
        MonthReport.objects.filter(
            Exists(
                FigureMonth.objects.filter(
                    month=OuterRef("month"),
                    published_revision__gte=OuterRef("from_revision"),
                    published_revision__lt=OuterRef("to_revision"),
                )
            ),
            report_id__in=ids,
        )
    )


def _figures(row: MonthReport, *, since_install: bool = False, published: bool = False) -> list[str]:
    """The indicator figures that a value of this month's report is part of; ``since_install``: only those whose value
    is the difference to the baseline."""
    month = Month.of(row.month)
    mapping = in_force(mapping_rows(), month)
    slots = dict(
        MetricDefinition.objects.filter(
            pk__in={metric for metrics in mapping.values() for metric in metrics}, slot__isnull=False
        ).values_list("pk", "slot")
    )
    chosen = Chosen(**{column: getattr(row, column) for column in COLUMNS})
    [given] = contributions([chosen]).values()
    found = []
    for subject, metrics in mapping.items():
        kind, _, key = subject.partition(":")
        if len(metrics) != 1 or slots.get(metrics[0]) is None:
            continue
        if kind == "paid_gmau":
            if (row.population == "paid") != (row.delivery == "saas") or row.tier == "free":
                continue
        elif row.population == "paid":
            continue
        page, index = place(slots[metrics[0]] or 0)
        if since_install and not is_all_time(page):
            continue
        if page in given and index in given[page].values:
            found.append(Question(indicator=kind, subject=key, period=month, published=published).id)
    return sorted(found)
