"""What telemetry does when others change: new definitions are filled back over stored pings."""

from __future__ import annotations

from typing import Any

import structlog
from celery import current_task
from django.dispatch import receiver

from metrics.definitions.catalogue import reading_plan
from metrics.definitions.signals import definitions_changed
from portal.request_id import current_request_id
from portal.wakeups import wake

log = structlog.get_logger(__name__)


@receiver(definitions_changed, dispatch_uid="telemetry.fill_back")
def fill_back(sender: Any = None, key_paths: tuple[str, ...] = (), actor: Any = None, **kwargs: object) -> None:
    """Fill stored pings back: here and now in a command, by a worker from a page or a task."""
    from telemetry.verbs.backfill import plan_backfill, run_backfill
    from telemetry.verbs.unknown import forget_defined

    forget_defined(key_paths, reading_plan())
    backfill = plan_backfill(key_paths=key_paths, actor=str(actor) if actor else "")
    if backfill is None:
        return
    # Commands do their work in their own process and need no worker (DESIGN 11).
    if current_task or current_request_id():
        wake("default", "telemetry.tasks.fill_back")
        return
    try:
        run_backfill(backfill.pk)
    except Exception:  # the definitions are there all the same; the failed run waits under Tasks
        log.exception("filling back failed", backfill=backfill.pk)
