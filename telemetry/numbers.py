"""What Prometheus sees of the ingest."""

from __future__ import annotations

from portal.prometheus import counter

ACCEPTED = counter("pings_accepted", "Pings taken, by channel and whether they were new", ("channel", "verdict"))
REFUSED = counter("pings_refused", "Bodies that were not stored, by reason", ("reason",))
READ = counter("pings_read", "Pings read, by the state they got", ("state",))
