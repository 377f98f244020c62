"""What telemetry does when others change: new definitions are filled back over stored pings."""

from __future__ import annotations

from typing import Any

from celery import current_task
from django.dispatch import receiver

from metrics.definitions.signals import definitions_changed
from portal.request_id import current_request_id
from portal.wakeups import wake


@receiver(definitions_changed, dispatch_uid="telemetry.fill_back")
def fill_back(sender: Any = None, key_paths: tuple[str, ...] = (), actor: Any = None, **kwargs: object) -> None:
    """Fill stored pings back: here and now in a command, by a worker from a page or a task."""
    from telemetry.verbs.backfill import plan_backfill, run_backfill

    backfill = plan_backfill(key_paths=key_paths, actor=str(actor) if actor else "")
    if backfill is None:
        return
    # Commands do their work in their own process and need no worker (DESIGN 11).
    if current_task or current_request_id():
        wake("default", "telemetry.tasks.fill_back")
    else:
        run_backfill(backfill.pk)
