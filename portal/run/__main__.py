"""``python -m portal.run``: run web, workers and beat until told to stop, and stop the database with them."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shutil
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType

from portal.embedded import EmbeddedPostgresError, ensure_running, stop_when_unused
from portal.run.children import Child, Program, turn

TICK = 0.2
LOOK_AT_DATABASE_EVERY = 2.0
TURN_LOGS_EVERY = 60.0
PATIENCE = 90.0


def say(sentence: str) -> None:
    """One line for the person at the terminal."""
    print(sentence, flush=True)  # noqa: T201


def programs(host: str, port: int, *, web_workers: int, web_threads: int, task_processes: int) -> list[Program]:
    """What runs on one machine; the Procfile says the same for those who run the parts one by one."""
    python = sys.executable
    celery = [python, "-m", "celery", "--app", "portal.celery"]
    quiet = ["--loglevel", "INFO", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    return [
        Program(
            "web",
            [
                *(python, "-m", "granian", "--interface", "wsgi", "portal.wsgi:application"),
                *("--host", host, "--port", str(port), "--no-ws", "--log-level", "warning"),
                *("--workers", str(web_workers), "--blocking-threads", str(web_threads)),
                # Without this one dead worker ends the whole server.
                *("--respawn-failed-workers", "--respawn-interval", "0.5", "--workers-kill-timeout", "8"),
            ],
            patience=12,
        ),
        Program(
            "worker",
            [
                *(*celery, "worker", "--hostname", "worker@%h", "--concurrency", str(task_processes), *quiet),
                *("--queues", "ingest,rollup,catalog,default"),
            ],
            patience=20,
        ),
        # The sweeps find what a lost message left, so they must not wait behind long work.
        Program(
            "sweeper", [*celery, "worker", "--hostname", "sweeper@%h", "--pool", "solo", *quiet, "--queues", "sweep"]
        ),
        Program("beat", [*celery, "beat", "--loglevel", "WARNING", "--pidfile", ""]),
    ]


class Runner:
    """The running portal on one machine."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.data_dir: Path = options.data_dir
        self.url = f"http://{'localhost' if options.host in {'127.0.0.1', '0.0.0.0'} else options.host}:{options.port}"  # noqa: S104
        # For links in e-mails, unless somebody has said how people reach this portal.
        os.environ.setdefault("PORTAL_URL", self.url)
        self.stopping = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.told)
        logs = self.data_dir / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        # The web processes add up their numbers in files; those of an earlier run would count twice.
        numbers = self.data_dir / "prometheus"
        shutil.rmtree(numbers, ignore_errors=True)
        numbers.mkdir()
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(numbers)
        self.children = [
            Child(program, logs, say)
            for program in programs(
                options.host,
                options.port,
                web_workers=options.web_workers,
                web_threads=options.web_threads,
                task_processes=options.task_processes,
            )
        ]

    def told(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def run(self) -> int:
        """Run until told to stop. The exit code is 1 only where the portal never became healthy."""
        code = 0
        begun = time.monotonic()
        healthy = told_slow = False
        database_seen = logs_turned = begun
        while not self.stopping:
            changes = [child.watch() for child in self.children]
            if any(changes):
                self.write_state()
            now = time.monotonic()
            if not healthy:
                healthy = self.healthy()
                if healthy:
                    self.greet(now - begun)
                elif now - begun > PATIENCE and not told_slow:
                    told_slow = True
                    say(f"The portal is still not healthy after {PATIENCE:.0f} s. Logs: {self.data_dir / 'logs'}")
                    say("It goes on trying; Ctrl-C stops it.")
            if self.options.embedded and now - database_seen > LOOK_AT_DATABASE_EVERY:
                database_seen = now
                try:
                    ensure_running(self.data_dir)
                except EmbeddedPostgresError as error:
                    say(str(error))
            if now - logs_turned > TURN_LOGS_EVERY:
                logs_turned = now
                for child in self.children:
                    turn(child.log)
            time.sleep(TICK)
        say("Stopping …")
        for child in self.children:
            child.stop()
        if self.options.embedded and not stop_when_unused(self.data_dir):
            say("PostgreSQL stays up: another process uses it.")
        say("Stopped.")
        return code

    def write_state(self) -> None:
        """For a second start, which says where the first one runs, and for people who look."""
        pids = {child.program.name: child.process.pid for child in self.children if child.process is not None}
        write_state(self.data_dir, {"pid": os.getpid(), "url": f"{self.url}/", "children": pids})

    def healthy(self) -> bool:
        """Whether ``/health/`` answers."""
        host = "127.0.0.1" if self.options.host == "0.0.0.0" else self.options.host  # noqa: S104
        try:
            with urllib.request.urlopen(f"http://{host}:{self.options.port}/health/", timeout=2) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def greet(self, seconds: float) -> None:
        """Say where it is and who may sign in."""
        say("")
        say(f"Stageboard is up at {self.url}/ (after {seconds:.0f} s)")
        if self.options.sign_ins:
            say("Sign in as:")
            for line in json.loads(self.options.sign_ins):
                say(f"  {line['username']:<8} {line['password']:<18} {line['words']}")
        say(f"Logs are in {self.data_dir / 'logs'}. Ctrl-C stops everything.")


def lock_file(data_dir: Path) -> Path:
    """Held by the one runner of a data folder."""
    return data_dir / "run.lock"


def state_file(data_dir: Path) -> Path:
    """Where the running portal says who and where it is."""
    return data_dir / "run.json"


def write_state(data_dir: Path, words: dict[str, object]) -> None:
    """Whole or not at all."""
    draft = state_file(data_dir).with_suffix(".draft")
    draft.write_text(json.dumps(words) + "\n", encoding="utf-8")
    draft.replace(state_file(data_dir))


def obstacle(data_dir: Path, host: str, port: int) -> str | None:
    """What stands in the way of starting, as a sentence; ``None`` where nothing does."""
    data_dir.mkdir(parents=True, exist_ok=True)
    handle = os.open(lock_file(data_dir), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        try:
            words = json.loads(state_file(data_dir).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            words = {}
        where = f" at {words['url']} (process {words['pid']})" if words else ""
        return (
            f"Stageboard already runs from {data_dir}{where}. Stop it first, or set PORTAL_DATA_DIR to another folder."
        )
    finally:
        os.close(handle)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except PermissionError:
            return f"Port {port} needs more rights than this user has. Choose another: PORT={port + 8000}."
        except OSError as error:
            return f"Port {port} on {host} is taken ({error.strerror}). Choose another: PORT={port + 1}."
    return None


def main() -> int:
    """Take the lock of the data folder and run."""
    parser = argparse.ArgumentParser(prog="python -m portal.run", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--web-workers", type=int, default=2)
    parser.add_argument("--web-threads", type=int, default=4)
    parser.add_argument("--task-processes", type=int, default=2)
    parser.add_argument("--embedded", action="store_true", help="the database is the embedded one: watch and stop it")
    parser.add_argument("--sign-ins", default="", help="JSON list of {username, password, words} to print")
    options = parser.parse_args()
    if options.embedded:
        ensure_running(options.data_dir)
    if (words := obstacle(options.data_dir, options.host, options.port)) is not None:
        sys.stderr.write(f"{words}\n")
        return 1
    handle = os.open(lock_file(options.data_dir), os.O_RDWR | os.O_CREAT, 0o644)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        return Runner(options).run()
    finally:
        write_state(options.data_dir, {})
        os.close(handle)


if __name__ == "__main__":
    sys.exit(main())
