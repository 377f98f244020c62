"""Tasks of the telemetry plugin: thin, each calls one verb."""

from __future__ import annotations

from celery import shared_task

from portal.wakeups import wake
from telemetry.accepting import READ_TASK

FILL_BACK_TASK = "telemetry.tasks.fill_back"
AT_A_TIME = 20.0
"""Seconds after which reading makes room for other work of the same worker and goes on with a new hint."""


@shared_task(name=READ_TASK)
def read_pings() -> int:
    """Read what was accepted."""
    from telemetry.metadata import count_reports
    from telemetry.worker import read_all

    count = read_all(for_seconds=AT_A_TIME)
    count_reports()
    if count and backlog():
        wake("ingest", READ_TASK)
    return count


@shared_task(name="telemetry.tasks.sweep")
def sweep() -> bool:
    """Give the hint again where work waits: a lost message then costs a minute, never a ping."""
    from telemetry.models import Backfill

    if Backfill.objects.filter(state__in=[Backfill.State.WAITING, Backfill.State.RUNNING]).exists():
        wake("default", FILL_BACK_TASK)
    return wake("ingest", READ_TASK) if backlog() else False


@shared_task(name=FILL_BACK_TASK)
def fill_back() -> int:
    """Run every back-fill that waits or was cut off."""
    from telemetry.models import Backfill
    from telemetry.verbs.rereading import run_backfill

    waiting = Backfill.objects.filter(state__in=[Backfill.State.WAITING, Backfill.State.RUNNING]).order_by("pk")
    return sum(run_backfill(pk) is not None for pk in list(waiting.values_list("pk", flat=True)))


def backlog() -> bool:
    """Whether a ping or a metadata report waits, or unknown keys that a process left uncounted."""
    from telemetry.models import MetadataReport, Ping
    from telemetry.verbs.unknown import is_unfolded

    return (
        Ping.objects.filter(state=Ping.State.ACCEPTED).exists()
        or MetadataReport.objects.filter(counted=False).exists()
        or is_unfolded()
    )


@shared_task(name="telemetry.tasks.retention")
def retention() -> dict[str, int]:
    """Delete what has been kept long enough."""
    from telemetry.verbs.privacy import keep_retention

    return keep_retention()


@shared_task(name="telemetry.tasks.quantiles")
def quantiles() -> int:
    """Measure the population."""
    from telemetry.verbs.quantiles import compute_quantiles

    return compute_quantiles()
