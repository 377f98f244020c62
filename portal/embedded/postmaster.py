"""The PostgreSQL process: started, adopted from a supervisor that died, watched and stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from portal.embedded.cluster import environment
from portal.embedded.errors import EmbeddedPostgresError
from portal.embedded.places import Places


class Postmaster:
    """One running PostgreSQL; ``child`` where we started it, only a process id where we found it running."""

    def __init__(self, places: Places, pid: int, child: subprocess.Popen[bytes] | None) -> None:
        self.places = places
        self.pid = pid
        self.child = child

    @property
    def alive(self) -> bool:
        if self.child is not None:
            return self.child.poll() is None
        return self.pid in set(processes_in(self.places.cluster))

    def stop(self, *, patience: float = 30.0) -> None:
        """End all sessions and shut down cleanly; harsher where that takes too long."""
        for way, wait in ((signal.SIGINT, patience), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            with suppress(ProcessLookupError):
                os.kill(self.pid, way)
            until = time.monotonic() + wait
            while time.monotonic() < until:
                if not self.alive:
                    return
                time.sleep(0.02)


def start(places: Places) -> Postmaster:
    """Start PostgreSQL on a cluster that no process works on."""
    clear(places)
    with places.log.open("ab") as log:
        child = subprocess.Popen(
            [
                str(places.programs / "bin" / "postgres"),
                *("-D", str(places.cluster)),
                *("-k", str(places.socket_folder)),
                # Never on the network; one port, as it is only a part of the socket's name.
                *("-c", "listen_addresses=", "-c", "port=5432", "-c", "unix_socket_permissions=0700"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=environment(places),
            # Ctrl-C in a terminal is for those in front of it.
            start_new_session=True,
            user=places.account.uid,
            group=places.account.gid,
            extra_groups=[] if places.account.uid is not None else None,
            umask=0o077,
        )
    return Postmaster(places, child.pid, child)


def running(places: Places) -> Postmaster | None:
    """The PostgreSQL that already works on this cluster, if there is one.

    ``postmaster.pid`` alone proves nothing: after a crash its number may belong to any other process by now.
    """
    pid = written_pid(places.cluster / "postmaster.pid")
    if pid is not None and pid in set(processes_in(places.cluster)):
        return Postmaster(places, pid, None)
    return None


def clear(places: Places) -> None:
    """Wait for sessions that outlived a killed PostgreSQL, then remove the lock files that it left.

    Only called under the supervisor's lock. PostgreSQL itself would trust a foreign process with the old number.
    """
    until = time.monotonic() + 10
    while left := list(processes_in(places.cluster)):
        late = time.monotonic() > until
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL if late else signal.SIGQUIT)
        if time.monotonic() > until + 5:
            raise EmbeddedPostgresError(f"Processes {left} still work on {places.cluster} and cannot be ended.")
        time.sleep(0.05)
    for file in (
        places.cluster / "postmaster.pid",
        places.socket,
        places.socket.with_name(places.socket.name + ".lock"),
    ):
        file.unlink(missing_ok=True)


def processes_in(cluster: Path) -> Iterator[int]:
    """All processes of PostgreSQL that work on this cluster: its postmaster and sessions stand in that folder."""
    wanted = os.path.realpath(cluster)
    if not Path("/proc/self/cwd").exists():  # no Linux: ask ps, and go by the title of the process
        listing = subprocess.run(["ps", "-axo", "pid=,command="], capture_output=True, text=True, check=False).stdout
        for line in listing.splitlines():
            number, _, words = line.strip().partition(" ")
            if "postgres" in words and wanted in words:
                yield int(number)
        return
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if str((entry / "cwd").readlink()) == wanted and name_of(entry) == "postgres":
                    yield int(entry.name)


def name_of(process: Path) -> str:
    """The program's name; that of a zombie is empty, since it can do no harm."""
    words = (process / "stat").read_text(encoding="utf-8", errors="replace")
    name, _, rest = words.partition("(")[2].rpartition(")")
    return "" if rest.strip().startswith("Z") else name


def written_pid(file: Path) -> int | None:
    """The process id in the first line of a lock file."""
    try:
        return int(file.read_text(encoding="ascii", errors="replace").split("\n", 1)[0])
    except (OSError, ValueError):
        return None
