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
from urllib.parse import quote, urlencode

CHECKOUT = Path(__file__).resolve().parent.parent


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


def database_url(name: str) -> str:
    """The address of another database on the server of the tests."""
    from django.db import connection

    settings = connection.settings_dict
    user = quote(str(settings["USER"] or ""), safe="")
    password = quote(str(settings["PASSWORD"] or ""), safe="")
    login = f"{user}:{password}@" if password else f"{user}@" if user else ""
    place = {"host": settings["HOST"], "port": settings["PORT"], **settings["OPTIONS"]}
    query = urlencode({key: value for key, value in place.items() if isinstance(value, str | int) and value != ""})
    return f"postgresql://{login}/{name}?{query}"


@contextmanager
def fresh_database(label: str) -> Iterator[str]:
    """An empty database of its own, dropped afterwards; yields its address.

    The caller holds pytest-django's blocker open (``django_db_blocker.unblock()``).
    """
    import psycopg
    from django.db import connection
    from psycopg import sql

    name = f"{connection.settings_dict['NAME']}_{label}_{os.getpid()}"
    place = database_url("postgres")

    def run(statement: sql.Composed) -> None:
        with psycopg.connect(place, autocommit=True) as server:
            server.execute(statement)

    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    run(drop)
    run(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    try:
        yield database_url(name)
    finally:
        run(drop)
