"""Checks say what is wrong in words, and none of them harms another."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError, connection
from django.test import Client
from django.utils import timezone

from portal import health
from portal.models import Job, LifeSign
from portal.plugin import Health, HealthCheck, HealthState

pytestmark = pytest.mark.django_db


def test_the_database_and_the_migrations_are_well() -> None:
    assert health.run("portal", HealthCheck(name="Database", check=health.database)).state is HealthState.OK
    assert health.migrations().state is HealthState.OK


def test_a_check_that_raises_has_failed_and_says_so() -> None:
    def broken() -> Health:
        raise ZeroDivisionError("division by zero\nsecond line")

    result = health.run("rota", HealthCheck(name="Rota", check=broken))
    assert (result.owner, result.state) == ("rota", HealthState.FAILED)
    assert result.sentence == "The check itself failed: division by zero"


def test_a_check_that_takes_too_long_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "STATEMENT_LIMIT", timedelta(seconds=0.05))

    def slow() -> Health:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(20)")
        raise AssertionError("never")

    result = health.run("rota", HealthCheck(name="Rota", check=slow))
    assert result.state is HealthState.FAILED
    assert result.sentence.startswith("Took longer than")
    # The next check runs on a connection that is well, without the limit.
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


def test_checks_share_a_transaction_until_one_breaks_it(monkeypatch: pytest.MonkeyPatch, queries: Any) -> None:
    def asks(sql: str) -> HealthCheck:
        def check() -> Health:
            with suppress(DataError), connection.cursor() as cursor:
                cursor.execute(sql)
            return Health(state=HealthState.OK, sentence=sql)

        return HealthCheck(name=sql, check=check)

    for divisor, limits in ((1, 1), (0, 2)):
        checks = [("rota", asks(sql)) for sql in ("SELECT 1", f"SELECT 1 / {divisor}", "SELECT 2")]
        monkeypatch.setattr(health, "all_checks", lambda checks=checks: iter(checks))
        with queries() as ran:
            assert [(one.name, one.state) for one in health.results()] == [
                (one.name, HealthState.OK) for _, one in checks
            ]
        assert sum("statement_timeout" in sql for sql in ran.statements) == limits


def test_what_a_check_changes_is_undone() -> None:
    def changes() -> Health:
        LifeSign.objects.create(name="rota", at=timezone.now())
        return Health(state=HealthState.OK, sentence="")

    health.run("rota", HealthCheck(name="Rota", check=changes))
    assert not LifeSign.objects.filter(name="rota").exists()


@pytest.mark.parametrize(
    ("age", "state", "words"),
    [
        (None, HealthState.WARNING, "has not been seen yet"),
        (timedelta(seconds=20), HealthState.OK, "was seen 20 seconds ago"),
        (timedelta(minutes=10), HealthState.FAILED, "was last seen 10 minutes ago"),
    ],
)
def test_a_silent_worker_is_noticed(age: timedelta | None, state: HealthState, words: str) -> None:
    if age is not None:
        LifeSign.objects.create(name="worker", at=timezone.now() - age)
    found = health.alive("worker", "The task worker")()
    assert found.state is state
    assert words in found.sentence


def test_the_state_of_the_whole_is_that_of_its_worst_part() -> None:
    def result(state: HealthState) -> health.Result:
        return health.Result(owner="portal", name="x", state=state, sentence="", seconds=0)

    assert health.worst([]) is HealthState.OK
    assert health.worst([result(HealthState.WARNING), result(HealthState.OK)]) is HealthState.WARNING
    assert health.worst([result(HealthState.WARNING), result(HealthState.FAILED)]) is HealthState.FAILED


def test_a_failed_job_of_today_is_worth_a_look() -> None:
    assert health.jobs().state is HealthState.OK
    Job.objects.create(name="Export", state=Job.State.FAILED, finished_at=timezone.now())
    assert health.jobs().state is HealthState.WARNING


def test_health_answers_anybody_and_is_never_cached(client: Client) -> None:
    answer = client.get("/health/")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer["Cache-Control"]
    assert client.post("/health/").status_code == 405


def test_prometheus_sees_checks_and_requests(client: Client) -> None:
    client.get("/health/")
    text = client.get("/health/prometheus").content.decode()
    assert 'stageboard_check{name="Database",owner="portal"} 0.0' in text
    assert 'stageboard_request_seconds_count{method="GET",status="2xx"}' in text
    assert 'stageboard_jobs{state="running"} 0.0' in text
