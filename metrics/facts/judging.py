"""Whether a report counts: held, released, rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import QuerySet

from metrics.facts.following import note_report, wake_roll_up
from metrics.facts.handed import QUARANTINE_RELEASED, QUARANTINED, REJECTED
from metrics.models.facts import Report

if TYPE_CHECKING:
    from portal.models import User


def of_source(source: str) -> QuerySet[Report]:
    """The reports of a source that stand, locked."""
    standing = Report.objects.filter(source=source).exclude(state=Report.State.REPLACED)
    return standing.select_for_update().order_by("id")


@transaction.atomic
def _judge(*, source: str, state: str, cause: str, actor: User | None, reason: str) -> int:
    changed = 0
    for report in of_source(source):
        if report.state == state:
            continue
        touches = Report.State.COUNTED in (report.state, state)
        report.state = state
        report.judged_by = actor
        report.judged_reason = reason
        if state == Report.State.HELD:
            report.held_reason = reason
        report.save(update_fields=["state", "judged_by", "judged_reason", "held_reason"])
        if touches:
            note_report(report, cause=cause, actor=actor)
        changed += 1
    if changed:
        wake_roll_up()
    return changed


def release_report(*, source: str, actor: User | None, reason: str = "") -> int:
    """Let a held report count. Returns how many reports of this source changed."""
    return _judge(
        source=source, state=Report.State.COUNTED.value, cause=QUARANTINE_RELEASED, actor=actor, reason=reason
    )


def reject_report(*, source: str, actor: User | None, reason: str = "") -> int:
    """Never let this report count. Returns how many reports of this source changed."""
    return _judge(source=source, state=Report.State.REJECTED.value, cause=REJECTED, actor=actor, reason=reason)


def hold_report(*, source: str, reason: str, actor: User | None = None) -> int:
    """Take a report out of the figures until somebody judges it. Returns how many reports of this source changed."""
    return _judge(source=source, state=Report.State.HELD.value, cause=QUARANTINED, actor=actor, reason=reason)
