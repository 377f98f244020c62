"""How a process comes to use the embedded PostgreSQL, and how it leaves."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from portal.embedded.errors import EmbeddedPostgresError
from portal.embedded.places import Places, mine, settle
from portal.embedded.probe import DATABASE, USER, Answer, ask
from portal.embedded.supervisor import free, only_one, tail, touched

PATIENCE = 180.0
"""Seconds to wait for a first start, which writes 40 MB on whatever disk there is."""
QUIET = 1.5
"""Seconds of waiting before a person is told what for."""

_held: dict[Path, int] = {}
"""Our shared locks by data folder. Never closed but by ``release``: the kernel does it when the process ends."""

__all__ = ["EmbeddedPostgresError", "ensure_running", "release", "stop_when_unused"]


def ensure_running(data_dir: Path) -> dict[str, Any]:
    """Start the embedded PostgreSQL of ``data_dir`` unless it runs, count as its user, and say how to connect.

    Returns an entry for ``DATABASES``. Cheap when it runs already: a few system calls and one connection. Forked
    children count as users too; a program that is started anew calls this itself, through the settings.
    """
    places = settle(data_dir)
    hold(data_dir, places)
    if not well(places):
        start(data_dir, places)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": DATABASE,
        "USER": USER,
        "PASSWORD": "",
        "HOST": str(places.socket_folder),
        "PORT": "5432",
        "OPTIONS": {},
    }


def hold(data_dir: Path, places: Places) -> None:
    """Take our share of the users' lock. Waits while a supervisor is stopping PostgreSQL."""
    if data_dir in _held:
        return
    handle = os.open(places.users, os.O_RDWR | os.O_CREAT, 0o600)
    mine(places.users)
    waiting = Waiting("Waiting for the embedded PostgreSQL to finish stopping")
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting.pause(places)
        else:
            break
    _held[data_dir] = handle


def start(data_dir: Path, places: Places) -> None:
    """Start a supervisor where there is none, and wait until PostgreSQL lets us in."""
    first = not places.cluster.exists()
    waiting = Waiting(
        f"Making the embedded PostgreSQL in {places.cluster.parent} (first start only)"
        if first
        else "Starting the embedded PostgreSQL"
    )
    begun = time.time()
    launches = 0
    while not well(places):
        if not supervised(places):
            words = state(places)
            if words.get("doing") == "failed" and float(words.get("at", 0)) >= begun:
                raise EmbeddedPostgresError(f"{words.get('sentence')} (log: {places.log})")
            if launches == 3:
                raise EmbeddedPostgresError(
                    f"The embedded PostgreSQL's supervisor ends at once. It said: {tail(places.supervisor_log)}"
                )
            launch(data_dir)
            launches += 1
        waiting.pause(places)
    waiting.over()


def well(places: Places) -> bool:
    """PostgreSQL lets us in, and somebody looks after it."""
    return supervised(places) and ask(places.socket) is Answer.READY


def supervised(places: Places) -> bool:
    """Whether a supervisor lives."""
    with only_one(places.lock) as alone:
        return not alone


def launch(data_dir: Path) -> None:
    """Start the supervisor as a process of its own, which outlives us and no terminal can interrupt."""
    code = "import sys; sys.path[:] = sys.argv[2:]; from portal.embedded.supervisor import main; main(sys.argv[1])"
    root = str(Path(__file__).resolve().parent.parent.parent)
    places = settle(data_dir)
    with mine(touched(places.supervisor_log)).open("ab") as log:
        subprocess.run(
            [sys.executable, "-c", code, str(data_dir), root, *(path for path in sys.path if path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            check=False,
        )
    # The supervisor detaches at once; give it a moment to take its lock before anybody looks.
    until = time.monotonic() + 1
    while time.monotonic() < until and not supervised(places):
        time.sleep(0.02)


def state(places: Places) -> dict[str, Any]:
    """What the supervisor last wrote."""
    try:
        words = json.loads(places.state.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return words if isinstance(words, dict) else {}


def release(data_dir: Path) -> None:
    """No longer count as a user. Close all connections first; children forked before go on counting."""
    handle = _held.pop(data_dir, None)
    if handle is not None:
        os.close(handle)


def stop_when_unused(data_dir: Path, *, patience: float = 40.0) -> bool:
    """Leave, and where nobody else uses the database wait until PostgreSQL has stopped. Says whether it has."""
    release(data_dir)
    places = settle(data_dir)
    begun = free_at = time.monotonic()
    while (now := time.monotonic()) < begun + patience:
        if not supervised(places):
            if ask(places.socket) is Answer.SILENT:
                return True
            launch(data_dir)  # its supervisor was killed; a new one takes it over and stops it
        words = state(places)
        if words.get("doing") == "running":
            if unused(places):
                free_at = now
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(int(words["supervisor"]), signal.SIGUSR1)
            elif now > free_at + 2:
                return False
        time.sleep(0.05)
    return False


def unused(places: Places) -> bool:
    """Whether nobody holds a share of the users' lock."""
    handle = os.open(places.users, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        return free(handle)
    finally:
        os.close(handle)


class Waiting:
    """Waits in short steps, tells a person at the terminal what for after a moment, and does not wait for ever."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        self.begun = time.monotonic()
        self.told = False

    def pause(self, places: Places) -> None:
        waited = time.monotonic() - self.begun
        if waited > PATIENCE:
            raise EmbeddedPostgresError(
                f"{self.sentence}: no end after {PATIENCE:.0f} seconds. Its logs are {places.log} and "
                f"{places.supervisor_log}."
            )
        if waited > QUIET and not self.told:
            self.told = True
            sys.stderr.write(f"{self.sentence} …\n")
            sys.stderr.flush()
        time.sleep(0.02 if waited < 1 else 0.1)

    def over(self) -> None:
        if self.told:
            sys.stderr.write(f"PostgreSQL is up after {time.monotonic() - self.begun:.0f} s.\n")
            sys.stderr.flush()
