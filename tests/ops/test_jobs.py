"""Long work and its progress."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from portal import jobs
from portal.models import Job

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def every_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "WRITE_EVERY", 0.0)


def test_a_job_shows_its_progress_while_it_runs_and_stays_afterwards() -> None:
    with jobs.job("Fill back", total=20) as progress:
        progress.advance(7, "October filled")
        row = Job.objects.get()
        assert (row.state, row.done, row.total, row.message) == (Job.State.RUNNING, 7, 20, "October filled")
        progress.advance(13)
        progress.result(url="/figures/")
    row.refresh_from_db()
    assert (row.state, row.done, row.result) == (Job.State.DONE, 20, {"url": "/figures/"})
    assert row.finished_at is not None


def test_an_error_is_kept_with_the_job_and_raised_on() -> None:
    with pytest.raises(ValueError, match="line 7"), jobs.job("Import"):
        raise ValueError("line 7: no such column")
    row = Job.objects.get()
    assert (row.state, row.error) == (Job.State.FAILED, "ValueError: line 7: no such column")


def test_a_cancelled_job_stops_where_it_asks() -> None:
    reached = []
    with jobs.job("Fill back") as progress:
        reached.append("started")
        assert jobs.cancel(progress.job.pk) is True
        progress.check_cancelled()
        reached.append("never")
    assert reached == ["started"]
    assert Job.objects.get().state == Job.State.CANCELLED


def test_a_waiting_job_is_taken_up_by_its_task() -> None:
    waiting = jobs.waiting("Export", total=3)
    with jobs.job("Export", existing=waiting.pk) as progress:
        progress.advance(3)
    row = Job.objects.get()
    assert (row.pk, row.state, row.done, row.total) == (waiting.pk, Job.State.DONE, 3, 3)


def test_a_job_cancelled_before_it_starts_stops_at_its_first_look() -> None:
    waiting = jobs.waiting("Export")
    jobs.cancel(waiting.pk)
    done = []
    with jobs.job("Export", existing=waiting.pk) as progress:
        progress.check_cancelled()
        done.append(1)
    assert not done


def test_a_job_whose_process_has_died_is_given_up() -> None:
    Job.objects.create(name="old", state=Job.State.RUNNING, heartbeat_at=timezone.now() - timedelta(hours=1))
    Job.objects.create(name="new", state=Job.State.RUNNING, heartbeat_at=timezone.now())
    assert jobs.give_up_lost() == 1
    assert set(Job.objects.values_list("name", "state")) == {("old", "failed"), ("new", "running")}
