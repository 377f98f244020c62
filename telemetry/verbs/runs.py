"""Going through the stored pings: resumable, shown under Tasks, tried again from there. One process at a time a run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import structlog
from django.db import connection

from portal.jobs import Cancelled, Retry, job
from portal.models import Job, User
from telemetry.models import Backfill, Ping, RereadRun
from telemetry.worker import cause_of, of_the_server

if TYPE_CHECKING:
    from collections.abc import Iterator

log = structlog.get_logger(__name__)

Run = TypeVar("Run", Backfill, RereadRun)
ENDED = frozenset({Backfill.State.DONE, Backfill.State.CANCELLED, Backfill.State.FAILED})


def carry_on(
    run: Run,
    *,
    name: str,
    task: str,
    step: Callable[[Run], int],
    says: Callable[[Run], str],
    user: User | None = None,
) -> Run | None:
    """Run, or go on; ``None`` where another process is at it. ``step`` looks at the next pings and returns how many.

    A ping that cannot be read costs only itself (``step`` counts it); what else raises ends the run as failed, with
    its cause. A process that dies leaves it running, and the sweep goes on with it.
    """
    with _only_one(run) as alone:
        if not alone:
            return None
        run.refresh_from_db()
        if run.state in ENDED:
            return run
        if run.job_id is not None:
            Job.objects.filter(pk=run.job_id, state=Job.State.RUNNING).update(
                state=Job.State.FAILED, error="Its process went away; the work went on in another task."
            )
        remaining = Ping.objects.filter(id__gt=run.next_id, id__lte=run.last_id).count()
        with job(name[:200], total=remaining, user=user, retry=Retry("default", task, (run.pk,))) as progress:
            _set(run, run.State.RUNNING, job_id=progress.job.pk)
            try:
                while looked := step(run):
                    progress.advance(looked, says(run))
                    progress.check_cancelled()
                progress.say(says(run))
                if run.failed:
                    raise SomeFailed(f"{run.failed:,} pings could not be read, the last one: {run.cause}")
            except Cancelled:
                _set(run, run.State.CANCELLED)
                raise
            except Exception as error:
                if of_the_server(error):  # it passes; the sweep goes on with the run
                    raise
                run.refresh_from_db()
                cause = run.cause if isinstance(error, SomeFailed) else cause_of(error)
                _set(run, run.State.FAILED, cause=cause)
                raise
            _set(run, run.State.DONE)
            progress.result(pings=run.looked_at)
        return run


class SomeFailed(Exception):
    """The run came to its end, but some pings could not be read."""


def begin_again(run: Backfill | RereadRun) -> None:
    """Let a run that failed or was cancelled be run once more: on from where it stopped, or from the start if it came
    to its end. Reading a ping twice changes nothing."""
    if run.state not in {run.State.FAILED, run.State.CANCELLED}:
        return
    if run.failed:
        run.next_id = run.looked_at = run.failed = 0
    run.state, run.cause = run.State.WAITING, ""
    run.save(update_fields=["next_id", "looked_at", "failed", "state", "cause"])


def note_failure(run: Backfill | RereadRun, ping_id: int, error: Exception) -> None:
    """Count a ping that could not be read, and keep why. Trouble of the database is no ping's fault and is raised."""
    if of_the_server(error):
        raise error
    log.warning("reading a stored ping failed", ping=ping_id, run=str(run), error=cause_of(error))
    run.failed += 1
    run.cause = f"ping {ping_id}: {cause_of(error)}"


def _set(run: Backfill | RereadRun, state: str, **fields: object) -> None:
    run.state = state
    for name, value in fields.items():
        setattr(run, name, value)
    run.save(update_fields=["state", *fields])


@contextmanager
def _only_one(run: Backfill | RereadRun) -> Iterator[bool]:
    """An advisory lock of the session: it goes away with the process that holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s), %s)", [run._meta.db_table, run.pk])
        (alone,) = cursor.fetchone() or (False,)
    try:
        yield bool(alone)
    finally:
        if alone:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext(%s), %s)", [run._meta.db_table, run.pk])
