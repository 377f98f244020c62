"""Which months have to follow a change of the facts, and the wake-up of the roll-up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.utils import timezone

from metrics.facts.handed import LATE_REPORT
from metrics.models.facts import DirtyMonth, Report
from metrics.periods import Month
from portal.wakeups import wake

if TYPE_CHECKING:
    from portal.models import User

ROLL_UP_TASK = "metrics.tasks.roll_up"
"""The task that follows the facts; it runs on the queue ``rollup``."""


def note(
    *,
    months: Iterable[Month],
    cause: str,
    actor: User | None = None,
    installation_id: int | None = None,
    report_id: int | None = None,
) -> None:
    """Note that these months have to follow a change, of one installation or (without) of anything."""
    DirtyMonth.objects.bulk_create(
        [
            DirtyMonth(month=month.first, installation_id=installation_id, cause=cause, actor=actor, report=report_id)
            for month in sorted(set(months))
        ],
        batch_size=500,
    )


def note_report(report: Report, *, cause: str, actor: User | None) -> None:
    """Note that the months of a report that counts have to follow a change of it, by what its installation adds."""
    note(
        months=months_of(report),
        cause=cause,
        actor=actor,
        installation_id=report.installation_id,
        report_id=report.pk,
    )


def note_new_reports(report_ids: Sequence[int]) -> None:
    """Note what new reports change: their month if none there is later, and then the next one's baselines.

    Held ones too, although they change no figure: their month then is known, and lists them as left out.
    """
    if not report_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH latest AS (
                SELECT r.id, r.installation_id, r.month, r.population FROM metrics_report r
                WHERE r.id = ANY(%s) AND NOT EXISTS (
                    SELECT 1 FROM metrics_report l
                    WHERE l.installation_id = r.installation_id AND l.population = r.population
                      AND l.month = r.month AND l.recorded_at > r.recorded_at AND l.state = 'counted')
            ), touched AS (
                SELECT id, installation_id, month FROM latest
                UNION ALL
                SELECT l.id, l.installation_id, (l.month + interval '1 month')::date FROM latest l
                WHERE l.month < '9999-12-01' AND EXISTS (
                    SELECT 1 FROM metrics_report n
                    WHERE n.installation_id = l.installation_id AND n.population = l.population
                      AND n.month = (l.month + interval '1 month')::date)
            )
            INSERT INTO metrics_dirtymonth (month, installation_id, cause, report, at)
            SELECT month, installation_id, %s, id, %s FROM touched ORDER BY month, id
            """,
            [list(report_ids), LATE_REPORT, timezone.now()],
        )


def wake_roll_up() -> None:
    """Wake the roll-up once what was just written is committed."""
    transaction.on_commit(lambda: wake("rollup", ROLL_UP_TASK))


def months_of(report: Report) -> list[Month]:
    """The months that a report can be part of: its own and, as a baseline, the next one."""
    month = Month.of(report.month)
    return [month] if month >= Month(9999, 12) else [month, month.next]
