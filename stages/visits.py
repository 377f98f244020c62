"""When people look at the pages of stages, for "changes since your last visit"."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import connection
from django.utils import timezone

if TYPE_CHECKING:
    from portal.models import User
    from stages.models import Stage

ONE_VISIT = timedelta(minutes=30)
"""Whoever looks again within so long is still at the same visit."""


def last_visit(stage: Stage) -> datetime | None:
    """When this person looked before the present visit; of a first one when it began. Read with ``stage_named``."""
    seen: datetime | None = getattr(stage, "seen_at", None)
    before: datetime | None = getattr(stage, "seen_before_at", None)
    if seen is not None and timezone.now() - seen < ONE_VISIT:
        return before or seen
    return seen


def note_visit(stage: Stage, user: User) -> None:
    """Remember that the person looked."""
    now = timezone.now()
    seen = getattr(stage, "seen_at", None)
    if seen is not None and now - seen < ONE_VISIT:
        return
    with connection.cursor() as cursor:
        # One statement: Django would open a transaction around it.
        cursor.execute(
            "INSERT INTO stages_visit (user_id, stage_id, seen_at, before_at) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (user_id, stage_id) DO UPDATE SET seen_at = excluded.seen_at, before_at = excluded.before_at",
            [user.pk, stage.pk, now, seen],
        )
