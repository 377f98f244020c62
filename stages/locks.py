"""What must not happen twice at the same time."""

from __future__ import annotations

from django.db import connection


def one_import_at_a_time() -> None:
    """Wait until no other import runs, a pull or one by hand; held until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('stages_import'))")
