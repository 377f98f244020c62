"""Child processes that are kept alive: started, restarted with patience, stopped with all that they started."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LOG_LIMIT = 20 * 2**20
LONGEST_PAUSE = 15.0
STEADY = 20.0
"""A child that has lived so many seconds was well; the next death is a new one and not a part of a series."""


@dataclass(frozen=True)
class Program:
    """One child: its name for people and for its log, its command, and how long it may take to stop."""

    name: str
    command: Sequence[str]
    patience: float = 10.0


class Child:
    """A program that should be running."""

    def __init__(self, program: Program, logs: Path, say: Callable[[str], None]) -> None:
        self.program = program
        self.log = logs / f"{program.name}.log"
        self.say = say
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.deaths = 0
        self.next_start = 0.0

    def watch(self) -> bool:
        """Start it when it is due; notice its death. Called a few times a second; says whether anything changed."""
        now = time.monotonic()
        if self.process is None:
            if now < self.next_start:
                return False
            self.start()
            return True
        code = self.process.poll()
        if code is None:
            return False
        # What it started (server workers, pool processes) must not live on: it holds the port and takes messages.
        self.signal(signal.SIGKILL)
        self.process = None
        self.deaths = 1 if now - self.started > STEADY else self.deaths + 1
        pause = 0.0 if self.deaths == 1 else min(LONGEST_PAUSE, 0.5 * 2 ** (self.deaths - 1))
        self.next_start = now + pause
        wait = f" in {pause:.0f} s" if pause >= 1 else ""
        self.say(f"{self.program.name} ended ({reason(code)}); starting it again{wait}. Its log: {self.log}")
        return True

    def start(self) -> None:
        """Start it in a session of its own: Ctrl-C is for us, and we stop it in order."""
        turn(self.log)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                list(self.program.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent,
            )
        self.started = time.monotonic()

    def signal(self, number: signal.Signals) -> None:
        """Signal the child and all of its session."""
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)

    def stop(self) -> None:
        """Ask the child alone first: it knows how to end its own children."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(self.program.patience)
            except subprocess.TimeoutExpired:
                self.say(f"{self.program.name} did not stop within {self.program.patience:.0f} s; ending it")
        self.signal(signal.SIGKILL)
        self.process.wait()
        self.process = None


def reason(code: int) -> str:
    """How a process ended, in words."""
    if code < 0:
        with suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"


def turn(log: Path) -> None:
    """Keep a log from growing without end: beyond the limit its content moves to ``.1``.

    Copied and cut, since the writer has the file open; it appends, so it goes on at the new end.
    """
    with suppress(FileNotFoundError):
        if log.stat().st_size > LOG_LIMIT:
            log.with_name(log.name + ".1").write_bytes(log.read_bytes())
            os.truncate(log, 0)


def end_with_parent() -> None:
    """Have the kernel end this child when its parent is killed (Linux; elsewhere it would be left over)."""
    if sys.platform == "linux":
        set_death_signal = 1
        ctypes.CDLL(None).prctl(set_death_signal, signal.SIGTERM)
