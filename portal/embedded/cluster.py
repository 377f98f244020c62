"""The cluster folder: made beside its place and moved there when complete, so that a cut-off start leaves no trap."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from portal.embedded.binaries import MAJOR
from portal.embedded.errors import EmbeddedPostgresError
from portal.embedded.places import Places
from portal.embedded.probe import DATABASE, USER

MARK = "stageboard-complete"
"""Written last. A cluster folder without it is half-made (or not ours) and is set aside."""


def settings() -> dict[str, str]:
    """For a small machine that it shares with web, worker and beat. ``ALTER SYSTEM`` and postgresql.conf override."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return {
        "shared_buffers": f"{max(64, min(512, memory // 16))}MB",
        "effective_cache_size": f"{max(256, min(4096, memory // 4))}MB",
        "work_mem": "16MB",
        "maintenance_work_mem": "128MB",
        "max_connections": "80",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_min_messages": "warning",
        "log_checkpoints": "off",
        "log_line_prefix": "%m [%p] ",
        "cluster_name": "stageboard",
    }


def environment(places: Places) -> dict[str, str]:
    """A bare environment: nothing of the caller's PG* variables may reach the server."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": str(places.cluster.parent)}


def ensure(places: Places) -> bool:
    """Make the cluster where there is none; says whether it made one."""
    if (places.cluster / MARK).exists():
        version = (places.cluster / "PG_VERSION").read_text(encoding="ascii").strip()
        if version != MAJOR:
            raise EmbeddedPostgresError(
                f"{places.cluster} was made by PostgreSQL {version}, and this release brings {MAJOR}. Go back to the "
                "former release, run `make backup FILE=move.dump`, remove the data folder, and restore with this one."
            )
        return False
    if places.cluster.exists():
        places.cluster.rename(places.cluster.with_name(f"cluster-half-made-{int(time.time() * 1000)}"))
    draft = places.cluster.with_name("cluster-draft")
    if draft.exists():
        shutil.rmtree(draft)
    draft.mkdir(mode=0o700)
    places.account.own(draft)
    options = [f"--set={name}={value}" for name, value in settings().items()]
    run(
        places,
        [
            *("initdb", "-D", str(draft), "-U", USER, "-E", "UTF8", "--auth=trust", "--no-instructions"),
            # The build has no ICU; its own C.UTF-8 knows upper and lower case of all letters and sorts by code point.
            *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *options,
        ],
    )
    (draft / "pg_hba.conf").write_text(
        "# The socket's folder is private to its owner, who needs no password.\nlocal all all trust\n", encoding="ascii"
    )
    run(places, ["postgres", "--single", "-D", str(draft), "postgres"], words=f"CREATE DATABASE {DATABASE}\n")
    mark = draft / MARK
    mark.write_text("This cluster is complete.\n", encoding="ascii")
    places.account.own(mark)
    draft.rename(places.cluster)
    sync(places.cluster.parent)
    return True


def run(places: Places, command: list[str], *, words: str = "") -> None:
    """Run one of PostgreSQL's programs as its user; an error carries what it said."""
    done = subprocess.run(
        [str(places.programs / "bin" / command[0]), *command[1:]],
        input=words,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env=environment(places),
        user=places.account.uid,
        group=places.account.gid,
        extra_groups=[] if places.account.uid is not None else None,
        umask=0o077,
    )
    if done.returncode or "ERROR:" in done.stderr or "FATAL:" in done.stderr:
        raise EmbeddedPostgresError(f"{command[0]} failed: {done.stderr.strip() or done.stdout.strip()}")


def sync(folder: Path) -> None:
    """Make a rename in ``folder`` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
