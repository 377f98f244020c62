"""Which metrics still arrive: the slots with a usable value in the newest months."""

from __future__ import annotations

from django.db import connection

MONTHS = 3


def arriving_slots() -> set[int] | None:
    """Slots with a value in one of the newest counted months; ``None`` while nothing was counted at all."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT c.page * 128 + i.place - 1
            FROM metrics_cell c, generate_subscripts(c.counts, 1) AS i(place)
            WHERE c.to_revision IS NULL AND (coalesce(c.oks, c.counts))[i.place] > 0 AND c.month IN (
                SELECT month FROM metrics_figuremonth WHERE computed_at IS NOT NULL ORDER BY month DESC LIMIT %s)
            """,
            [MONTHS],
        )
        slots = {row[0] for row in cursor.fetchall()}
        cursor.execute("SELECT EXISTS (SELECT 1 FROM metrics_figuremonth WHERE computed_at IS NOT NULL)")
        (counted,) = cursor.fetchone()
    return slots if counted else None
