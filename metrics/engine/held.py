"""Rows that hold from a revision on: how they are brought to what holds now, and how they stop to hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection


def closing(*, keeping: bool) -> str:
    """How a row stops to hold: it is closed where its month was ever published, else it is deleted."""
    return "UPDATE {table} SET to_revision = %(revision)s" if keeping else "DELETE FROM {table}"


def close_rows(table: str, ids: Sequence[int], *, revision: int, keeping: bool) -> None:
    """Stop these rows from holding."""
    if not ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            closing(keeping=keeping).format(table=table) + " WHERE id = ANY(%(ids)s)",
            {"revision": revision, "ids": list(ids)},
        )


def follow(
    table: str,
    fresh: str,
    *,
    within: Mapping[str, Any],
    keys: Sequence[str],
    values: Sequence[str],
    revision: int,
    keeping: bool,
    parameters: Mapping[str, Any] | None = None,
) -> int:
    """Bring the rows of a table that hold now, ``within`` these columns, to the rows of the query ``fresh``.

    Rows are told apart by ``keys``, the first of which is never null. Both sides are joined once and only what
    differs is written, so a repetition writes nothing. Returns how many rows went and came.
    """
    held = " AND ".join(f"{column} = %(within_{column})s" for column in within)
    same = " AND ".join(f"{_key('f', key)} = {_key('m', key)}" for key in keys)
    of_fresh, of_kept = (", ".join(f"{side}.{value}" for value in values) for side in ("f", "m"))
    row = ", ".join((*keys, *values))
    statement = f"""
        WITH differing AS MATERIALIZED (
            SELECT m.id AS stale, {", ".join(f"f.{column}" for column in (*keys, *values))}
            FROM ({fresh}) f
            FULL JOIN (SELECT * FROM {table} WHERE {held} AND to_revision IS NULL) m ON {same}
            WHERE m.id IS NULL OR f.{keys[0]} IS NULL OR ({of_fresh}) IS DISTINCT FROM ({of_kept})
        ), gone AS (
            {closing(keeping=keeping).format(table=f"{table} k")}
            WHERE k.id IN (SELECT stale FROM differing) RETURNING 1
        ), came AS (
            INSERT INTO {table} ({", ".join(within)}, from_revision, {row})
            SELECT {", ".join(f"%(within_{column})s" for column in within)}, %(revision)s, {row}
            FROM differing WHERE {keys[0]} IS NOT NULL RETURNING 1
        )
        SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM came)
    """
    bound = {f"within_{column}": value for column, value in within.items()}
    with connection.cursor() as cursor:
        cursor.execute(statement, {**(parameters or {}), **bound, "revision": revision})
        (changed,) = cursor.fetchone()
    return int(changed)


def _key(side: str, column: str) -> str:
    """Equality that can be hashed: a version may be unknown, and unknown is the same as unknown."""
    return f"coalesce({side}.{column}, -1)" if column == "version_number" else f"{side}.{column}"
