"""The lowest versions seen with a number: per month, edition and metric, from the cells of the month."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import connection

from metrics.engine.cells import Cut
from metrics.engine.held import close_rows
from metrics.engine.pages import PAGE_SIZE
from metrics.periods import Month


def seen(month: Month, page: int) -> dict[str, list[int | None]]:
    """What the cells of a month say, by edition; editions without any are left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.edition, u.place, min(c.version_number)
            FROM metrics_cell c, unnest(coalesce(c.oks, c.counts)) WITH ORDINALITY AS u(number, place)
            WHERE c.month = %s AND c.page = %s AND c.to_revision IS NULL AND c.delivery = 'self_managed'
              AND c.population = 'all' AND c.version_number IS NOT NULL AND u.number > 0
            GROUP BY c.edition, u.place
            """,
            [month.first, page],
        )
        found: dict[str, list[int | None]] = {}
        for edition, place, version in cursor.fetchall():
            found.setdefault(edition, [None] * PAGE_SIZE)[place - 1] = version
        return found


def store(month: Month, page: int, fresh: Mapping[str, list[int | None]], *, revision: int, keeping: bool) -> bool:
    """Write what differs from what is stored; says whether anything did."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, edition, versions FROM metrics_firstversions"
            " WHERE month = %s AND page = %s AND to_revision IS NULL",
            [month.first, page],
        )
        stored = {row[1]: (row[0], list(row[2])) for row in cursor.fetchall()}
        closed = [row_id for edition, (row_id, versions) in stored.items() if fresh.get(edition) != versions]
        rows: list[list[Any]] = [
            [month.first, page, revision, edition, versions]
            for edition, versions in fresh.items()
            if edition not in stored or stored[edition][1] != versions
        ]
        close_rows("metrics_firstversions", closed, revision=revision, keeping=keeping)
        if rows:
            cursor.executemany(
                "INSERT INTO metrics_firstversions (month, page, from_revision, edition, versions)"
                " VALUES (%s, %s, %s, %s, %s::int[])",
                rows,
            )
    return bool(closed or rows)


def may_have_moved(month: Month, page: int, cuts: Mapping[Cut, tuple[set[int], set[int]]]) -> bool:
    """Whether cells that rose from or fell to none can change a first version: most cannot, which saves the scan."""
    if not any(rose or fell for rose, fell in cuts.values()):
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT edition, versions FROM metrics_firstversions"
            " WHERE month = %s AND page = %s AND to_revision IS NULL",
            [month.first, page],
        )
        stored = dict(cursor.fetchall())
    for (population, delivery, edition, _tier, version), (rose, fell) in cuts.items():
        if population != "all" or delivery != "self_managed" or version is None:
            continue
        firsts = stored.get(edition) or [None] * PAGE_SIZE
        for index in rose:
            if firsts[index] is None or version < firsts[index]:
                return True
        if any(firsts[index] == version for index in fell):
            return True
    return False
