"""``make demo``: comes up after every accident, keeps its parts alive, counts what it is sent, goes without a trace."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portal.backup import contents
from portal.embedded import places, postmaster
from portal.embedded.binaries import program
from portal.embedded.client import supervised
from tests.ops import witness
from tests.ops.conftest import ROOT, eventually, free_port, open_folder, put_away, query
from tests.ops.servers import environment


class Portal:
    """A running ``manage.py serve --demo``."""

    def __init__(self, data_dir: Path, port: int) -> None:
        self.data_dir = data_dir
        self.url = f"http://127.0.0.1:{port}"
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "serve", "--demo", "--port", str(port)],
            cwd=ROOT,
            env=environment(data_dir, WEB_WORKERS="1", TASK_PROCESSES="1"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line)

    @property
    def said(self) -> str:
        return "".join(self.lines)

    def wait_until_up(self) -> None:
        eventually(lambda: "is up at" in self.said or self.process.poll() is not None, patience=300)
        assert self.process.poll() is None, self.said

    def healthy(self) -> bool:
        with urllib.request.urlopen(f"{self.url}/health/", timeout=2) as answer:
            return bool(answer.status == 200)

    def post(self, path: str, body: bytes) -> dict[str, Any]:
        request = urllib.request.Request(self.url + path, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            document: dict[str, Any] = json.load(answer)
            return document

    @property
    def children(self) -> dict[str, int]:
        children: dict[str, int] = json.loads((self.data_dir / "run.json").read_text()).get("children", {})
        return children

    def end(self, number: signal.Signals) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(60)
        self.reader.join(10)
        if self.process.stdout:
            self.process.stdout.close()
        return code


def manage(data_dir: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=environment(data_dir, **more),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = open_folder()
    yield folder
    put_away(folder)


def gone(pids: list[int]) -> bool:
    """None of the processes lives any more."""

    def lives(pid: int) -> bool:
        try:
            return bool(postmaster.name_of(Path(f"/proc/{pid}")))
        except FileNotFoundError:
            return False

    return not any(lives(pid) for pid in pids)


def test_it_comes_up_after_every_accident_and_stops_without_a_trace(folder: Path) -> None:
    half = places.settle(folder).cluster
    (half / "global").mkdir(parents=True)
    port = free_port()
    portal = Portal(folder, port)
    try:
        portal.wait_until_up()
        assert "admin    admin-demo-pass" in portal.said
        settled = places.settle(folder)
        entry = {"HOST": str(settled.socket_folder), "NAME": "stageboard", "USER": "stageboard"}
        assert query(entry, "SELECT count(*) FROM portal_user") == [(5,)]
        ((pings,),) = query(entry, "SELECT count(*) FROM telemetry_ping")
        assert pings > 10_000

        refused = manage(folder, "serve", "--port", str(free_port()))
        assert refused.returncode == 1
        assert "already runs from" in refused.stderr

        # Each part is killed as hard as can be; each comes back, and together they count what is sent.
        before = portal.children
        assert set(before) == {"web", "worker", "sweeper", "beat"}
        server = postmaster.running(settled)
        assert server
        for pid in (server.pid, *before.values()):
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: not set(portal.children.values()) & set(before.values()) and len(portal.children) == 4)
        eventually(portal.healthy, patience=60)
        number = portal.post("/usage_data", witness.body(40))["conv_index"]["usage_data_id"]
        counted = f"SELECT 1 FROM metrics_report WHERE source = 'telemetry:{number}' AND state = 'counted'"
        eventually(lambda: query(entry, counted), patience=120)
        eventually(lambda: not query(entry, "SELECT 1 FROM metrics_dirtymonth"), patience=120)

        # A backup needs no pause.
        file = folder / "while-it-runs.dump"
        assert manage(folder, "backup", str(file)).returncode == 0
        assert contents(file) > 500

        everything = [*portal.children.values(), portal.process.pid]
        assert portal.end(signal.SIGTERM) == 0, portal.said
        assert "Stopped." in portal.said
        assert gone(everything)
        assert not supervised(settled)
        assert postmaster.running(settled) is None

        # A power cut leaves lock files that name processes of others; nobody is fooled, and nothing is made twice.
        (settled.cluster / "postmaster.pid").write_text(f"{os.getpid()}\n{settled.cluster}\n")
        portal = Portal(folder, port)
        portal.wait_until_up()
        assert "sign-ins are there" in portal.said
        assert "The world of" in portal.said
        assert "Collecting" not in portal.said
        assert "Migrating" not in portal.said
        assert query(entry, "SELECT count(*) FROM telemetry_ping") == [(pings + 1,)]

        # Even a killed runner leaves nothing behind.
        everything = list(portal.children.values())
        portal.end(signal.SIGKILL)
        eventually(lambda: gone(everything))
        eventually(lambda: postmaster.running(settled) is None)
    finally:
        portal.end(signal.SIGKILL)


@pytest.mark.parametrize(
    ("target", "command"),
    [
        ("demo", "manage.py serve --demo --port 8123"),
        ("serve", "manage.py serve --port 8123"),
        ("backup", "manage.py backup there.dump"),
        ("restore", "manage.py restore there.dump --force"),
    ],
)
def test_make_runs_the_command_that_is_tested(target: str, command: str) -> None:
    words = ["make", "--dry-run", "--no-print-directory", target, "PORT=8123", "FILE=there.dump", "FORCE=1"]
    said = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1].endswith(command)


def test_a_port_that_is_taken_is_a_sentence_and_not_a_trace(folder: Path) -> None:
    from portal.run.__main__ import obstacle

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        words = obstacle(folder, "127.0.0.1", port)
    assert words == f"Port {port} on 127.0.0.1 is taken (Address already in use). Choose another: PORT={port + 1}."
    assert obstacle(folder, "127.0.0.1", port) is None


def test_a_program_that_dies_at_once_is_started_with_growing_pauses(tmp_path: Path) -> None:
    from portal.run.children import Child, Program

    said: list[str] = []
    child = Child(Program("failing", [sys.executable, "-c", "raise SystemExit(3)"]), tmp_path, said.append)
    while len(said) < 2:
        child.watch()
        time.sleep(0.02)
    assert "failing ended (exit code 3); starting it again." in said[0]
    assert "starting it again in 1 s" in said[1]
    assert child.next_start > time.monotonic()
    child.stop()


def test_all_programs_of_postgresql_that_are_needed_are_there() -> None:
    for name in ("postgres", "initdb", "pg_dump", "pg_restore", "psql"):
        assert program(name).is_file()
