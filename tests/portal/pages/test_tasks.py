from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from portal.models import Job, User
from portal.pages.tasks import time_left


@pytest.fixture
def running(viewer: User) -> Job:
    now = timezone.now()
    return Job.objects.create(
        name="Fill back",
        state=Job.State.RUNNING,
        done=1000,
        total=3000,
        started_by=viewer,
        started_at=now - timedelta(minutes=1),
        heartbeat_at=now,
    )


def test_a_running_task_shows_counts_and_the_time_that_is_left(viewer_client: Client, running: Job) -> None:
    html = viewer_client.get("/tasks/").content.decode()
    assert "1,000 of 3,000" in html
    assert "about 2 min" in html
    assert 'hx-trigger="every 2s"' in html


def test_the_list_asks_again_only_while_something_runs(viewer_client: Client, running: Job) -> None:
    Job.objects.update(state=Job.State.DONE)
    assert "every 2s" not in viewer_client.get("/tasks/").content.decode()


def test_htmx_gets_the_rows_alone(viewer_client: Client, running: Job) -> None:
    html = viewer_client.get("/tasks/", headers={"HX-Request": "true"}).content.decode()
    assert "Fill back" in html
    assert "<html" not in html
    assert "<html" not in viewer_client.get(f"/tasks/{running.pk}/", headers={"HX-Request": "true"}).content.decode()


def test_tasks_can_be_filtered_by_state_and_person(viewer_client: Client, running: Job) -> None:
    Job.objects.create(name="Someone's import", state=Job.State.FAILED)
    assert "Someone" not in viewer_client.get("/tasks/?mine=1").content.decode()
    failed = viewer_client.get("/tasks/?state=failed").content.decode()
    assert "Someone" in failed
    assert "Fill back" not in failed


def test_the_person_who_started_a_task_cancels_it(viewer_client: Client, running: Job) -> None:
    assert viewer_client.post(f"/tasks/{running.pk}/cancel/").status_code == 302
    running.refresh_from_db()
    assert running.cancel_requested


def test_another_person_does_not(editor_client: Client, administrator_client: Client, running: Job) -> None:
    assert editor_client.post(f"/tasks/{running.pk}/cancel/").status_code == 403
    running.refresh_from_db()
    assert not running.cancel_requested
    assert administrator_client.post(f"/tasks/{running.pk}/cancel/").status_code == 302


def test_a_failed_task_says_why(viewer_client: Client, running: Job) -> None:
    Job.objects.update(state=Job.State.FAILED, error="ValueError: month 13", finished_at=timezone.now())
    assert "ValueError: month 13" in viewer_client.get(f"/tasks/{running.pk}/").content.decode()


def test_no_time_is_promised_without_a_pace() -> None:
    minute = timedelta(minutes=1)
    assert time_left(minute, 1, 3) == 2 * minute
    assert time_left(minute, 0, 3) is None
    assert time_left(minute, 1, None) is None
    assert time_left(timedelta(seconds=1), 1, 3) is None
    assert time_left(minute, 4, 3) == timedelta(0)


@pytest.fixture
def failed(running: Job) -> Job:
    """A failed job of the viewer, that says how to try it again."""
    running.state, running.error = Job.State.FAILED, "RuntimeError: the disk is full"
    running.retry = {"queue": "default", "task": "sample.tasks.again", "args": [7]}
    running.save()
    return running


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[int], str]]:
    tasks: list[tuple[str, list[int], str]] = []
    monkeypatch.setattr(
        "portal.jobs.app.send_task", lambda task, args, queue, **rest: tasks.append((task, args, queue))
    )
    return tasks


def test_a_failed_task_shows_its_cause_and_is_tried_again_once(
    viewer_client: Client, failed: Job, sent: list[tuple[str, list[int], str]]
) -> None:
    for address in ("/tasks/", f"/tasks/{failed.pk}/"):
        html = viewer_client.get(address).content.decode()
        assert "the disk is full" in html
        assert f"/tasks/{failed.pk}/retry/" in html
    for _ in range(2):
        assert viewer_client.post(f"/tasks/{failed.pk}/retry/").status_code == 302
    assert sent == [("sample.tasks.again", [7], "default")]
    assert "retry/" not in viewer_client.get("/tasks/").content.decode()


def test_another_person_does_not_try_a_task_again(
    editor_client: Client, failed: Job, sent: list[tuple[str, list[int], str]]
) -> None:
    assert "retry/" not in editor_client.get("/tasks/").content.decode()
    assert editor_client.post(f"/tasks/{failed.pk}/retry/").status_code == 403
    assert not sent
