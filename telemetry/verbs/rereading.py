"""Stored pings read again: one by one with a newer parser or dictionary, or all of them for new definitions."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from django.db import connection, transaction
from django.db.models import Max

from metrics import facts
from metrics.definitions.catalogue import ReadingPlan, reading_plan
from portal.jobs import Cancelled, job
from portal.models import Job, User
from telemetry.accepting import decompress
from telemetry.models import Backfill, Ping, Reread, UnknownKey
from telemetry.queries import reading_of
from telemetry.reading import PARSER_VERSION
from telemetry.reading.classify import State, classify
from telemetry.reading.document import encoding_of, parse
from telemetry.worker import as_facts, read_batch

if TYPE_CHECKING:
    from collections.abc import Iterator

log = structlog.get_logger(__name__)

STORED = (Ping.State.READ, Ping.State.QUARANTINED, Ping.State.REJECTED)
BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What reading a ping again changed."""

    ping_id: int
    state: str
    filled: int = 0
    values_before: int | None = None
    values_after: int | None = None
    new_issues: tuple[dict[str, str], ...] = ()
    gone_issues: tuple[dict[str, str], ...] = ()
    body_gone: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether the ping reads as before."""
        return (
            not self.filled and self.values_before == self.values_after and not self.new_issues and not self.gone_issues
        )


@transaction.atomic
def reread_ping(*, ping: Ping, by: User | None = None) -> Change:
    """Read a stored ping with the present parser and dictionary, and keep what changed.

    A number that counts already is never replaced (a report is what was sent); places that were missing are filled.
    """
    ping = Ping.objects.select_for_update().get(pk=ping.pk)
    if ping.state in {Ping.State.FAILED, Ping.State.ACCEPTED}:
        Ping.objects.filter(pk=ping.pk).update(state=Ping.State.ACCEPTED)
        read_batch(1, ids=[ping.pk])
        ping.refresh_from_db()
        return Change(ping_id=ping.pk, state=ping.state, values_after=ping.values_ok)
    plan = reading_plan()
    reading = reading_of(ping, plan)
    if reading is None:
        return Change(ping_id=ping.pk, state=ping.state, body_gone=True)
    filled = facts.refill_report(source=ping.source, readings=as_facts(reading.readings), actor=by, cause="re-read")
    before, after = ping.issues, [issue.as_json() for issue in reading.issues]
    change = Change(
        ping_id=ping.pk,
        state=ping.state,
        filled=filled,
        values_before=ping.values_ok,
        values_after=reading.ok,
        new_issues=tuple(issue for issue in after if issue not in before),
        gone_issues=tuple(issue for issue in before if issue not in after),
    )
    Reread.objects.create(
        ping=ping,
        by=by,
        from_parser=ping.parser_version,
        to_parser=PARSER_VERSION,
        from_plan=ping.plan_version,
        to_plan=plan.version,
        changes={
            "filled": filled,
            "values_before": change.values_before,
            "values_after": change.values_after,
            "new_issues": list(change.new_issues[:100]),
            "gone_issues": list(change.gone_issues[:100]),
        },
    )
    ping.parser_version, ping.plan_version, ping.values_ok = PARSER_VERSION, plan.version, reading.ok
    ping.issue_counts = {str(kind): count for kind, count in reading.counts.items()}
    ping.issues = after
    ping.edition = ping.edition or reading.about.edition
    ping.categories = list(reading.about.categories) if reading.about.categories is not None else None
    ping.save(
        update_fields=["parser_version", "plan_version", "values_ok", "issue_counts", "issues", "edition", "categories"]
    )
    return change


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
    with _only_one(backfill_id) as alone:
        if not alone:
            return None
        backfill = Backfill.objects.get(pk=backfill_id)
        if backfill.state in {Backfill.State.DONE, Backfill.State.CANCELLED}:
            return backfill
        remaining = Ping.objects.filter(id__gt=backfill.next_id, id__lte=backfill.last_id).count()
        name = (
            f"Fill back {len(backfill.key_paths)} new metrics"
            if len(backfill.key_paths) > 1
            else (f"Fill back {backfill.key_paths[0]}")[:200]
        )
        if backfill.job_id is not None:
            Job.objects.filter(pk=backfill.job_id, state=Job.State.RUNNING).update(
                state=Job.State.FAILED, error="Its process went away; the work went on in another task."
            )
        with job(name, total=remaining) as progress:
            backfill.job_id, backfill.state = progress.job.pk, Backfill.State.RUNNING
            backfill.save(update_fields=["job_id", "state"])
            plan = reading_plan()
            try:
                while looked := fill_some(backfill, plan):
                    progress.advance(looked, f"{backfill.filled:,} values filled from {backfill.looked_at:,} pings")
                    progress.check_cancelled()
            except Cancelled:
                backfill.state = Backfill.State.CANCELLED
                backfill.save(update_fields=["state"])
                raise
            backfill.state = Backfill.State.DONE
            backfill.save(update_fields=["state"])
            UnknownKey.objects.filter(key_path__in=backfill.key_paths).delete()
            progress.result(filled=backfill.filled, pings=backfill.looked_at)
        return backfill


@transaction.atomic
def fill_some(backfill: Backfill, plan: ReadingPlan, size: int = BATCH) -> int:
    """Look at the next pings; what was filled and how far we are is one transaction."""
    only = frozenset(backfill.key_paths)
    hints = [b'"' + path.rsplit(".", 1)[-1].encode() + b'"' for path in only]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT p.id, p.state, coalesce(r.body, '') FROM telemetry_ping p
              LEFT JOIN telemetry_rawbody r ON r.ping_id = p.id AND r.recorded_at = p.recorded_at
             WHERE p.id > %s AND p.id <= %s ORDER BY p.id LIMIT %s
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
        readings = classify(parse(body), plan, only=only).readings
        if any(reading is not State.NOT_PERMITTED for reading in readings.values()):
            backfill.filled += facts.refill_report(source=f"telemetry:{ping_id}", readings=as_facts(readings))
    if rows:
        backfill.next_id = rows[-1][0]
        backfill.looked_at += len(rows)
        backfill.save(update_fields=["next_id", "looked_at", "filled"])
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


@contextmanager
def _only_one(backfill_id: int) -> Iterator[bool]:
    """An advisory lock of the session: it goes away with the process that holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext('telemetry_backfill'), %s)", [backfill_id])
        (alone,) = cursor.fetchone() or (False,)
    try:
        yield bool(alone)
    finally:
        if alone:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext('telemetry_backfill'), %s)", [backfill_id])
