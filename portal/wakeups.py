"""Hints to the workers that there is work: at most one waits per queue, however many pings come in.

What there is to do stands in PostgreSQL, so a hint may be lost (the sweep finds the work) but must never be the
cause of an error where it is given. A hint counts as waiting from ``wake`` until a worker starts its task; a task
that starts takes the mark away *before* it looks for work, so whoever found the mark can rely on a look still to come.
"""

from __future__ import annotations

import os
import time
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import structlog
from celery.signals import task_prerun
from django.conf import settings
from django.db import DatabaseError, connection

from portal.celery import app

log = structlog.get_logger(__name__)

HEADER = "stageboard_wake"
STALE_AFTER = 15.0
"""Seconds after which a hint may be lost (a killed worker takes its message along) and is given again if it is."""
STALE_AFTER_IN_TABLE = 60.0
"""The same where the queue cannot be looked into: as long as a sweep takes to come by, so that few hints pile up
while no worker runs."""


class Marks(Protocol):
    """Remembers, across processes, for which queues a hint is waiting."""

    def put(self, queue: str, task: str) -> bool:
        """Mark as waiting; ``False`` where it already was."""

    def take(self, queue: str, task: str) -> None:
        """The hint has arrived, or could not be sent: no longer waiting."""


class FileMarks:
    """A file per hint in the data folder: as quick as a failed ``open``, right for one machine."""

    def __init__(self, folder: Path, messages: Path | None = None) -> None:
        self.folder = folder
        self.messages = messages

    def file(self, queue: str, task: str) -> Path:
        return self.folder / f"{queue}.{task}"

    def put(self, queue: str, task: str) -> bool:
        file = self.file(queue, task)
        try:
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            try:
                if time.time() - file.stat().st_mtime < STALE_AFTER:
                    return False
                os.utime(file)
            except FileNotFoundError:
                return self.put(queue, task)
            # Old, but not lost: no worker runs, or all are busy. One message is enough for whenever they look.
            if self.messages is not None and any(self.messages.glob(f"*.{queue}.msg")):
                return False
        except FileNotFoundError:
            self.folder.mkdir(parents=True, exist_ok=True)
            return self.put(queue, task)
        return True

    def take(self, queue: str, task: str) -> None:
        self.file(queue, task).unlink(missing_ok=True)


class TableMarks:
    """A row per hint in PostgreSQL: for several machines, which share nothing else than the database."""

    def put(self, queue: str, task: str) -> bool:
        hint = f"{queue}:{task}"
        with connection.cursor() as cursor:
            # First a plain read: the insert below locks the row, and nearly always there is nothing to write.
            cursor.execute(
                "SELECT 1 FROM portal_wakeup WHERE hint = %s"
                " AND sent_at > clock_timestamp() - make_interval(secs => %s)",
                [hint, STALE_AFTER_IN_TABLE],
            )
            if cursor.fetchone():
                return False
            cursor.execute(
                "INSERT INTO portal_wakeup (hint, sent_at) VALUES (%s, clock_timestamp())"
                " ON CONFLICT (hint) DO UPDATE SET sent_at = clock_timestamp()"
                " WHERE portal_wakeup.sent_at <= clock_timestamp() - make_interval(secs => %s) RETURNING 1",
                [hint, STALE_AFTER_IN_TABLE],
            )
            return cursor.fetchone() is not None

    def take(self, queue: str, task: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM portal_wakeup WHERE hint = %s", [f"{queue}:{task}"])


def marks() -> Marks:
    """Files where the broker is the data folder, which means one machine; else the table."""
    if settings.CELERY_BROKER_URL.startswith("filesystem:"):
        return _file_marks(settings.DATA_DIR, settings.CELERY_BROKER_TRANSPORT_OPTIONS["data_folder_out"])
    return TableMarks()


@lru_cache(maxsize=8)
def _file_marks(folder: Path, messages: str) -> FileMarks:
    """Kept, since every accepted ping asks for it."""
    return FileMarks(folder / "broker" / "wakeups", Path(messages))


def wake(queue: str, task: str) -> bool:
    """Tell the workers of ``queue`` that ``task`` has work. Call it after the commit; says whether a hint was sent.

    Never raises: a broker that is away is logged, and the sweep finds the work.
    """
    try:
        if not marks().put(queue, task):
            return False
    except (DatabaseError, OSError) as error:
        log.warning("wake mark failed", queue=queue, task=task, error=str(error))
        return False
    try:
        app.send_task(task, queue=queue, headers={HEADER: queue}, retry=False, ignore_result=True)
    except Exception as error:  # every transport raises its own kind
        log.warning("wake failed; the sweep will find the work", queue=queue, task=task, error=str(error))
        forget(queue, task)
        return False
    return True


def forget(queue: str, task: str) -> None:
    """No hint is waiting any more. Never raises; a mark left behind becomes stale by itself."""
    try:
        marks().take(queue, task)
    except (DatabaseError, OSError) as error:
        log.warning("wake mark stays", queue=queue, task=task, error=str(error))


@task_prerun.connect
def arrived(task: Any = None, **kwargs: object) -> None:
    """A worker starts a task that was hinted at: take the mark away before the task looks for work."""
    queue = (getattr(task.request, "headers", None) or {}).get(HEADER) or getattr(task.request, HEADER, None)
    if queue:
        forget(str(queue), str(task.name))
