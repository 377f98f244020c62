"""The same code on servers that are not ours: PostgreSQL 15 and 18, Redis, RabbitMQ.

Each test skips, saying why, where its server is not there. The addresses are those of ``STAGEBOARD_TEST_POSTGRES_URL``,
``STAGEBOARD_TEST_REDIS_URL`` and ``STAGEBOARD_TEST_RABBITMQ_URL``. PostgreSQL 18 "outside" is our own binaries,
listening on a port of this machine.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from kombu import Connection

from portal.embedded import cluster, places
from tests.ops.conftest import ROOT, an_outside_database, eventually, free_port, open_folder

POSTGRES = os.environ.get("STAGEBOARD_TEST_POSTGRES_URL", "postgresql://root@127.0.0.1:5432/postgres")
REDIS = os.environ.get("STAGEBOARD_TEST_REDIS_URL", "redis://127.0.0.1:6379/13")
RABBITMQ = os.environ.get("STAGEBOARD_TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//")


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def postgresql_18() -> Iterator[str]:
    """A server of our own that listens on a port, as one of somebody else would."""
    folder = open_folder()
    settled = places.settle(folder)
    cluster.ensure(settled)
    (settled.cluster / "pg_hba.conf").write_text("host all all 127.0.0.1/32 trust\n")
    port = free_port()
    server = subprocess.Popen(
        [
            *(str(settled.programs / "bin" / "postgres"), "-D", str(settled.cluster), "-p", str(port)),
            *("-c", "listen_addresses=127.0.0.1", "-k", ""),
        ],
        cwd="/",
        user=settled.account.uid,
        group=settled.account.gid,
        extra_groups=[] if settled.account.uid is not None else None,
        stderr=subprocess.DEVNULL,
    )
    url = f"postgresql://stageboard@127.0.0.1:{port}/stageboard"

    def answers() -> bool:
        with psycopg.connect(url, connect_timeout=2):
            return True

    try:
        eventually(answers)
        yield url
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder)


def manage(data_dir: Path, *words: str, **more: str) -> str:
    """Run a command on an outside server; returns what it printed."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=kept | {"PORTAL_DATA_DIR": str(data_dir)} | more,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not (data_dir / "postgres").exists(), "the embedded PostgreSQL must not start"
    return done.stdout


@pytest.fixture(scope="module")
def migrated() -> Iterator[str]:
    """A database with all tables on the machine's own PostgreSQL, as a URL."""
    with an_outside_database() as url:
        if not url:
            pytest.skip(f"no PostgreSQL at {POSTGRES} (STAGEBOARD_TEST_POSTGRES_URL)")
        folder = open_folder()
        manage(folder, "migrate", "-v0", DATABASE_URL=url)
        yield url
        shutil.rmtree(folder)


LOOK = (
    "from portal import health; from portal.models import User;"
    " User.objects.create_user('ann', password='long-enough-pass');"
    " print(User.objects.count(), health.database().state.value, health.migrations().state.value)"
)


def test_every_migration_runs_on_the_machines_postgresql(data_dir: Path, migrated: str) -> None:
    assert manage(data_dir, "shell", "-v0", "-c", LOOK, DATABASE_URL=migrated).split() == ["1", "ok", "ok"]


def test_every_migration_runs_on_an_outside_postgresql_18(data_dir: Path, postgresql_18: str) -> None:
    manage(data_dir, "migrate", "-v0", DATABASE_URL=postgresql_18)
    assert manage(data_dir, "shell", "-v0", "-c", LOOK, DATABASE_URL=postgresql_18).split() == ["1", "ok", "ok"]


@pytest.mark.parametrize(
    ("broker", "variable"),
    [
        pytest.param(REDIS, "STAGEBOARD_TEST_REDIS_URL", id="redis"),
        pytest.param(RABBITMQ, "STAGEBOARD_TEST_RABBITMQ_URL", id="rabbitmq"),
    ],
)
def test_a_wake_up_reaches_a_worker_through_an_outside_broker(
    data_dir: Path, migrated: str, broker: str, variable: str
) -> None:
    try:
        with Connection(broker, connect_timeout=2) as link:
            link.ensure_connection(max_retries=1, interval_start=0, timeout=3)
    except Exception as error:
        pytest.skip(f"no broker at {broker} ({variable}): {error}")
    where = {"DATABASE_URL": migrated, "CELERY_BROKER_URL": broker, "PORTAL_PLUGINS": ""}
    begun = datetime.now(UTC)
    wake = "from portal.wakeups import wake; print(*[wake('default', 'portal.tasks.worker_alive') for _ in range(3)])"
    assert manage(data_dir, "shell", "-v0", "-c", wake, **where).split() == ["True", "False", "False"]
    worker = subprocess.Popen(
        [
            *(sys.executable, "-m", "celery", "--app", "portal.celery", "worker", "--pool", "solo"),
            *("--queues", "default", "--without-gossip", "--without-mingle", "--without-heartbeat"),
        ],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PORTAL_DATA_DIR": str(data_dir), **where},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with psycopg.connect(migrated, autocommit=True) as link:
            seen = "SELECT 1 FROM portal_lifesign WHERE name = 'worker' AND at > %s"
            eventually(lambda: link.execute(seen, [begun]).fetchall(), patience=60)
            assert link.execute("SELECT count(*) FROM portal_wakeup").fetchall() == [(0,)]
    finally:
        worker.terminate()
        worker.wait()
        with contextlib.suppress(Exception), Connection(broker) as cleaning:
            cleaning.SimpleQueue("default").clear()
