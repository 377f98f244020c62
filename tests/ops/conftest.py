"""Folders that PostgreSQL's unprivileged user can reach, and processes that use the embedded database."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.databases import server_alone, template_of
from tests.ops.witness import quiet

ROOT = Path(__file__).resolve().parent.parent.parent

USER_PROCESS = """
import json, sys
sys.path[:0] = sys.argv[2:]
from pathlib import Path
from portal.embedded import ensure_running
print(json.dumps(ensure_running(Path(sys.argv[1]))), flush=True)
sys.stdin.read()
"""


LIVING: list[DatabaseUser] = []


class DatabaseUser:
    """A process that uses the embedded PostgreSQL of a data folder until it is told to go, or killed."""

    def __init__(self, data_dir: Path, *, uid: int | None = None, python: str = sys.executable) -> None:
        LIVING.append(self)
        self.process = subprocess.Popen(
            [python, "-c", USER_PROCESS, str(data_dir), str(ROOT), *packages()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            user=uid,
            group=uid,
            extra_groups=None if uid is None else [],
        )

    def connect(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            assert self.process.stderr
            raise AssertionError(self.process.stderr.read())
        entry: dict[str, Any] = json.loads(line)
        return entry

    def leave(self) -> None:
        LIVING.remove(self)
        self.process.communicate("")

    def kill(self) -> None:
        LIVING.remove(self)
        self.process.kill()
        self.process.communicate()


def packages() -> list[str]:
    """Where the test's own interpreter finds its packages, for an interpreter of another user."""
    return [path for path in sys.path if path.endswith("site-packages")]


def query(entry: dict[str, Any], sql: str) -> list[tuple[Any, ...]]:
    """Run one statement in the embedded database."""
    # The tests as a whole run with commits that are not waited for (PGOPTIONS); these are about what is kept.
    durable = "-c synchronous_commit=on"
    with psycopg.connect(
        host=entry["HOST"], port=5432, dbname=entry["NAME"], user=entry["USER"], options=durable
    ) as link:
        cursor = link.execute(sql)
        return list(cursor.fetchall()) if cursor.description else []


def eventually(claim: Callable[[], Any], *, patience: float = 20.0) -> Any:
    """Wait until ``claim`` returns something true, and return it; errors of the database count as not yet."""
    until = time.monotonic() + patience
    while True:
        with contextlib.suppress(psycopg.OperationalError, OSError):
            if found := claim():
                return found
        if time.monotonic() > until:
            raise AssertionError(f"{claim} did not come true within {patience} seconds")
        time.sleep(0.05)


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def open_folder(name: str = "stageboard-test-") -> Path:
    """A fresh folder with a short path that every user may pass through; pytest's own are private."""
    folder = Path(tempfile.mkdtemp(prefix=name, dir="/tmp"))
    folder.chmod(0o755)
    return folder


def put_away(folder: Path) -> None:
    """Stop the embedded PostgreSQL of ``folder`` if it runs, then remove the folder."""
    from portal.embedded import stop_when_unused

    if (folder / "postgres").exists():
        stop_when_unused(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def nobody_stays() -> Iterator[None]:
    """End the database users that a failed test left."""
    yield
    while LIVING:
        LIVING[0].kill()


@pytest.fixture
def data_dir() -> Iterator[Path]:
    folder = open_folder()
    yield folder
    put_away(folder)


@pytest.fixture
def as_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")


@pytest.fixture(scope="session")
def migrated_file(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A backup of a database that was only migrated: what spares a portal of its own the migration.

    That every table can be made from nothing on each server is proved where portals begin without it.
    """
    from django.db import connection

    from portal.backup import backup

    file = tmp_path_factory.mktemp("migrated") / "migrated.dump"
    with django_db_blocker.unblock(), server_alone() as server:
        backup({**connection.settings_dict, "NAME": template_of(server)}, file, say=quiet)
    return file
