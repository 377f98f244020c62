"""Definitions that arrive later, filled back over the stored pings: only their keys, and only into empty places."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection, transaction
from django.db.models import Max

from metrics import facts
from metrics.definitions.catalogue import ReadingPlan, reading_plan
from telemetry.accepting import decompress
from telemetry.models import Backfill, Ping, UnknownKey
from telemetry.reading.classify import State, classify
from telemetry.reading.document import encoding_of, parse
from telemetry.verbs.runs import carry_on, note_failure
from telemetry.worker import as_facts

STORED = (Ping.State.READ, Ping.State.QUARANTINED, Ping.State.REJECTED)
BATCH = 100


def plan_backfill(*, key_paths: Iterable[str], actor: str = "") -> Backfill | None:
    """Note that stored pings must be read for these keys; ``None`` where nothing can be found in them."""
    plan = reading_plan()
    wanted = sorted(
        path for path in set(key_paths) if (facts_of := plan.by_key_path.get(path)) and facts_of.slot is not None
    )
    last = Ping.objects.aggregate(last=Max("id"))["last"]
    if not wanted or last is None:
        return None
    return Backfill.objects.create(key_paths=wanted, last_id=last, actor=actor[:200])


def run_backfill(backfill_id: int) -> Backfill | None:
    """Run (or go on with) a back-fill, shown under Tasks. One process at a time; safe to run twice."""
    backfill = Backfill.objects.get(pk=backfill_id)
    plan = reading_plan()
    many = len(backfill.key_paths) > 1
    done = carry_on(
        backfill,
        name=f"Fill back {len(backfill.key_paths)} new metrics" if many else f"Fill back {backfill.key_paths[0]}",
        task="telemetry.tasks.retry_backfill",
        step=lambda run: fill_some(run, plan),
        says=lambda now: f"{now.filled:,} values filled from {now.looked_at:,} pings",
    )
    if done is not None and done.state == Backfill.State.DONE:
        UnknownKey.objects.filter(key_path__in=done.key_paths).delete()
    return done


@transaction.atomic
def fill_some(backfill: Backfill, plan: ReadingPlan, size: int = BATCH) -> int:
    """Look at the next pings; what was filled and how far we are is one transaction."""
    only = frozenset(backfill.key_paths)
    hints = [b'"' + path.rsplit(".", 1)[-1].encode() + b'"' for path in only]
    with connection.cursor() as cursor:
        # Locked: a worker that has a ping in its hands may know only the old definitions, so its reading is waited for.
        cursor.execute(
            """
            SELECT p.id, p.state, coalesce(r.body, '') FROM telemetry_ping p
              LEFT JOIN telemetry_rawbody r ON r.ping_id = p.id AND r.recorded_at = p.recorded_at
             WHERE p.id > %s AND p.id <= %s ORDER BY p.id LIMIT %s FOR KEY SHARE OF p
            """,
            [backfill.next_id, backfill.last_id, size],
        )
        rows = cursor.fetchall()
    for ping_id, state, stored in rows:
        if state not in STORED or not stored:
            continue
        body = decompress(bytes(stored))
        # A cheap look first: most pings do not hold the key.
        if not _may_hold(body, hints):
            continue
        try:
            with transaction.atomic():
                readings = classify(parse(body), plan, only=only).readings
                if any(reading is not State.NOT_PERMITTED for reading in readings.values()):
                    backfill.filled += facts.refill_report(source=f"telemetry:{ping_id}", readings=as_facts(readings))
        except Exception as error:  # a ping costs no other
            note_failure(backfill, ping_id, error)
    if rows:
        backfill.next_id = rows[-1][0]
        backfill.looked_at += len(rows)
        backfill.save(update_fields=["next_id", "looked_at", "filled", "failed", "cause"])
    return len(rows)


def _may_hold(body: bytes, hints: Iterable[bytes]) -> bool:
    """Whether one of these quoted names can be in a body; yes where its bytes need not show a name as it reads."""
    return any(hint in body for hint in hints) or b"\\u" in body or encoding_of(body) != "utf-8" or not _is_utf8(body)


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
