"""Tasks that raise are found under Tasks, with their cause and a way to try them again."""

from __future__ import annotations

from typing import Any

import structlog
from celery.signals import task_failure, task_success
from django.db import DatabaseError, connection

from portal.jobs import Retry, note_failed_task, note_success

log = structlog.get_logger(__name__)


@task_failure.connect
def failed(sender: Any = None, exception: Any = None, args: Any = (), **kwargs: object) -> None:
    """A task raised. Never raises itself: without a database the log has to do."""
    try:
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()  # the task may have left a broken one
        note_failed_task(name=_name(sender), retry=_again(sender, args), error=exception)
    except (DatabaseError, TypeError) as error:
        log.warning("a failed task could not be noted", task=sender.name, error=str(error))


@task_success.connect
def succeeded(sender: Any = None, **kwargs: object) -> None:
    """A task came through."""
    try:
        note_success(_again(sender, sender.request.args))
    except DatabaseError as error:
        log.warning("a task's success could not be noted", task=sender.name, error=str(error))


def _name(task: Any) -> str:
    """What the task does, in its own words."""
    first = (task.run.__doc__ or "").strip().split("\n")[0]
    return first.rstrip(".") or str(task.name)


def _again(task: Any, args: Any) -> Retry:
    route = task.request.delivery_info or {}
    return Retry(str(route.get("routing_key") or "default"), str(task.name), tuple(args or ()))
