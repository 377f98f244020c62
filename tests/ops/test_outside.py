"""A ping becomes a figure on servers that are not ours: PostgreSQL 15 and 18, Redis, RabbitMQ.

Each test skips, saying why, where its server is not there. PostgreSQL 18 "outside" is our own binaries, listening on a
port of this machine.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from kombu import Connection

from portal.embedded import cluster, places
from portal.run.__main__ import programs
from tests.ops import servers
from tests.ops.conftest import ROOT, eventually, free_port, open_folder

PING_TO_FIGURE = ("send:40", "work", "figure", "send:55", "work", "figure")


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture(scope="module")
def postgresql_15() -> str:
    return servers.postgresql_15()


@pytest.fixture(scope="module")
def migrated(postgresql_15: str) -> Iterator[str]:
    """The name of a database on PostgreSQL 15 with all tables, some stages and some metrics; a template for others."""
    folder = open_folder()
    with servers.fresh_database(postgresql_15) as url:
        assert servers.witness(folder, "migrate", "catalog", DATABASE_URL=url) == ["15", None]
        yield servers.name_of(url)
    shutil.rmtree(folder)


@pytest.fixture
def database(postgresql_15: str, migrated: str) -> Iterator[str]:
    """A copy of it."""
    with servers.fresh_database(postgresql_15, template=migrated) as url:
        yield url


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
            *("-c", "listen_addresses=127.0.0.1", "-k", "", "-c", "fsync=off"),
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


def test_a_ping_becomes_a_figure_on_postgresql_15(data_dir: Path, database: str) -> None:
    version, _, _, first, _, _, second = servers.witness(data_dir, "server", *PING_TO_FIGURE, DATABASE_URL=database)
    assert version == "15"
    assert (first["figure"]["recorded"], first["mine"]) == (40, [40])
    assert (second["figure"]["recorded"], second["mine"]) == (55, [55])


def test_a_ping_becomes_a_figure_on_an_outside_postgresql_18(
    data_dir: Path, postgresql_18: str, migrated_file: Path
) -> None:
    steps = (f"restore:{migrated_file}", "server", "catalog", *PING_TO_FIGURE)
    _, version, _, _, _, first, _, _, second = servers.witness(data_dir, *steps, DATABASE_URL=postgresql_18)
    assert version == "18"
    assert (first["figure"]["recorded"], first["mine"]) == (40, [40])
    assert (second["figure"]["recorded"], second["mine"]) == (55, [55])


@pytest.mark.parametrize(
    ("broker", "variable"),
    [
        pytest.param(servers.REDIS, "STAGEBOARD_TEST_REDIS_URL", id="redis"),
        pytest.param(servers.RABBITMQ, "STAGEBOARD_TEST_RABBITMQ_URL", id="rabbitmq"),
    ],
)
def test_a_ping_becomes_a_figure_by_a_worker_behind_an_outside_broker(
    data_dir: Path, database: str, broker: str, variable: str
) -> None:
    """No beat runs, so no sweep: only the broker can have told the worker."""
    if reason := servers.without_broker(broker, variable):
        servers.required(reason)
    where = {"DATABASE_URL": database, "CELERY_BROKER_URL": broker}
    servers.witness(data_dir, "send:40", **where)
    (worker,) = (
        program
        for program in programs("127.0.0.1", 0, web_workers=1, web_threads=1, task_processes=1)
        if program.name == "worker"
    )
    process = subprocess.Popen(
        worker.command,
        cwd=ROOT,
        env=servers.environment(data_dir, **where),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with psycopg.connect(database, autocommit=True) as link:
            counted = "SELECT 1 FROM metrics_report WHERE state = 'counted'"
            waiting = "SELECT 1 FROM metrics_dirtymonth UNION ALL SELECT 1 FROM portal_wakeup"
            eventually(
                lambda: link.execute(counted).fetchall() and not link.execute(waiting).fetchall(),
                patience=120,
            )
            rolled_up = link.execute("SELECT count(*) FROM metrics_figuremonth WHERE computed_at IS NOT NULL")
            assert rolled_up.fetchall() != [(0,)]
    finally:
        process.terminate()
        process.wait()
        with contextlib.suppress(Exception), Connection(broker) as cleaning:
            for queue in ("ingest", "rollup", "default"):
                cleaning.SimpleQueue(queue).clear()
    (found,) = servers.witness(data_dir, "figure", **where)
    assert (found["figure"]["recorded"], found["mine"]) == (40, [40])
