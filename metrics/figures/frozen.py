"""The facts as they were when a month was published: what a snapshot's passport tells beside its sums.

Sums and the reports that count carry revisions; the list of subscriptions has its history, and labels are never
changed, only made. So a published passport can be answered from facts that have moved on since. Each of these is SQL
that stands in place of a table; where ``published``, it asks for the parameter ``published_at``.
"""

from __future__ import annotations

from metrics.engine.chosen import LABELS


def subscriptions(*, published: bool) -> str:
    """The list of subscriptions."""
    if not published:
        return "metrics_subscription"
    return """(
        SELECT * FROM (
            SELECT DISTINCT ON (pgh_obj_id) * FROM metrics_subscriptionevent
            WHERE pgh_created_at <= %(published_at)s ORDER BY pgh_obj_id, pgh_id DESC
        ) newest WHERE pgh_label <> 'delete'
    )"""


def labels_made(*, published: bool) -> str:
    """All labels that were made."""
    if not published:
        return "metrics_installationlabel"
    return "(SELECT * FROM metrics_installationlabel WHERE made_at <= %(published_at)s)"


def labels(*, published: bool) -> str:
    """The labels in force in the month ``month``, by installation."""
    return LABELS.replace("metrics_installationlabel", f"{labels_made(published=published)} made")


def not_counted(*, published: bool) -> str:
    """Whether a report ``h`` was held or rejected although it would have been its installation's month's report.

    A report keeps only its present state. But one that was there, and later than the one that counted, was not
    counted itself: that can be read from the snapshot. ``{held}`` stands for the rows ``m`` that hold at it.
    """
    if not published:
        return """h.state IN ('held', 'rejected') AND NOT EXISTS (
            SELECT 1 FROM metrics_report r WHERE r.installation_id = h.installation_id AND r.month = h.month
              AND r.population = h.population AND r.state = 'counted' AND r.recorded_at > h.recorded_at)"""
    return """h.stored_at <= %(published_at)s AND NOT (h.state = 'replaced' AND EXISTS (
        SELECT 1 FROM metrics_report r WHERE r.installation_id = h.installation_id AND r.recorded_at = h.recorded_at
          AND r.population = h.population AND r.id > h.id AND r.stored_at <= %(published_at)s)) AND NOT EXISTS (
        SELECT 1 FROM metrics_monthreport m JOIN metrics_report r ON r.id = m.report_id
        WHERE m.month = h.month AND m.installation_id = h.installation_id AND m.population = h.population
          AND {held} AND r.recorded_at >= h.recorded_at)"""


def known_before(*, published: bool) -> str:
    """Whether an installation ``i`` had a report before the month."""
    then = " AND r.stored_at <= %(published_at)s" if published else ""
    return f"""EXISTS (SELECT 1 FROM metrics_report r WHERE r.installation_id = i.id AND r.state = 'counted'
        AND r.recorded_at < %(month)s{then})"""
