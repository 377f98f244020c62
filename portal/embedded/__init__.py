"""The PostgreSQL that the portal brings along, for those who name no ``DATABASE_URL``.

``ensure_running`` is called by the settings. Nothing in this package needs Django, so the supervisor stays small.
See docs/decisions/0001-embedded-postgresql.md for how and why.
"""

from portal.embedded.client import EmbeddedPostgresError, ensure_running, release, stop_when_unused

__all__ = ["EmbeddedPostgresError", "ensure_running", "release", "stop_when_unused"]
