"""Faults: the database away, a full disk, a worker killed between acceptance and figure."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from django.db import OperationalError, connection
from django.test import Client

import metrics.tasks
from metrics import facts
from metrics.models import MetricSlot
from metrics.models.facts import DirtyMonth, Report
from portal.models import User
from telemetry import statement, tasks, worker
from telemetry.models import Ping, RawBody
from telemetry.verbs.keys import make_ingest_key
from tests.builders import a_user
from tests.conftest import browser_of
from tests.telemetry.builders import CREATE, NOW, a_body, a_payload, a_ping, an_indicator


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OperationalError("could not connect"), "cannot be reached"),
        (psycopg.OperationalError("server closed the connection"), "cannot be reached"),
        (psycopg.errors.DiskFull("no space left on device"), "disk of the database is full"),
        (psycopg.errors.ReadOnlySqlTransaction("read only"), "refuses work"),
    ],
)
@pytest.mark.parametrize("url", ["/usage_data", "/api/v1/pings/"])
def test_a_database_that_cannot_take_it_is_never_answered_with_success(
    client: Client, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str, url: str
) -> None:
    def refuse(parameters: Any) -> Any:
        raise error

    _key, secret = make_ingest_key(label="x", uuid=a_payload()["uuid"], hostname=a_payload()["hostname"])
    headers = {"Authorization": f"Bearer {secret}"}
    with monkeypatch.context() as patch:
        patch.setattr(statement, "execute", refuse)
        response = client.post(url, a_body(), content_type="application/json", headers=headers)
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert words in response.json()["detail"]
    assert not Ping.objects.exists()
    assert client.post(url, a_body(), content_type="application/json", headers=headers).status_code in {201, 202}


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_died_is_replaced_within_the_request(client: Client) -> None:
    a_ping()
    pid = connection.connection.info.backend_pid
    params = connection.get_connection_params()
    words = {key: params[key] for key in ("dbname", "user", "password", "host", "port") if params.get(key)}
    with psycopg.connect(**words, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])
    assert client.post("/usage_data", a_body(hostname="b"), content_type="application/json").status_code == 201
    assert Ping.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_session_that_forgot_its_prepared_statements_is_replaced_within_the_request(client: Client) -> None:
    a_ping()
    connection.connection.execute("DEALLOCATE ALL")
    assert client.post("/usage_data", a_body(hostname="b"), content_type="application/json").status_code == 201
    assert Ping.objects.count() == 2


SLOW_READER = """
from telemetry import worker
real = worker._update_pings
def slow(*args):
    real(*args)
    print("read, not committed", flush=True)
    import time; time.sleep(60)
worker._update_pings = slow
worker.read_batch()
"""

SLOW_ROLL_UP = """
from metrics import tasks
from metrics.engine import rollup
real = rollup._count
def slow(*args, **options):
    real(*args, **options)
    print("counted, not committed", flush=True)
    import time; time.sleep(60)
rollup._count = slow
tasks.roll_up()
"""


def database_url(*, name: str, user: str = "", password: str = "", host: str = "", port: str = "") -> str:
    """The test's database, as another process is told of it."""
    who = f"{quote(user)}{':' + quote(password) if password else ''}@" if user else ""
    where = "&".join(f"{key}={quote(value, safe='')}" for key, value in (("host", host), ("port", port)) if value)
    return f"postgresql://{who}/{name}" + (f"?{where}" if where else "")


@contextlib.contextmanager
def in_the_middle(code: str, words: str) -> Iterator[None]:
    """Another process has come to where it says ``words``; afterwards it is killed."""
    params = connection.get_connection_params()
    server = {key: str(params[key]) for key in ("host", "port", "user", "password") if params.get(key)}
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "DATABASE_URL": database_url(name=params["dbname"], **server),
    }
    process = subprocess.Popen(
        [sys.executable, "-c", "import django; django.setup()" + code],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert words in line, process.stderr.read() if process.stderr else ""
        yield
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_between_acceptance_and_commit_loses_nothing_and_doubles_nothing() -> None:
    pings = [a_ping(hostname=f"host-{number}.example.com") for number in range(5)]
    with in_the_middle(SLOW_READER, "not committed"):
        # What is locked by a living worker is left alone by the others.
        assert worker.read_batch() == 0
    for _ in range(100):  # PostgreSQL notices the death of its client in a moment
        if worker.read_batch():
            break
        time.sleep(0.1)
    assert set(Ping.objects.values_list("state", flat=True)) == {"read"}
    assert Report.objects.count() == RawBody.objects.count() == len(pings)
    worker.read_all()
    assert tasks.backlog() is False


@pytest.mark.django_db
def test_the_sweep_rolls_up_what_was_read_by_a_worker_that_died_after_it() -> None:
    a_counted_indicator()
    a_ping(users=120)
    worker.read_all()
    assert DirtyMonth.objects.exists()
    assert people() is None
    metrics.tasks.sweep()
    assert not DirtyMonth.objects.exists()
    assert people() == 120


@pytest.mark.django_db(transaction=True)
def test_the_sweep_does_a_roll_up_anew_that_was_cut_off() -> None:
    a_counted_indicator()
    a_ping(users=120)
    a_ping(users=45, hostname="second.example.com")
    worker.read_all()
    with in_the_middle(SLOW_ROLL_UP, "not committed"):
        assert people() is None
    metrics.tasks.sweep()
    assert people() == 165
    assert not DirtyMonth.objects.exists()


def a_counted_indicator() -> None:
    """Create's metric, with its slot among those that are rolled up."""
    MetricSlot.objects.create(slot=2, definition=an_indicator(slot=2))


def people() -> int | None:
    """The recorded figure of Create's metric in the month of the pings, as the API gives it."""
    reader = User.objects.filter(username="reader").first() or a_user("reader", "viewer")
    asked = {"indicator": "metric", "metric": CREATE, "month": f"{NOW:%Y-%m}"}
    (row,) = browser_of(reader).get("/api/v1/figures/", asked).json()["results"]
    number: int | None = row["recorded"]
    return number


@pytest.mark.django_db
def test_a_disk_that_fills_up_while_reading_fails_no_ping(monkeypatch: pytest.MonkeyPatch) -> None:
    an_indicator()
    a_ping(users=120)
    a_ping(users=45, hostname="second.example.com")

    def record(reports: Any) -> Any:
        raise OperationalError("could not extend file") from psycopg.errors.DiskFull("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(facts, "record_reports", record)
        with pytest.raises(OperationalError):
            worker.read_all()
    assert set(Ping.objects.values_list("state", flat=True)) == {"accepted"}
    worker.read_all()
    assert set(Ping.objects.values_list("state", flat=True)) == {"read"}


@pytest.mark.django_db
def test_the_sweep_gives_the_hint_again_only_where_work_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    hints: list[str] = []

    def wake(queue: str, task: str) -> bool:
        hints.append(queue)
        return True

    monkeypatch.setattr(tasks, "wake", wake)
    assert tasks.sweep() is False
    a_ping()
    assert tasks.sweep() is True
    assert hints == ["ingest"]
    assert tasks.read_pings() == 1
    assert tasks.sweep() is False
