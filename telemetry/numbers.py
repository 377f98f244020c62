"""What Prometheus sees of the ingest."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from portal.prometheus import counter, gauges

ACCEPTED = counter("pings_accepted", "Pings taken, by channel and whether they were new", ("channel", "verdict"))
REFUSED = counter("pings_refused", "Bodies that were not stored, by reason", ("reason",))
READ = counter("pings_read", "Pings read, by the state they got", ("state",))


def waiting() -> Iterable[tuple[str, str, float]]:
    """How far the reading is behind, and what waits for people: one query, each part of it by an index."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT waiting.pings, coalesce(extract(epoch FROM now() - waiting.oldest), 0)::float,
                   (SELECT count(*) FROM telemetry_ping WHERE state = 'quarantined'),
                   (SELECT count(*) FROM telemetry_ping WHERE state = 'failed')
              FROM (SELECT count(*) AS pings, min(received_at) AS oldest
                      FROM telemetry_ping WHERE state = 'accepted') AS waiting
            """
        )
        backlog, lag, quarantined, failed = cursor.fetchone() or (0, 0.0, 0, 0)
    yield "pings_lag_seconds", "How long the oldest ping that is not read yet has waited", max(lag, 0.0)
    yield "pings_backlog", "Pings that are stored and not read yet", backlog
    yield "pings_quarantine", "Pings in quarantine", quarantined
    yield "pings_failed", "Pings whose reading failed", failed


gauges(waiting)
