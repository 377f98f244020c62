"""The Celery app: tasks of all plugins, their timetable, and a broker in the data folder where none is named.

A message is only a hint that there is work; what there is to do stands in PostgreSQL. So a lost message costs a
little time, never work: the sweep of each plugin finds what was left.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import beat_init, worker_init
from django.conf import settings
from kombu.exceptions import OperationalError

from portal.memory import keep_what_is_loaded
from portal.plugin import Schedule

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

QUEUES = ("ingest", "rollup", "catalog", "default", "sweep")

app = Celery("stageboard")
app.config_from_object("django.conf:settings", namespace="CELERY")
# Threads other than the first know only the default app; the web server answers in threads.
app.set_default()
app.autodiscover_tasks()


def make_message_folders() -> None:
    """Make the folders of the file broker; where that fails, sending fails and is logged."""
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    for name in ("data_folder_in", "data_folder_out", "control_folder"):
        if name in options:
            with suppress(OSError):
                Path(options[name]).mkdir(parents=True, exist_ok=True)


HOST_SCHEDULES = (
    Schedule(
        name="portal.sweep_jobs",
        task="portal.tasks.sweep_jobs",
        when=timedelta(minutes=1),
        words="every minute",
        queue="sweep",
    ),
    Schedule(
        name="portal.worker_alive",
        task="portal.tasks.worker_alive",
        when=timedelta(seconds=30),
        words="every half minute",
    ),
    Schedule(
        name="portal.sweeper_alive",
        task="portal.tasks.sweeper_alive",
        when=timedelta(seconds=30),
        words="every half minute",
        queue="sweep",
    ),
    Schedule(
        name="portal.mail_notifications",
        task="portal.tasks.mail_notifications",
        when=timedelta(minutes=5),
        words="every five minutes",
    ),
    Schedule(
        name="portal.forget_notifications",
        task="portal.tasks.forget_notifications",
        when=crontab(minute=40, hour=3),
        words="every night at 3:40 UTC",
    ),
)


def timetable() -> dict[str, dict[str, Any]]:
    """Celery beat's entries: the host's schedules and those of every plugin."""
    from portal.plugins.registry import registry

    entries: dict[str, dict[str, Any]] = {}
    for schedule in (*HOST_SCHEDULES, *(value for _, value in registry.each("schedules"))):
        if schedule.name in entries:
            raise ValueError(f"Two schedules are named {schedule.name!r}; a name belongs to one schedule.")
        entries[schedule.name] = entry(schedule)
    return entries


def entry(schedule: Schedule) -> dict[str, Any]:
    """One schedule as Celery beat wants it. An unknown queue or a crontab for every minute is refused.

    ``crontab(hour=3)`` means each of the sixty minutes of that hour: nearly always a slip, so the minute must be
    named. Who wants every minute says ``timedelta(minutes=1)``.
    """
    if schedule.queue not in QUEUES:
        raise ValueError(
            f"Schedule {schedule.name!r} names the queue {schedule.queue!r}; there are {', '.join(QUEUES)}."
        )
    if isinstance(schedule.when, crontab) and str(getattr(schedule.when, "_orig_minute", "")) == "*":
        raise ValueError(
            f"Schedule {schedule.name!r} has a crontab without a minute, so it would run sixty times an hour; "
            "write crontab(minute=0, …), or timedelta(minutes=1) for every minute."
        )
    # A run that has waited for longer than its own interval is only a repetition of the next one.
    expires = max(schedule.when.total_seconds(), 10) if isinstance(schedule.when, timedelta) else 3600
    return {
        "task": schedule.task,
        "schedule": schedule.when,
        "options": {"queue": schedule.queue, "expires": expires},
    }


@beat_init.connect
def ask_for_signs_of_life(**kwargs: object) -> None:
    """Let worker and sweeper say at once that they are there.

    The first run of an interval comes after the interval; until then the portal would say of both that nobody saw them.
    """
    for schedule in HOST_SCHEDULES:
        if schedule.task in ("portal.tasks.worker_alive", "portal.tasks.sweeper_alive"):
            # Where the broker is away the timetable asks again, and says so.
            with suppress(OperationalError, OSError):
                app.send_task(schedule.task, queue=schedule.queue, expires=30, retry=False)


@worker_init.connect
def keep_what_a_worker_loaded(**kwargs: object) -> None:
    """Look through code and models no more; its processes, which begin as copies, then share them for longer."""
    keep_what_is_loaded()


@app.on_after_finalize.connect
def fill_timetable(sender: Celery, **kwargs: object) -> None:
    """Fill beat's timetable once the plugins are loaded (Celery sets Django up before it finalizes the app)."""
    from portal.plugins.registry import registry

    if registry.loaded:
        sender.conf.beat_schedule = timetable()
