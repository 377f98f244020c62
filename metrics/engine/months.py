"""The life of a month: provisional from the 2nd, final after ten weeks, closed earlier or re-opened by a reviewer."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from metrics.engine.mapping import kept_now
from metrics.engine.rollup import Say, known_months, roll_up_dirty, roll_up_month, take_lock
from metrics.models.figures import FigureMonth, MonthEvent, MonthRevision
from metrics.periods import Month, state_by_date

if TYPE_CHECKING:
    from portal.models import User

PUBLISHED = "published"


class MonthError(ValueError):
    """What was asked of a month cannot be done; the sentence says why."""


def close_month(
    *, month: Month, actor: User | None, reason: str, today: date | None = None, say: Say | None = None
) -> FigureMonth:
    """Make a month final: its figures as they are now are published. Closing a closed month changes nothing.

    ``say`` is told how far the figures are, where they have yet to follow the facts first.
    """
    if not reason.strip():
        raise MonthError("Closing a month needs a reason.")
    today = today or timezone.now().date()
    if month.first > today:
        raise MonthError(f"{month} has not begun, so it cannot be closed.")
    roll_up_dirty(task="close_month", say=say, within=say)
    return _publish(month, actor=actor, reason=reason)


@transaction.atomic
def _publish(month: Month, *, actor: User | None, reason: str) -> FigureMonth:
    take_lock()
    kept, _ = FigureMonth.objects.select_for_update().get_or_create(month=month.first)
    if kept.published_revision is not None and kept.reopened_at is None:
        return kept
    if kept.computed_at is None:
        # Nothing was ever reported: the snapshot still has to know who was subscribed.
        roll_up_month(month, whole=True, task="publication")
        kept.refresh_from_db()
    # A revision of its own: what is published is what holds at this number.
    revision = MonthRevision.objects.create(
        month=month.first,
        causes=[PUBLISHED],
        actors=[str(actor)] if actor else [],
        mapping=kept_now(month).as_json(),
    )
    kept.state = FigureMonth.State.FINAL
    kept.revision = revision.pk
    kept.published_revision = revision.pk
    kept.first_published_revision = kept.first_published_revision or revision.pk
    kept.published_at = timezone.now()
    kept.published_by = actor
    kept.reopened_at = None
    kept.save()
    MonthEvent.objects.create(
        month=kept, what=MonthEvent.What.PUBLISHED, revision=revision.pk, reason=reason.strip(), by=actor
    )
    return kept


@transaction.atomic
def reopen_month(*, month: Month, actor: User | None, reason: str) -> FigureMonth:
    """Take a closed month back to provisional. What was published stays, and changes to it are still restatements."""
    if not reason.strip():
        raise MonthError("Re-opening a month needs a reason.")
    take_lock()
    kept = FigureMonth.objects.select_for_update().filter(month=month.first).first()
    if kept is None or kept.published_revision is None:
        raise MonthError(f"{month} was never closed, so it cannot be re-opened.")
    if kept.reopened_at is not None:
        return kept
    kept.state = FigureMonth.State.PROVISIONAL
    kept.reopened_at = timezone.now()
    kept.save(update_fields=["state", "reopened_at"])
    MonthEvent.objects.create(
        month=kept, what=MonthEvent.What.REOPENED, revision=kept.revision, reason=reason.strip(), by=actor
    )
    return kept


def advance_months(*, today: date | None = None, say: Say | None = None) -> list[Month]:
    """Let months become provisional and final by the calendar; returns those that were published.

    A re-opened month waits for the person who re-opened it.
    """
    today = today or timezone.now().date()
    roll_up_dirty(task="nightly")
    published = []
    for month in known_months():
        state = state_by_date(month, today)
        kept, _ = FigureMonth.objects.get_or_create(month=month.first)
        if kept.reopened_at is not None or kept.state == FigureMonth.State.FINAL:
            continue
        if state == "final":
            _publish(month, actor=None, reason="Ten weeks after its end.")
            published.append(month)
            if say is not None:
                say(f"{month} is final")
        elif kept.state != state:
            FigureMonth.objects.filter(pk=kept.pk).update(state=state)
    return published


def publish_what_is_final(months: list[Month], *, today: date | None = None) -> None:
    """Publish those of these months that are final by the calendar but were not seen by the nightly task yet."""
    today = today or timezone.now().date()
    for month in months:
        if state_by_date(month, today) != "final":
            continue
        kept = FigureMonth.objects.filter(month=month.first).first()
        if kept is None or (kept.published_revision is None and kept.reopened_at is None):
            roll_up_dirty(task="publication")
            _publish(month, actor=None, reason="Ten weeks after its end.")
