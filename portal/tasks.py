"""The host's own periodic tasks."""

from __future__ import annotations

from celery import shared_task

from portal import jobs, notify
from portal.models import LifeSign


@shared_task
def sweep_jobs() -> int:
    """Mark jobs whose process has died."""
    return jobs.give_up_lost()


@shared_task
def worker_alive() -> None:
    """Comes through the timetable and the ``default`` queue: beat and a worker are there."""
    LifeSign.give("worker")


@shared_task
def sweeper_alive() -> None:
    """Comes through the timetable and the ``sweep`` queue: beat and the sweeper are there."""
    LifeSign.give("sweeper")


@shared_task
def mail_notifications() -> int:
    """Send the notifications that are due by e-mail."""
    return notify.send_due_mail()


@shared_task
def forget_notifications() -> int:
    """Delete notifications that were read long ago."""
    return notify.forget_old()
