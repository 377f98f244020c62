"""Each failure of a task is seen with its cause, once, and can be tried again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from celery import Task, shared_task

from portal.celery import app
from portal.jobs import job
from portal.models import Job

pytestmark = pytest.mark.django_db

FAILS = [True]


@pytest.fixture
def task() -> Iterator[Task]:  # type: ignore[type-arg]  # Celery has no type parameter when it runs
    """A task that raises while ``FAILS`` says so."""

    @shared_task(name="tests.sometimes")
    def sometimes(number: int) -> int:
        """Do what sometimes fails."""
        if FAILS[0]:
            raise RuntimeError("the disk is full")
        return number

    FAILS[0] = True
    yield app.tasks["tests.sometimes"]
    app.tasks.pop("tests.sometimes")


def test_a_task_that_raises_is_one_row_however_often_it_does(task: Task) -> None:  # type: ignore[type-arg]  # Celery has no type parameter when it runs
    for _ in range(3):
        task.apply(args=(7,))
    task.apply(args=(8,))
    first, other = Job.objects.order_by("pk")
    assert (first.name, first.state, first.error) == (
        "Do what sometimes fails",
        "failed",
        "RuntimeError: the disk is full",
    )
    assert first.message.startswith("Failed 3 times")
    assert (first.retry["task"], first.retry["args"]) == ("tests.sometimes", [7])
    assert other.retry["args"] == [8]


def test_a_task_that_comes_through_needs_no_second_try(task: Task) -> None:  # type: ignore[type-arg]  # Celery has no type parameter when it runs
    task.apply(args=(7,))
    FAILS[0] = False
    task.apply(args=(7,))
    row = Job.objects.get()
    assert (row.state, row.retry, row.message) == ("failed", {}, "It came through since.")


def test_what_a_job_tells_is_not_told_twice(task: Task) -> None:  # type: ignore[type-arg]  # Celery has no type parameter when it runs
    @shared_task(name="tests.with_job")
    def with_job() -> None:
        with job("Long work"):
            raise RuntimeError("no")

    try:
        app.tasks["tests.with_job"].apply()
    finally:
        app.tasks.pop("tests.with_job")
    assert [row.name for row in Job.objects.all()] == ["Long work"]


def test_an_error_that_holds_nul_is_told_all_the_same() -> None:
    with pytest.raises(ValueError, match="a"), job("Reading"):
        raise ValueError("a\0b")
    row = Job.objects.get()
    assert (row.state, row.error) == (Job.State.FAILED, r"ValueError: a\0b")
