"""What became of a report: which months it counts in, and for which figures."""

from __future__ import annotations

from collections.abc import Sequence

from metrics.facts import Use
from metrics.models.facts import Report
from metrics.models.figures import MonthReport
from metrics.periods import Month


def uses(reports: Sequence[Report]) -> list[Use]:
    """The uses of these reports, oldest month first."""
    ids = [report.pk for report in reports]
    counted = {row.report_id: row for row in MonthReport.objects.filter(report_id__in=ids, to_revision=None)}
    found = []
    for report in reports:
        row = counted.get(report.pk)
        if report.state != Report.State.COUNTED:
            part = report.state
        elif row is None:
            part = "superseded"
        else:
            part = "excluded" if row.excluded else "month_report"
        found.append(
            Use(month=Month.of(report.month), part=part, report_id=report.pk, installation_id=report.installation_id)
        )
    return sorted(found, key=lambda use: (use.month, use.report_id))
