"""A portal in a process of its own, with other plugins than this one: for what is decided when a process starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.databases import CHECKOUT, database_url, server_alone, template_of


@dataclass(frozen=True, kw_only=True)
class Subportal:
    """Runs Python or ``manage.py`` in a portal with these ``plugins`` (None: all that are installed) and database."""

    database: str
    data_dir: Path
    plugins: str | None = None
    site: Path | None = None

    def environment(self) -> dict[str, str]:
        """The environment of the process: ours, but for what makes this portal another one."""
        environment = {key: value for key, value in os.environ.items() if key not in {"PORTAL_PLUGINS", "PYTHONPATH"}}
        if self.plugins is not None:
            environment["PORTAL_PLUGINS"] = self.plugins
        paths = [str(CHECKOUT), *([str(self.site)] if self.site else [])]
        return environment | {
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "DATABASE_URL": self.database,
            "PORTAL_DATA_DIR": str(self.data_dir),
            "PYTHONPATH": os.pathsep.join(paths),
            "PYTHONWARNINGS": "default",
            "DEBUG": "0",
        }

    def manage(self, *arguments: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
        """``manage.py`` with arguments; where ``ok`` is asked for, a failure shows what it said."""
        return self._run([str(CHECKOUT / "manage.py"), *arguments], ok=ok)

    def answers(self, script: str) -> Any:
        """What a script prints as JSON on its last line. Django is set up before it runs."""
        prelude = "import django, json\ndjango.setup()\n"
        done = self._run(["-c", prelude + script], ok=True)
        return json.loads(done.stdout.splitlines()[-1])

    def _run(self, arguments: list[str], *, ok: bool) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=CHECKOUT,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if ok:
            said = f"{done.stdout}\n{done.stderr}"
            assert done.returncode == 0, f"{' '.join(arguments[:4])} failed:\n{said[-4000:]}"
        return done


@contextmanager
def fresh_database(label: str, *, migrated: bool = False) -> Iterator[str]:
    """A database of its own, empty or ``migrated`` as far as our own code goes; yields its address.

    It is dropped afterwards. The caller holds pytest-django's blocker open (``django_db_blocker.unblock()``).
    """
    from django.db import connection

    name = f"{connection.settings_dict['NAME']}_{label}_{os.getpid()}"
    with server_alone() as server:
        server.make(name, template_of(server) if migrated else "template0")
    try:
        yield database_url(name)
    finally:
        with server_alone() as server:
            server.drop(name)
