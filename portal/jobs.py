"""Long work with its progress: a row that the Tasks page shows while it runs and finds again afterwards.

    with job("Fill back readings", total=len(pings), user=request.user) as progress:
        for batch in batches:
            progress.check_cancelled()
            refill(batch)
            progress.advance(len(batch), f"{batch.month} filled")

Call ``advance`` between transactions, not within one: others see the row only once it is committed.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from portal.celery import app
from portal.models import Job, User

WRITE_EVERY = 0.5
"""Seconds between two writes of progress; a loop may call ``advance`` as often as it likes."""
LOST_AFTER = timedelta(minutes=15)
"""A running job that has said nothing for this long is taken to have died with its process."""


@dataclass(frozen=True, slots=True)
class Retry:
    """The task that does the work again, or goes on with it: what the Tasks page offers when a job has failed."""

    queue: str
    task: str
    args: tuple[int | str, ...] = ()


class Cancelled(Exception):
    """Raised by ``check_cancelled`` when somebody asked for the job to stop."""


class Progress:
    """Handed to the body of ``job``; writes what it is told, at most twice a second."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._written = time.monotonic()

    def advance(self, by: int = 1, message: str | None = None) -> None:
        """``by`` more are done; ``message`` is a sentence for the page."""
        self.job.done += by
        if message is not None:
            self.job.message = message
        self._write()

    def say(self, message: str) -> None:
        """Change the sentence only."""
        self.advance(0, message)

    def expect(self, total: int | None) -> None:
        """Set the total once it is known."""
        self.job.total = total
        self._write(now=True)

    def result(self, **values: Any) -> None:
        """Keep values (JSON) with the job, for whoever links to it."""
        self.job.result = {**self.job.result, **values}
        self._write(now=True)

    def check_cancelled(self) -> None:
        """Raise ``Cancelled`` where somebody pressed Cancel. Call it where stopping leaves nothing half-done."""
        self._write()
        if self.job.cancel_requested:
            raise Cancelled(f"{self.job.name} was cancelled.")

    def _write(self, *, now: bool = False) -> None:
        if not now and time.monotonic() - self._written < WRITE_EVERY:
            return
        self._written = time.monotonic()
        self.job.heartbeat_at = timezone.now()
        self.job.save(update_fields=["done", "total", "message", "result", "heartbeat_at"])
        self.job.refresh_from_db(fields=["cancel_requested"])


def waiting(name: str, *, total: int | None = None, user: User | None = None) -> Job:
    """A job that will start later: a page makes it, hands ``job.pk`` to a task, and shows it at once."""
    return Job.objects.create(name=name, total=total, started_by=user)


@contextmanager
def job(
    name: str,
    *,
    total: int | None = None,
    user: User | None = None,
    existing: int | None = None,
    retry: Retry | None = None,
) -> Iterator[Progress]:
    """Run the body as a job. ``existing`` takes up one made by ``waiting`` instead of making a new one; ``retry`` is
    what to offer if it fails or is cancelled.

    An error is kept with the job and raised on; ``Cancelled`` ends the job quietly. One that was cancelled while it
    waited stops at the body's first ``check_cancelled``.
    """
    started = timezone.now()
    row = Job.objects.get(pk=existing) if existing is not None else Job(name=name, started_by=user)
    row.state, row.started_at, row.heartbeat_at = Job.State.RUNNING, started, started
    row.finished_at, row.error, row.done = None, "", 0
    row.total = total if total is not None else row.total
    row.retry = asdict(retry) if retry is not None else {}
    row.save()
    progress = Progress(row)
    try:
        yield progress
    except Cancelled:
        _finish(row, Job.State.CANCELLED)
    except BaseException as error:
        row.error = _words(error)
        _finish(row, Job.State.FAILED)
        setattr(error, _TOLD, True)
        raise
    else:
        _finish(row, Job.State.DONE)


def cancel(job_id: int) -> bool:
    """Ask a job to stop; one that has not started is cancelled at once. Says whether there was anything to stop."""
    now = timezone.now()
    if Job.objects.filter(pk=job_id, state=Job.State.WAITING).update(
        state=Job.State.CANCELLED, finished_at=now, cancel_requested=True
    ):
        return True
    return bool(Job.objects.filter(pk=job_id, state=Job.State.RUNNING).update(cancel_requested=True))


def may_retry(row: Job) -> bool:
    """Whether a job has ended without success and says how to try it again."""
    return bool(row.retry) and row.state in {Job.State.FAILED, Job.State.CANCELLED}


def retry(job_id: int) -> bool:
    """Try a job again that failed or was cancelled, once; says whether there was anything to try."""
    with transaction.atomic():
        row = Job.objects.select_for_update().get(pk=job_id)
        if not may_retry(row):
            return False
        told, row.retry = row.retry, {}
        row.message = "Tried again; a task of its own goes on with it."
        row.save(update_fields=["retry", "message"])
        app.send_task(told["task"], args=told["args"], queue=told["queue"], retry=False, ignore_result=True)
    return True


def note_failed_task(*, name: str, retry: Retry, error: BaseException) -> Job | None:
    """Show a task that raised under Tasks, with its cause and a way to try it again.

    One row for a task that goes on failing, with how often it did. ``None`` where a job of its own tells it already.
    """
    if getattr(error, _TOLD, False):
        return None
    now = timezone.now()
    with transaction.atomic():
        row = Job.objects.select_for_update().filter(_failing(retry)).order_by("pk").first()
        if row is None:
            row = Job(name=name[:200], started_at=now, retry=asdict(retry), state=Job.State.FAILED)
        row.done += 1
        row.message = f"Failed {row.done} times, the last time now." if row.done > 1 else ""
        row.error, row.heartbeat_at, row.finished_at = _words(error), now, now
        row.save()
    return row


def note_success(retry: Retry) -> int:
    """A task came through: its failures from before need no second try. Returns how many there were."""
    failing = Job.objects.filter(_failing(retry))
    return failing.update(retry={}, message="It came through since.")


def _failing(retry: Retry) -> Q:
    # A row of a task, not of a job that offers the same task: those have begun some work and count it.
    return Q(state=Job.State.FAILED, retry=asdict(retry), total=None)


_TOLD = "stageboard_job"
"""Marks an error that a job has told already."""


def _words(error: BaseException) -> str:
    # The database has no text with NUL; refusing this one would hide the error and leave its job running.
    return "".join(traceback.format_exception_only(error)).strip().replace("\0", "\\0")


def give_up_lost() -> int:
    """Mark running jobs whose process has died (no sign of life for ``LOST_AFTER``) as failed."""
    now = timezone.now()
    return Job.objects.filter(state=Job.State.RUNNING, heartbeat_at__lt=now - LOST_AFTER).update(
        state=Job.State.FAILED, finished_at=now, error="The process that ran this job has gone away."
    )


def _finish(row: Job, state: Job.State) -> None:
    row.state, row.finished_at, row.heartbeat_at = state, timezone.now(), timezone.now()
    row.save(update_fields=["state", "error", "done", "total", "message", "result", "heartbeat_at", "finished_at"])
