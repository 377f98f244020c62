"""Schedules of the plugins as Celery's timetable."""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery.schedules import crontab
from celery.signals import beat_init
from kombu.exceptions import OperationalError

from portal.celery import app, entry, timetable
from portal.plugin import Schedule


def test_a_crontab_without_its_minute_is_refused() -> None:
    schedule = Schedule(name="nightly", task="t", when=crontab(hour=3), words="at three")
    with pytest.raises(ValueError, match=r"nightly.*sixty times an hour"):
        entry(schedule)


def test_a_crontab_with_its_minute_is_taken() -> None:
    schedule = Schedule(name="nightly", task="t", when=crontab(minute=0, hour=3), words="at three", queue="rollup")
    assert entry(schedule)["options"]["queue"] == "rollup"


def test_a_queue_that_nobody_reads_is_refused() -> None:
    with pytest.raises(ValueError, match=r"queue 'fast'.*ingest, rollup"):
        entry(Schedule(name="x", task="t", when=timedelta(minutes=1), words="every minute", queue="fast"))


def test_a_run_that_waited_longer_than_its_interval_is_dropped() -> None:
    assert entry(Schedule(name="x", task="t", when=timedelta(minutes=1), words="every minute"))["options"] == {
        "queue": "default",
        "expires": 60.0,
    }


def test_every_schedule_of_the_portal_is_in_the_timetable_with_a_known_task() -> None:
    app.loader.import_default_modules()
    for name, values in timetable().items():
        assert values["task"] in app.tasks, name


def test_a_new_beat_asks_worker_and_sweeper_for_a_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(app, "send_task", lambda name, queue, **options: asked.append((name, queue)))
    beat_init.send(sender=None)
    assert asked == [("portal.tasks.worker_alive", "default"), ("portal.tasks.sweeper_alive", "sweep")]


def test_a_beat_starts_where_the_broker_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(name: str, **options: object) -> None:
        raise OperationalError("nobody listens there")

    monkeypatch.setattr(app, "send_task", away)
    assert [answer for _, answer in beat_init.send(sender=None)] == [None]
