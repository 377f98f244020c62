"""The process that owns the embedded PostgreSQL: starts it, restarts it, stops it when its last user is gone.

It is started by the first user, detached from it, and there is at most one per data folder (a file lock). Who uses
the database holds a shared lock on a second file; the kernel lets go of it however the user ends.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from portal.embedded import cluster, postmaster
from portal.embedded.errors import EmbeddedPostgresError
from portal.embedded.places import Places, mine, settle
from portal.embedded.probe import Answer, ask

GRACE = 3.0
"""Seconds without a user before PostgreSQL is stopped; commands in a row should not restart it each time."""
TICK = 0.25
HEALTH_EVERY = 5.0
DEAF_AFTER = 45.0
"""Seconds without any answer from a live process before it is restarted."""
FAILURES = 4
"""Starts in a row that come to nothing before the supervisor gives up and says why."""
LOG_LIMIT = 10 * 2**20


class Supervisor:
    """One data folder's PostgreSQL."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.told_to_stop = False
        self.hurry = False
        self.server: postmaster.Postmaster | None = None
        signal.signal(signal.SIGTERM, self._told)
        signal.signal(signal.SIGINT, self._told)
        signal.signal(signal.SIGUSR1, self._hurried)

    def _told(self, number: int, frame: FrameType | None) -> None:
        self.told_to_stop = True

    def _hurried(self, number: int, frame: FrameType | None) -> None:
        # Somebody who was perhaps the last user has gone and waits: no grace this time.
        self.hurry = True

    def run(self) -> None:
        """Serve until nobody needs the database. Holds ``users`` exclusively while stopping, so newcomers wait."""
        self.say("preparing")
        if cluster.ensure(self.places):
            print("made the cluster", flush=True)  # noqa: T201
        server = postmaster.running(self.places)
        if server is None:
            server = self.start()
        else:
            self.server = server
            print(f"found PostgreSQL running as process {server.pid}", flush=True)  # noqa: T201
            self.say("running", postmaster=server.pid)
        users = os.open(touched(self.places.users), os.O_RDWR)
        unused_since: float | None = None
        heard = checked = time.monotonic()
        while True:
            now = time.monotonic()
            if not server.alive:
                print("PostgreSQL is gone; starting it again", flush=True)  # noqa: T201
                server = self.start()
                heard = time.monotonic()
            elif now - checked > HEALTH_EVERY:
                checked = now
                if ask(self.places.socket) is not Answer.SILENT:
                    heard = now
                elif now - heard > DEAF_AFTER:
                    print("PostgreSQL does not answer; restarting it", flush=True)  # noqa: T201
                    server.stop(patience=5)
                    continue
            if free(users):
                unused_since = unused_since or now
                if self.told_to_stop or self.hurry or now - unused_since >= GRACE:
                    break
                fcntl.flock(users, fcntl.LOCK_UN)
            else:
                unused_since = None
                if self.told_to_stop:
                    break
            self.hurry = False
            time.sleep(TICK)
        self.say("stopping")
        server.stop()
        self.say("stopped")

    def start(self) -> postmaster.Postmaster:
        """Start PostgreSQL and wait until it lets us in; several tries, as a crash may leave things to settle."""
        self.say("starting")
        for attempt in range(FAILURES):
            time.sleep(0.3 * attempt)
            server = self.server = postmaster.start(self.places)
            while server.alive:
                if ask(self.places.socket) is Answer.READY:
                    self.say("running", postmaster=server.pid)
                    return server
                if self.told_to_stop:
                    server.stop()
                    raise SystemExit(0)
                time.sleep(0.03)
        raise EmbeddedPostgresError(f"PostgreSQL does not start. It said: {tail(self.places.log)}")

    def say(self, doing: str, **more: object) -> None:
        """Write what is going on, whole or not at all."""
        draft = self.places.state.with_suffix(".draft")
        words = {"doing": doing, "supervisor": os.getpid(), "at": time.time(), **more}
        draft.write_text(json.dumps(words) + "\n", encoding="utf-8")
        mine(draft).rename(self.places.state)


def touched(file: Path) -> Path:
    """The file, made where it was not there; only its owner may read it."""
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))
    return file


def free(users: int) -> bool:
    """Whether nobody holds the users' lock; where true, it is held exclusively now."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def tail(file: Path, lines: int = 8) -> str:
    """The last lines of a log, or that there are none."""
    try:
        return "\n".join(file.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    except OSError:
        return "(nothing)"


@contextmanager
def only_one(lock: Path, *, patience: float = 0.0) -> Iterator[bool]:
    """Hold the supervisor's lock; ``False`` where another one has it."""
    handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    until = time.monotonic() + patience
    try:
        mine(lock)
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() < until:
                    time.sleep(0.01)
                    continue
                yield False
            else:
                yield True
            return
    finally:
        os.close(handle)


def main(data_dir: str) -> None:
    """Detach, take the lock, serve. Quietly leaves where another supervisor is there."""
    if os.fork():
        os._exit(0)
    os.setsid()
    os.chdir("/")
    places = settle(Path(data_dir))
    for log in (places.log, places.supervisor_log):
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.rename(log.with_name(log.name + ".1"))
        mine(touched(log))
    sink = os.open(places.supervisor_log, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(sink, stream)
    # Those who look whether there is a supervisor hold its lock for an instant; that must not turn us away.
    with only_one(places.lock, patience=0.5) as alone:
        if not alone:
            return
        supervisor = Supervisor(places)
        try:
            supervisor.run()
        except Exception as error:
            if supervisor.server is not None and supervisor.server.alive:
                supervisor.server.stop(patience=5)
            supervisor.say("failed", sentence=str(error))
            raise


if __name__ == "__main__":
    main(sys.argv[1])
