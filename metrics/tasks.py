"""Tasks of the metrics plugin: thin, they take ids or nothing and call one verb."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="metrics.tasks.roll_up")
def roll_up() -> int:
    """Let the figures follow the facts: all dirty months."""
    from metrics.engine.rollup import roll_up_dirty

    return len(roll_up_dirty())
