"""Tasks of the metrics plugin: thin, they take ids or nothing and call one verb."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="metrics.tasks.roll_up")
def roll_up() -> int:
    """Let the figures follow the facts: all dirty months. Woken by whatever changed them."""
    from metrics.engine.rollup import roll_up_dirty

    return len(roll_up_dirty(task="roll-up", check=False))


@shared_task(name="metrics.tasks.sweep")
def sweep() -> int:
    """The same every minute, for wake-ups that were lost with their worker; and see whether figures are plausible."""
    from metrics.engine.plausibility import check_unchecked
    from metrics.engine.rollup import roll_up_dirty

    done = len(roll_up_dirty(task="sweep", check=False))
    check_unchecked()
    return done


@shared_task(name="metrics.tasks.advance_months")
def advance_months() -> int:
    """Let months become provisional and final by the calendar."""
    from metrics.engine.months import advance_months as advance

    return len(advance())
