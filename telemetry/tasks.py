"""Tasks of the telemetry plugin: thin, each calls one verb."""

from __future__ import annotations

from celery import shared_task

from portal.wakeups import wake
from telemetry.accepting import READ_TASK

AT_A_TIME = 20.0
"""Seconds after which reading makes room for other work of the same worker and goes on with a new hint."""


@shared_task(name=READ_TASK)
def read_pings() -> int:
    """Read what was accepted."""
    from telemetry.worker import read_all

    count = read_all(for_seconds=AT_A_TIME)
    if count and backlog():
        wake("ingest", READ_TASK)
    return count


@shared_task(name="telemetry.tasks.sweep")
def sweep() -> bool:
    """Give the hint again where pings wait: a lost message then costs a minute, never a ping."""
    return wake("ingest", READ_TASK) if backlog() else False


def backlog() -> bool:
    """Whether a ping waits to be read."""
    from telemetry.models import Ping

    return Ping.objects.filter(state=Ping.State.ACCEPTED).exists()
