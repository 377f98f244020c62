"""What became of a source's facts: the months and figures that used them."""

from __future__ import annotations

from metrics.facts.handed import Use
from metrics.models.facts import Report


def use_of(source: str) -> list[Use]:
    """Which months and figures used the reports of this source: what a receipt and a ping's page say."""
    from metrics.figures.use import uses  # only now, since the figures know this door

    reports = list(Report.objects.filter(source=source).order_by("id"))
    replaced = {report.pk for report in reports if report.state == Report.State.REPLACED}
    # A replaced row speaks of what was published only: another one stands for the source.
    return [use for use in uses(reports) if use.report_id not in replaced or use.part == "published"]
