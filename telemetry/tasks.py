"""Tasks of the telemetry plugin: thin, each calls one verb."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog
from celery import shared_task

from portal.wakeups import wake
from telemetry.accepting import READ_TASK

log = structlog.get_logger(__name__)

FILL_BACK_TASK = "telemetry.tasks.fill_back"
REREAD_TASK = "telemetry.tasks.reread"
GOING = ("waiting", "running")
"""States of a run that a task goes on with: one that is running may have lost its process."""
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
    from telemetry.models import Backfill, RereadRun

    if Backfill.objects.filter(state__in=GOING).exists():
        wake("default", FILL_BACK_TASK)
    if RereadRun.objects.filter(state__in=GOING).exists():
        wake("default", REREAD_TASK)
    return wake("ingest", READ_TASK) if backlog() else False


@shared_task(name=FILL_BACK_TASK)
def fill_back() -> int:
    """Run every back-fill that waits or was cut off; one that fails costs no other, and says so under Tasks."""
    from telemetry.models import Backfill
    from telemetry.verbs.backfill import run_backfill

    return _run_all(Backfill.objects.filter(state__in=GOING).order_by("pk").values_list("pk", flat=True), run_backfill)


@shared_task(name=REREAD_TASK)
def reread() -> int:
    """Go on with every reading again that waits or was cut off."""
    from telemetry.models import RereadRun
    from telemetry.verbs.rereading import run_reread

    return _run_all(RereadRun.objects.filter(state__in=GOING).order_by("pk").values_list("pk", flat=True), run_reread)


def _run_all(ids: Iterable[int], run: Callable[[int], object]) -> int:
    done = 0
    for pk in list(ids):
        try:
            done += run(pk) is not None
        except Exception:  # it is kept with its job, from where it can be tried again
            log.exception("a run over the stored pings failed", run=run.__name__, id=pk)
    return done


@shared_task(name="telemetry.tasks.retry_backfill")
def retry_backfill(backfill_id: int) -> int:
    """Let a back-fill that failed or was cancelled go on, as somebody asked for under Tasks."""
    from telemetry.models import Backfill
    from telemetry.verbs.runs import begin_again

    begin_again(Backfill.objects.get(pk=backfill_id))
    return fill_back()


@shared_task(name="telemetry.tasks.retry_reread")
def retry_reread(run_id: int) -> int:
    """The same for a reading again."""
    from telemetry.models import RereadRun
    from telemetry.verbs.runs import begin_again

    begin_again(RereadRun.objects.get(pk=run_id))
    return reread()


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
