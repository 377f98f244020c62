"""Web, workers and beat as ``make serve`` runs them, in a data folder of their own."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kombu import Connection

from portal.celery import app
from tests.ops.conftest import ROOT, eventually, free_port

NO_LIMITS = {"TELEMETRY_RATE_ADDRESS": "0", "TELEMETRY_RATE_INSTALLATION": "0"}
"""All senders of a test share an address."""


@dataclass(frozen=True)
class Answer:
    """What a sender got."""

    status: int
    retry_after: str
    body: bytes

    @property
    def ping_id(self) -> int:
        """The number by which the portal knows the ping."""
        number = json.loads(self.body)["conv_index"]["usage_data_id"]
        assert isinstance(number, int)
        return number


class LivePortal:
    """The processes of one portal. Without ``database_url`` it runs on the embedded PostgreSQL of its folder.

    ``prepare`` makes the tables first.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        database_url: str = "",
        prepare: bool = False,
        web_workers: int = 2,
        task_processes: int = 2,
    ) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.token = ""
        self.environment = environment(data_dir, database_url)
        if prepare:
            self.run("from django.core.management import call_command; call_command('prepare', verbosity=0)")
        command = [sys.executable, "-m", "portal.run", "--data-dir", str(data_dir), "--port", str(self.port)]
        command += ["--web-workers", str(web_workers), "--task-processes", str(task_processes)]
        if not database_url:
            command.append("--embedded")
        self.log = data_dir / "run.log"
        with self.log.open("ab") as log:
            self.runner = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def wait_until_up(self) -> None:
        """Healthy, with its address printed."""
        eventually(lambda: b"is up at" in self.log.read_bytes() or self.runner.poll() is not None, patience=120)
        assert self.runner.poll() is None, self.log.read_text()

    def stop(self) -> None:
        """End it with all that it started, at once: nothing of it is needed any more."""
        self.pause()
        with suppress(OSError, ValueError):
            self.kill(*self.children)
        self.runner.kill()
        self.runner.wait()

    def pause(self) -> None:
        """Keep the runner from starting again what dies."""
        self.runner.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self.runner.send_signal(signal.SIGCONT)

    @property
    def children(self) -> dict[str, int]:
        """The process of each part: web, worker, sweeper, beat."""
        children: dict[str, int] = json.loads((self.data_dir / "run.json").read_text()).get("children", {})
        return children

    def family(self, part: str) -> list[int]:
        """The process of a part and all that it started."""
        return descendants(self.children[part]) if part in self.children else []

    def kill(self, *parts: str) -> None:
        """End these parts with all that they started, as hard as can be."""
        for part in parts:
            for pid in self.family(part):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def post(self, body: bytes, path: str = "/usage_data") -> Answer:
        """Send a ping on a connection of its own. Raises ``OSError`` or ``HTTPException`` where nobody answers."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            link.request("POST", path, body, {"Content-Type": "application/json"})
            got = link.getresponse()
            return Answer(got.status, got.headers.get("Retry-After", ""), got.read())
        finally:
            link.close()

    def get(self, path: str, **asked: str) -> Any:
        """A document of the API."""
        url = f"http://127.0.0.1:{self.port}{path}?{urllib.parse.urlencode(asked)}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def healthy(self) -> bool:
        """Whether the web server and the database answer."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/", timeout=5) as answer:
            return bool(answer.status == 200)

    def figure(self, stage: str, month: str) -> dict[str, Any]:
        """The SMAU of a stage, as the API gives it."""
        (row,) = self.get("/api/v1/figures/", indicator="smau", stage=stage, month=month)["results"]
        assert isinstance(row, dict)
        return row

    def send(self, task: str, queue: str) -> None:
        """Put a task into a queue of the portal, as beat does."""
        messages = str(self.data_dir / "broker" / "messages")
        options = {
            "data_folder_in": messages,
            "data_folder_out": messages,
            "control_folder": str(self.data_dir / "broker" / "control"),
        }
        with Connection("filesystem://localhost/", transport_options=options) as link:
            app.send_task(task, queue=queue, connection=link, ignore_result=True)

    def run(self, code: str) -> str:
        """Run Python with Django in an environment like that of the parts; what it printed."""
        done = subprocess.run(
            [sys.executable, "-c", f"import django; django.setup()\n{code}"],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout


def environment(data_dir: Path, database_url: str = "") -> dict[str, str]:
    """That of a fresh checkout, whatever is set where the tests run; commits are durable."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return (
        kept
        | {"PORTAL_DATA_DIR": str(data_dir), "DJANGO_SETTINGS_MODULE": "portal.settings", "PYTHONPATH": str(ROOT)}
        | NO_LIMITS
        | ({"DATABASE_URL": database_url} if database_url else {})
    )


def descendants(pid: int) -> list[int]:
    """A process and all below it, as of now."""
    found = [pid]
    for each in found:
        with suppress(FileNotFoundError, ProcessLookupError):
            for thread in Path(f"/proc/{each}/task").iterdir():
                found += map(int, (thread / "children").read_text().split())
    return found


def resident(pid: int) -> float:
    """Resident memory of a process in MB; 0 where it has gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0


def wait_for(claim: Callable[[], Any], *, seconds: float, every: float = 0.1) -> float:
    """How many seconds it took until ``claim`` was true; errors of the portal count as not yet."""
    begun = time.monotonic()
    while True:
        with suppress(OSError, http.client.HTTPException):
            if claim():
                return time.monotonic() - begun
        if time.monotonic() - begun > seconds:
            raise AssertionError(f"not true after {seconds:.0f} s: {claim}")
        time.sleep(every)


def payload(
    *, stage: str, uuid: str, hostname: str, recorded_at: str, people: int, **more: object
) -> Mapping[str, Any]:
    """A small ping that counts people in a stage of ``tests.live.world``."""
    return {
        "uuid": uuid,
        "hostname": hostname,
        "recorded_at": recorded_at,
        "version": "17.5.1",
        "edition": "EE",
        "active_user_count": 500,
        "usage_activity_by_stage_monthly": {stage: {"people": people}},
        **more,
    }
