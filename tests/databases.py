"""The test database: migrated once for all workers, and after each test as the migrations leave it.

What is migrated is kept on the server as a template, under a name made of everything that migrations can depend on. The
workers of a run, its processes with portals of their own and the next run of the same code begin with copies of it.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

CHECKOUT = Path(__file__).resolve().parent.parent
PACKAGES = ("portal", "stages", "metrics", "telemetry")


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


class Server:
    """The server of the tests, on which nobody else makes or drops databases meanwhile."""

    def __init__(self, link: psycopg.Connection[Any]) -> None:
        self.link = link

    def names(self, beginning: str) -> set[str]:
        found = self.link.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [beginning])
        return {name for (name,) in found}

    def make(self, name: str, template: str) -> None:
        """Make it anew, whatever an earlier run left."""
        self.drop(name)
        command = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self.link.execute(command.format(sql.Identifier(name), sql.Identifier(template)))

    def drop(self, name: str) -> None:
        """Whoever is still in it is put out: a thread of a live server may hold a connection."""
        self.link.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def rename(self, name: str, other: str) -> None:
        self.link.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(name), sql.Identifier(other)))


@contextmanager
def server_alone() -> Iterator[Server]:
    """The server, for one process of all those that make databases at a time."""
    with psycopg.connect(database_url("postgres"), autocommit=True) as link:
        link.execute("SELECT pg_advisory_lock(hashtext('databases of the tests'))")
        yield Server(link)


@cache
def fingerprint() -> str:
    """Of what migrations can depend on: all our code, the installed packages and apps, Python."""
    from django.conf import settings

    found = hashlib.sha256(repr((sys.version, settings.INSTALLED_APPS)).encode())
    found.update(repr(sorted(f"{one.name} {one.version}" for one in distributions())).encode())
    for package in PACKAGES:
        for path in sorted((CHECKOUT / package).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                found.update(f"{path.relative_to(CHECKOUT)} {path.stat().st_size}\n".encode())
                found.update(path.read_bytes())
    return found.hexdigest()[:12]


@cache
def beginning_of_templates() -> str:
    """How the names of this checkout's templates begin. Asked first before the tests have a database of their own."""
    from django.db import connection

    return f"test_{connection.settings_dict['NAME']}_migrated_"


def template_of(server: Server) -> str:
    """The name of the database that was migrated from empty with this code; it is made where it is not there."""
    beginning = beginning_of_templates()
    name = beginning + fingerprint()
    there = server.names(beginning)
    if name not in there:
        for other in there:
            server.drop(other)
        server.make(f"{name}_now", "template0")
        with connected_to(f"{name}_now"):
            from django.core.management import call_command

            call_command("migrate", interactive=False, verbosity=0)
        server.rename(f"{name}_now", name)
    return name


@contextmanager
def connected_to(name: str) -> Iterator[None]:
    """Django's own connection, to another database of the server."""
    from django.db import connection

    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


@contextmanager
def test_database() -> Iterator[None]:
    """The database of this process for as long as its tests run."""
    from django.db import connection
    from django.test import TransactionTestCase

    name = connection.creation._get_test_db_name()  # type: ignore[attr-defined]  # the stubs leave it out
    with server_alone() as server:
        server.make(name, template_of(server))
    with connected_to(name):
        kept, before = Kept(), TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]
        TransactionTestCase._fixture_teardown = lambda case: kept.give_back()  # type: ignore[attr-defined]
        yield
        TransactionTestCase._fixture_teardown = before  # type: ignore[attr-defined]
    with server_alone() as server:
        server.drop(name)


class Kept:
    """The rows that migrations leave, to be there again after a test that commits.

    Django's own way empties every table, the rows of the migrations among them, and makes permissions and types of
    content anew: some seconds, after which the database is not the one that other tests begin with.
    """

    def __init__(self) -> None:
        from django.db import connection

        with connection.cursor() as cursor:
            self.rows = {table: rows_of(cursor, table) for table in filled(cursor, tables(cursor))}

    def give_back(self) -> None:
        """Leave these rows and no others."""
        from django.db import connection, transaction

        with transaction.atomic(), connection.cursor() as cursor:
            everywhere = tables(cursor)
            # Waits for whoever is still writing, as emptying the tables would.
            cursor.execute(f"LOCK TABLE {', '.join(map(quoted, everywhere))} IN SHARE ROW EXCLUSIVE MODE")
            there = filled(cursor, everywhere)
            changed = [
                table
                for table in sorted({*there, *self.rows})
                if table not in self.rows or rows_of(cursor, table) != self.rows[table]
            ]
            self._write(cursor, changed)

    def _write(self, cursor: CursorWrapper, changed: list[str]) -> None:
        """Past the triggers, which would keep what is to go, and write a history of it."""
        for table in changed:
            cursor.execute(f"ALTER TABLE {quoted(table)} DISABLE TRIGGER USER")
        for table in changed:
            cursor.execute(f"DELETE FROM {quoted(table)}")
        for table in changed:
            if table in self.rows:
                with cursor.copy(f"COPY {quoted(table)} FROM STDIN") as copy:
                    copy.write(self.rows[table])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in changed:
            cursor.execute(f"ALTER TABLE {quoted(table)} ENABLE TRIGGER USER")


def quoted(table: str) -> str:
    return f'"{table}"'


def tables(cursor: CursorWrapper) -> list[str]:
    """All tables; those of partitions are parts of theirs."""
    cursor.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname"
    )
    return [table for (table,) in cursor.fetchall()]


def filled(cursor: CursorWrapper, names: list[str]) -> list[str]:
    """Those in which there are rows."""
    cursor.execute(" UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {quoted(name)})" for name in names))
    return [table for (table,) in cursor.fetchall()]


def rows_of(cursor: CursorWrapper, table: str) -> bytes:
    """All rows of a table, as PostgreSQL copies them."""
    with cursor.copy(f"COPY (SELECT * FROM {quoted(table)}) TO STDOUT") as copy:
        return b"".join(bytes(part) for part in copy)
