"""The host's own periodic tasks."""

from __future__ import annotations

from celery import shared_task

from portal import jobs


@shared_task
def sweep_jobs() -> int:
    """Mark jobs whose process has died."""
    return jobs.give_up_lost()
