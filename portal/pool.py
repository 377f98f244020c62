"""The pool of a Celery worker, which begins anew as a whole when one of its processes is killed.

Where a broker has no event loop (the one of files), the processes take their work from one pipe behind one lock, and
whoever waits for work holds the lock. A process that is killed then (by hand, or for want of memory) never gives it
back: the others wait for ever, and the worker looks well. So the worker ends itself, and whoever looks after it starts
it again. Nothing is lost: what was in hand was not committed, and messages are only hints.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import Any

import structlog
from celery.concurrency.prefork import TaskPool

log = structlog.get_logger(__name__)


class WholePool(TaskPool):
    """Celery's pool of processes, where the death of one by a signal is the death of all."""

    def on_start(self) -> None:
        """Ask to be told of each process that is gone."""
        if self.options.get("threads", True):
            self.options["on_process_down"] = self.gone
        super().on_start()

    def gone(self, process: Any) -> None:
        """A negative exit code is a signal; one that ended by itself gave its lock back."""
        if process.exitcode is None or process.exitcode >= 0:
            return
        log.error("a task process was killed; the worker begins anew", pid=process.pid, signal=-process.exitcode)
        for pid in self.info["processes"]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        os._exit(1)
