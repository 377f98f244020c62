"""Keeping what was read until something changes: one query says whether anything did."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from django.core.cache import cache
from django.db import connection

Kept = TypeVar("Kept")
KEEP_SECONDS = 3600


def figures_version() -> str:
    """A word that changes with anything that can change a figure; empty while nothing was ever counted.

    Whatever changes a month's figures is rolled up and moves a month's revision; mapping, dictionary and catalog are
    followed at once, so they are in it too, and so is what plausibility found, which boards show, and the day, by which
    months change their state. What is deleted changes a number of rows and no time, and of two changes at once the
    earlier may be seen later; so rows and versions count beside the last time.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (SELECT max(computed_at) FROM metrics_figuremonth),
                   (SELECT sum(revision) FROM metrics_figuremonth),
                   (SELECT count(*) FROM metrics_figuremonth WHERE published_revision IS NOT NULL),
                   (SELECT md5(string_agg(findings::text, ' ' ORDER BY month)) FROM metrics_figuremonth),
                   (SELECT max(number) FROM metrics_definitionsversion),
                   (SELECT (count(*), max(pgh_id)) FROM metrics_indicatormappingevent),
                   (SELECT (count(*), sum(version), max(updated_at)) FROM stages_section),
                   (SELECT (count(*), sum(version), max(updated_at)) FROM stages_stage),
                   (SELECT (count(*), sum(version), max(updated_at)) FROM stages_group)
            """
        )
        row = cursor.fetchone()
    if row[0] is None:
        return ""
    return "|".join(str(part) for part in (*row, datetime.now(UTC).date()))


def kept(name: str, version: str, build: Callable[[], Kept]) -> Kept:
    """What ``build`` makes, once per version and process."""
    if not version:
        return build()
    key = f"metrics:{name}"
    found = cache.get(key)
    if found is not None and found[0] == version:
        made: Kept = found[1]
        return made
    made = build()
    cache.set(key, (version, made), KEEP_SECONDS)
    return made
