"""Servers that are not ours: where they are, a fresh database on each, and a whole portal that uses them.

The addresses are those of ``STAGEBOARD_TEST_POSTGRES_URL``, ``STAGEBOARD_TEST_REDIS_URL`` and
``STAGEBOARD_TEST_RABBITMQ_URL``. ``python -m tests.ops.servers`` prints which of them are not there.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from kombu import Connection

from tests.ops.conftest import ROOT

POSTGRES = os.environ.get("STAGEBOARD_TEST_POSTGRES_URL", "postgresql://root@127.0.0.1:5432/postgres")
REDIS = os.environ.get("STAGEBOARD_TEST_REDIS_URL", "redis://127.0.0.1:6379/13")
RABBITMQ = os.environ.get("STAGEBOARD_TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//")


def required(reason: str) -> NoReturn:
    """Skip for this reason; fail where ``STAGEBOARD_REQUIRE_SERVERS=1`` says that the servers must be there."""
    if os.environ.get("STAGEBOARD_REQUIRE_SERVERS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def without_postgresql_15() -> str:
    """Why this machine's own PostgreSQL 15 cannot be used; empty where it can."""
    try:
        with psycopg.connect(POSTGRES, connect_timeout=2) as link:
            version = link.info.server_version // 10000
    except psycopg.OperationalError as error:
        return f"no PostgreSQL at {POSTGRES} (STAGEBOARD_TEST_POSTGRES_URL): {error}"
    if version != 15:
        return f"the PostgreSQL at {POSTGRES} is {version}, and 15 is wanted (STAGEBOARD_TEST_POSTGRES_URL)"
    return ""


def without_broker(address: str, variable: str) -> str:
    """Why a broker cannot be used; empty where it can."""
    try:
        with Connection(address, connect_timeout=2) as link:
            link.ensure_connection(max_retries=1, interval_start=0, timeout=3)
    except Exception as error:  # each kind of broker has errors of its own
        return f"no broker at {address} ({variable}): {error}"
    return ""


def postgresql_15() -> str:
    """The address of this machine's own PostgreSQL 15; skips where there is none."""
    if reason := without_postgresql_15():
        required(reason)
    return POSTGRES


@contextlib.contextmanager
def fresh_database(server: str, *, template: str = "template0") -> Iterator[str]:
    """A database of its own on ``server``, as an address; dropped afterwards."""
    name = f"stageboard_{os.getpid()}_{secrets.token_hex(3)}"
    with psycopg.connect(server, autocommit=True, connect_timeout=5) as link:
        link.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        try:
            yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        finally:
            link.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def name_of(database: str) -> str:
    """The name of the database at an address."""
    return urlsplit(database).path.lstrip("/")


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    """That of a fresh checkout with this data folder: all plugins, and nothing of what these tests were started with.

    Commits are not waited for, as in the suite as a whole.
    """
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"PORTAL_DATA_DIR": str(data_dir), "PGOPTIONS": "-c synchronous_commit=off"} | more


def witness(data_dir: Path, *steps: str, **more: str) -> list[Any]:
    """Run ``steps`` of ``tests.ops.witness`` in a process of their own; what each found."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.ops.witness", *steps],
        cwd=ROOT,
        env=environment(data_dir, DJANGO_SETTINGS_MODULE="portal.settings", **more),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    if "DATABASE_URL" in more:
        assert not (data_dir / "postgres").exists(), "the embedded PostgreSQL must not start"
    found: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    found = {
        "postgresql": without_postgresql_15(),
        "redis": without_broker(REDIS, "STAGEBOARD_TEST_REDIS_URL"),
        "rabbitmq": without_broker(RABBITMQ, "STAGEBOARD_TEST_RABBITMQ_URL"),
    }
    print(*(name for name, reason in found.items() if reason))
