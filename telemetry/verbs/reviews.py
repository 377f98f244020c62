"""What reviewers decide about pings, and how a failed reading is tried again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from django.db import transaction
from django.db.models import Q

from metrics import facts
from metrics.definitions.catalogue import reading_plan
from portal.models import User
from portal.wakeups import wake
from telemetry.accepting import READ_TASK
from telemetry.models import Ping, Review
from telemetry.queries import reading_of
from telemetry.verbs.unknown import fold_unknown
from telemetry.worker import Claimed, Outcome, remember

HELD, COUNTS, OUT = Ping.State.QUARANTINED, Ping.State.READ, Ping.State.REJECTED


class NoReason(ValueError):
    """A decision needs a reason: it is what the audit trail is for."""


def release_pings(*, ids: Sequence[int], by: User | None, reason: str) -> list[int]:
    """Let these pings count; returns those that changed."""
    with transaction.atomic():
        known = _counted_before(ids)
        changed = _decide(ids, (HELD, OUT), COUNTS, Review.Decision.RELEASED, by, reason, facts.release_report)
        # Only now do they tell anything about their senders and the population, and only once.
        remember(_read_again(set(changed) - known))
    fold_unknown()
    return changed


def _counted_before(ids: Sequence[int]) -> set[int]:
    """Those of these pings that were trusted at some time: no rule held them, or a reviewer has let them count."""
    trusted = Q(held="") | Q(reviews__decision__in=(Review.Decision.RELEASED, Review.Decision.HELD))
    return set(Ping.objects.filter(trusted, pk__in=ids).values_list("pk", flat=True))


def _read_again(ids: Collection[int]) -> list[Outcome]:
    plan = reading_plan()
    pings = Ping.objects.filter(pk__in=ids).order_by("recorded_at")
    return [Outcome(Claimed.of(ping), reading) for ping in pings if (reading := reading_of(ping, plan)) is not None]


def reject_pings(*, ids: Sequence[int], by: User | None, reason: str) -> list[int]:
    """Never let these pings count; returns those that changed."""
    return _decide(ids, (HELD, COUNTS), OUT, Review.Decision.REJECTED, by, reason, facts.reject_report)


def hold_pings(*, ids: Sequence[int], by: User | None, reason: str) -> list[int]:
    """Take pings out of the figures until somebody has looked; returns those that changed."""
    changed = _decide(ids, (COUNTS,), HELD, Review.Decision.HELD, by, reason, facts.hold_report)
    Ping.objects.filter(pk__in=changed).update(held=reason.strip())
    return changed


@transaction.atomic
def _decide(
    ids: Sequence[int],
    allowed: Sequence[str],
    state: str,
    decision: str,
    by: User | None,
    reason: str,
    tell: Callable[..., int],
) -> list[int]:
    reason = reason.replace("\x00", "").strip()
    if not reason:
        raise NoReason("Say why; the reason stays with the ping and with every figure that it moves.")
    pings = list(Ping.objects.select_for_update().filter(pk__in=ids, state__in=allowed).order_by("pk"))
    for ping in pings:
        tell(source=ping.source, actor=by, reason=reason)
        Review.objects.create(ping=ping, decision=decision, reason=reason, by=by)
    changed = [ping.pk for ping in pings]
    Ping.objects.filter(pk__in=changed).update(state=state)
    return changed


def retry_pings(*, ids: Sequence[int] | None = None) -> int:
    """Let failed pings be read again: those named, or all; returns how many."""
    failed = Ping.objects.filter(state=Ping.State.FAILED)
    if ids is not None:
        failed = failed.filter(pk__in=ids)
    count = failed.update(state=Ping.State.ACCEPTED)
    if count:
        transaction.on_commit(lambda: wake("ingest", READ_TASK))
    return count
