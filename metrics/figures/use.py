"""What became of a report: which months it counts in, and for which figures."""

from __future__ import annotations

from collections.abc import Sequence

from metrics.engine.cells import contributions
from metrics.engine.chosen import COLUMNS, Chosen
from metrics.engine.mapping import in_force, mapping_rows
from metrics.engine.pages import place
from metrics.facts import Use
from metrics.figures.question import Question
from metrics.models.dictionary import MetricDefinition
from metrics.models.facts import Report
from metrics.models.figures import MonthReport
from metrics.periods import Month


def uses(reports: Sequence[Report]) -> list[Use]:
    """The uses of these reports, oldest month first."""
    ids = {report.pk for report in reports}
    rows = MonthReport.objects.filter(installation__in={report.installation_id for report in reports}, to_revision=None)
    counting = {row.report_id: row for row in rows if row.report_id in ids}
    found = []
    for report in reports:
        row = counting.get(report.pk)
        figures: tuple[str, ...] = ()
        if report.state != Report.State.COUNTED:
            part = report.state
        elif row is None:
            part = "superseded"
        elif row.excluded:
            part = "excluded"
        else:
            part, figures = "month_report", tuple(_figures(row))
        found.append(
            Use(
                month=Month.of(report.month),
                part=part,
                report_id=report.pk,
                installation_id=report.installation_id,
                figures=figures,
            )
        )
    found += [
        Use(month=Month.of(row.month), part="baseline", report_id=row.baseline_id, installation_id=row.installation_id)
        for row in rows
        if row.baseline_id in ids and row.baseline_id is not None and not row.excluded
    ]
    return sorted(found, key=lambda use: (use.month, use.report_id, use.part))


def _figures(row: MonthReport) -> list[str]:
    """The indicator figures that a value of this month's report is part of."""
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
        if page in given and index in given[page].values:
            found.append(Question(indicator=kind, subject=key, period=month).id)
    return sorted(found)
