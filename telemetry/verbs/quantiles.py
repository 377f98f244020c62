"""How large each indicator metric is over the population: what one ping is measured against."""

from __future__ import annotations

from django.db import connection, transaction
from django.utils import timezone


@transaction.atomic
def compute_quantiles() -> int:
    """From the last trusted ping of each sender; returns how many metrics were measured."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO telemetry_quantile AS q (key_path, population, median, high, computed_at)
            SELECT key, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY value::float8),
                   percentile_cont(0.999) WITHIN GROUP (ORDER BY value::float8), %s
              FROM telemetry_sender s, jsonb_each_text(s.values) WHERE length(key) <= 520 GROUP BY key
            ON CONFLICT (key_path) DO UPDATE SET population = excluded.population, median = excluded.median,
                   high = excluded.high, computed_at = excluded.computed_at
            """,
            [timezone.now()],
        )
        return int(cursor.rowcount)
