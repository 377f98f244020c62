"""What goes wrong with the embedded PostgreSQL, in sentences."""

from __future__ import annotations


class EmbeddedPostgresError(RuntimeError):
    """The embedded PostgreSQL cannot be had; the message says why and what to do."""
