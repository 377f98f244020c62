"""Backup and restore of the whole database, embedded or outside, and so the way from the one to the other.

Uses ``pg_dump``, ``pg_restore`` and ``psql`` of the PostgreSQL that the portal brings along. A backup is one
consistent snapshot in pg_dump's custom format. A restore is one transaction: all of it or nothing.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from psycopg.conninfo import make_conninfo

from portal.embedded.binaries import program

SAY_EVERY = 2.0
CHUNK = 2**20
NEWER_SETTINGS = (b"SET transaction_timeout", b"SET idle_session_timeout")
"""Lines at the head of a newer pg_dump that an older server does not know; they only unset a limit."""
COUNTER_OF_A_SERVER = re.compile(rb"\bpg_attver=\d+(?:, )?")
"""Servers of the minor releases of November 2026 keep a counter among the options of a column. It is theirs alone: a
pg_dump from before takes it for one of ours, and a server from before refuses it."""


class BackupError(Exception):
    """A backup or restore did not come about; nothing was changed. The message says why."""


def connection_words(database: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """The connection as libpq wants it, and an environment with the password (which must not show in ``ps``)."""
    given: Mapping[str, Any] = database.get("OPTIONS") or {}
    options: dict[str, Any] = {key: str(value) for key, value in given.items() if isinstance(value, str | int)}
    words = make_conninfo(
        dbname=database["NAME"],
        user=database.get("USER") or None,
        host=database.get("HOST") or None,
        port=database.get("PORT") or None,
        **options,
    )
    environment = dict(os.environ)
    if database.get("PASSWORD"):
        environment["PGPASSWORD"] = str(database["PASSWORD"])
    return words, environment


def backup(database: Mapping[str, Any], file: Path, *, say: Callable[[str], None]) -> int:
    """Write the database into ``file``, whole or not at all; returns its size in bytes."""
    words, environment = connection_words(database)
    draft = file.with_name(f".{file.name}.part")
    if not file.parent.is_dir():
        raise BackupError(f"There is no folder {file.parent} for the backup.")
    draft.touch(mode=0o600)
    try:
        process = subprocess.Popen(
            [
                str(program("pg_dump")),
                "--format=custom",
                "--no-owner",
                "--no-acl",
                "--file",
                str(draft),
                "--dbname",
                words,
            ],
            env=environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        begun = said = time.monotonic()
        while True:
            try:
                _, errors = process.communicate(timeout=0.2)
                break
            except subprocess.TimeoutExpired:
                if time.monotonic() - said > SAY_EVERY:
                    said = time.monotonic()
                    say(f"… {draft.stat().st_size / 2**20:,.1f} MB after {said - begun:.0f} s")
        if process.returncode:
            raise BackupError(f"pg_dump said: {errors.strip()}")
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return file.stat().st_size


def contents(file: Path) -> int:
    """The number of entries in a backup; refuses what is none."""
    if not file.is_file():
        raise BackupError(f"There is no file {file}.")
    done = subprocess.run(
        [str(program("pg_restore")), "--list", str(file)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BackupError(f"{file} is no backup made by `make backup`: {done.stderr.strip()}")
    return sum(1 for line in done.stdout.splitlines() if line and not line.startswith(";"))


def restore(database: Mapping[str, Any], file: Path, *, replace: bool, say: Callable[[str], None]) -> None:
    """Fill the database from ``file`` in one transaction; ``replace`` drops what is in ``public`` within it."""
    contents(file)
    words, environment = connection_words(database)
    reader = subprocess.Popen(
        [str(program("pg_restore")), "--no-owner", "--no-acl", "--file=-", str(file)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    writer = subprocess.Popen(
        [
            *(str(program("psql")), "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"),
            *("--output", os.devnull, "--dbname", words),
        ],
        env=environment,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    if not (reader.stdout and reader.stderr and writer.stdin):  # never; for the type checker
        raise BackupError("No pipes.")
    broken = False
    try:
        if replace:
            writer.stdin.write(b"SET lock_timeout = '10s';\nDROP SCHEMA public CASCADE;\nCREATE SCHEMA public;\n")
        copy(reader.stdout, writer.stdin, say)
        writer.stdin.flush()
    except BrokenPipeError:
        broken = True
    reader.stdout.close()
    complaint = reader.stderr.read().decode(errors="replace").strip()
    reader.stderr.close()
    if reader.wait() and not broken:
        # psql commits at the end of its input, so it must not see the end of a backup that was cut off.
        writer.kill()
        writer.communicate()
        raise BackupError(f"pg_restore said: {complaint}")
    _, errors = writer.communicate()
    if writer.returncode:
        raise BackupError(f"The database refused the backup: {errors.decode(errors='replace').strip()}")


def copy(source: Any, target: Any, say: Callable[[str], None]) -> None:
    """Copy the SQL, without what only the server knew that it comes from. Rows go as they are."""
    while line := source.readline():
        target.write(portable(line))
        if line.startswith(b"COPY "):
            break
    done, begun = 0, time.monotonic()
    said = begun
    while chunk := source.read(CHUNK):
        target.write(chunk)
        done += len(chunk)
        if time.monotonic() - said > SAY_EVERY:
            said = time.monotonic()
            say(f"… {done / 2**20:,.1f} MB after {said - begun:.0f} s")


def portable(line: bytes) -> bytes:
    """A line that makes tables as any server from 15 on understands it; empty where nothing is left of it."""
    if line.startswith(NEWER_SETTINGS):
        return b""
    if not line.startswith(b"ALTER TABLE ONLY "):
        return line
    rest = COUNTER_OF_A_SERVER.sub(b"", line).replace(b", );", b");")
    return b"" if rest.endswith(b" SET ();\n") else rest
