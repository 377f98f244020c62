"""Hints to the workers: coalesced, never in the way."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from portal import wakeups
from portal.celery import app
from portal.wakeups import STALE_AFTER, FileMarks, Marks, TableMarks


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, str]]:
    messages: list[tuple[str, str]] = []
    kept = FileMarks(tmp_path)
    monkeypatch.setattr(wakeups, "marks", lambda: kept)
    monkeypatch.setattr(
        app, "send_task", lambda task, *, queue, **options: messages.append((queue, task)), raising=True
    )
    return messages


def test_many_wakes_are_one_message_until_the_worker_starts(sent: list[tuple[str, str]]) -> None:
    assert [wakeups.wake("ingest", "read") for _ in range(5)] == [True, False, False, False, False]
    assert sent == [("ingest", "read")]

    wakeups.forget("ingest", "read")

    assert wakeups.wake("ingest", "read") is True
    assert len(sent) == 2


def test_each_task_of_a_queue_has_its_own_hint(sent: list[tuple[str, str]]) -> None:
    wakeups.wake("ingest", "read")
    wakeups.wake("ingest", "judge")
    assert sent == [("ingest", "read"), ("ingest", "judge")]


def test_a_broker_that_is_away_raises_nothing_and_the_next_wake_tries_again(
    sent: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **options: Any) -> None:
        raise ConnectionError("no broker")

    with monkeypatch.context() as patch:
        patch.setattr(app, "send_task", refuse)
        assert wakeups.wake("ingest", "read") is False
    assert wakeups.wake("ingest", "read") is True


def test_a_hint_that_a_killed_worker_took_along_is_given_again(tmp_path: Path) -> None:
    marks = FileMarks(tmp_path / "made" / "when" / "needed")
    assert marks.put("ingest", "read") is True
    assert marks.put("ingest", "read") is False
    long_ago = time.time() - STALE_AFTER - 1
    os.utime(marks.file("ingest", "read"), (long_ago, long_ago))
    assert marks.put("ingest", "read") is True
    assert marks.put("ingest", "read") is False


def test_hints_do_not_pile_up_while_no_worker_runs(tmp_path: Path) -> None:
    messages = tmp_path / "messages"
    messages.mkdir()
    marks = FileMarks(tmp_path / "wakeups", messages)
    assert marks.put("ingest", "read") is True
    (messages / "1_2.ingest.msg").touch()
    long_ago = time.time() - STALE_AFTER - 1
    os.utime(marks.file("ingest", "read"), (long_ago, long_ago))
    assert marks.put("ingest", "read") is False


@pytest.mark.django_db
def test_marks_in_the_table_behave_like_marks_in_files() -> None:
    marks: Marks = TableMarks()
    assert marks.put("ingest", "read") is True
    assert marks.put("ingest", "read") is False
    assert marks.put("rollup", "read") is True
    marks.take("ingest", "read")
    assert marks.put("ingest", "read") is True


def test_a_worker_takes_the_mark_away_before_the_task_looks(sent: list[tuple[str, str]]) -> None:
    from portal.tasks import sweep_jobs

    wakeups.wake("sweep", sweep_jobs.name)
    request = type("Request", (), {"headers": {wakeups.HEADER: "sweep"}})()
    task = type("Task", (), {"request": request, "name": sweep_jobs.name})()

    wakeups.arrived(task=task)

    assert wakeups.wake("sweep", sweep_jobs.name) is True
