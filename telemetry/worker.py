"""From accepted to read: claim a batch, read and judge each ping, hand the facts to metrics, all in one transaction.

A killed worker leaves nothing behind but locks that PostgreSQL drops: the batch is claimed again. A ping that cannot
be read fails alone, with its cause, and can be retried.
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from time import monotonic
from typing import Any

import orjson
import psycopg
import structlog
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from metrics import facts
from metrics.definitions.catalogue import ReadingPlan, reading_plan
from telemetry import conf, population
from telemetry.accepting import decompress
from telemetry.judging import Case, Past, Population, Rule, Verdict, judge_ping
from telemetry.models import Ping
from telemetry.numbers import READ
from telemetry.reading import PARSER_VERSION
from telemetry.reading.classify import Reading, State, Value
from telemetry.reading.issues import IssueKind
from telemetry.reading.quick import read
from telemetry.verbs.unknown import count_unknown, fold_unknown

log = structlog.get_logger(__name__)

BATCH = 100
MISSING: dict[State, facts.Missing] = {State(missing.value): missing for missing in facts.Missing}
Names = tuple[str, str]
IssueAt = tuple[date, str, str]
"""A month, a kind of issue and the key path that it is about."""


@dataclass(slots=True)
class Claimed:
    """A ping in the worker's hands."""

    id: int
    uuid: str
    hostname: str
    recorded_at: datetime
    received_at: datetime
    channel: str
    proof: str
    trusted: bool
    body: bytes

    @classmethod
    def of(cls, ping: Ping) -> Claimed:
        """A ping that is not read from the queue: its reading is there already."""
        return cls(
            ping.pk,
            ping.uuid,
            ping.hostname,
            ping.recorded_at,
            ping.received_at,
            ping.channel,
            ping.proof,
            ping.trusted,
            b"",
        )

    @property
    def names(self) -> Names:
        """Whose it is."""
        return self.uuid, self.hostname


@dataclass(slots=True)
class Outcome:
    """What became of a claimed ping."""

    ping: Claimed
    reading: Reading | None = None
    verdict: Verdict = field(default_factory=Verdict)
    cause: str = ""

    @property
    def state(self) -> str:
        """The state that it gets."""
        if self.cause or self.reading is None:
            return Ping.State.FAILED.value
        return Ping.State.QUARANTINED.value if self.verdict.held else Ping.State.READ.value


def read_all(*, for_seconds: float = 0.0, batch: int = BATCH) -> int:
    """Read until nothing waits (or the time is up); returns how many pings were read."""
    started = monotonic()
    done = 0
    while count := read_batch(batch):
        done += count
        if for_seconds and monotonic() - started > for_seconds:
            break
    fold_unknown()
    return done


def read_batch(size: int = BATCH, *, ids: Sequence[int] | None = None) -> int:
    """Read one batch of accepted pings (or those named, where they wait); one transaction."""
    with transaction.atomic():
        claimed = _claim(size, ids)
        if not claimed:
            return 0
        # After the claim: what a back-fill has passed by as not read yet is then read by the definitions that it has.
        plan = reading_plan()
        outcomes = read_each(claimed, plan)
        finish(outcomes, plan)
    states = Counter(outcome.state for outcome in outcomes)
    for state, count in states.items():
        READ.labels(state).inc(count)
    return len(claimed)


def read_each(claimed: Sequence[Claimed], plan: ReadingPlan) -> list[Outcome]:
    """Read every ping; what raises costs that ping only. Judging comes after, in the order of the batch."""
    outcomes = []
    for ping in claimed:
        outcome = Outcome(ping)
        try:
            outcome.reading = read(decompress(ping.body), plan)
        except Exception as error:
            log.exception("reading a ping failed", ping=ping.id)
            outcome.cause = cause_of(error)
        outcomes.append(outcome)
    _judge_all(outcomes, plan)
    return outcomes


def finish(outcomes: Sequence[Outcome], plan: ReadingPlan) -> None:
    """Hand over the facts and note what was made of each ping, inside the caller's transaction."""
    good = [outcome for outcome in outcomes if outcome.reading is not None and not outcome.cause]
    try:
        with transaction.atomic():
            facts.record_reports([report_facts(outcome) for outcome in good])
    except Exception as error:
        if of_the_server(error):
            raise
        log.exception("recording a batch failed; one by one now", pings=len(good))
        for outcome in good:
            try:
                with transaction.atomic():
                    facts.record_reports([report_facts(outcome)])
            except Exception as error:
                if of_the_server(error):
                    raise
                log.exception("recording a ping failed", ping=outcome.ping.id)
                outcome.cause = cause_of(error)
    _update_pings(outcomes, plan)
    remember([outcome for outcome in outcomes if outcome.state == Ping.State.READ])


def report_facts(outcome: Outcome, *, held: str | None = None) -> facts.ReportFacts:
    """A reading as metrics wants it."""
    reading, ping = outcome.reading, outcome.ping
    assert reading is not None  # noqa: S101 - only good outcomes come here
    told = reading.about
    return facts.ReportFacts(
        uuid=ping.uuid,
        hostname=ping.hostname,
        recorded_at=ping.recorded_at,
        source=f"telemetry:{ping.id}",
        version=told.version,
        edition=told.edition,
        license_plan=told.license_plan,
        license_expires_on=told.license_expires_on,
        subscription=told.subscription,
        license_user_count=told.license_user_count,
        categories=told.categories,
        readings=as_facts(reading.readings),
        held="; ".join(outcome.verdict.held) if held is None else held,
    )


def as_facts(readings: Mapping[int, Value | State]) -> dict[int, facts.Reading]:
    """Our states as those of metrics."""
    return {
        slot: reading if type(reading) is int or not isinstance(reading, State) else MISSING[reading]
        for slot, reading in readings.items()
    }


PASSING = ("08", "40", "57P", "53100", "53300")
"""Kinds of SQLSTATE that say that the server has gone, stops, has no room or no connection left, or that two
transactions were in each other's way and this one had to give way."""


def of_the_server(error: Exception) -> bool:
    """Whether it is the database's own trouble, which passes: the pings wait then, and none is to blame."""
    if not isinstance(error, OperationalError):
        return False
    state = getattr(error.__cause__, "sqlstate", None)
    return state is None or state.startswith(PASSING)


def cause_of(error: Exception) -> str:
    """An error as one line, for people."""
    return "".join(traceback.format_exception_only(error)).strip()[:1000]


def _claim(size: int, ids: Sequence[int] | None) -> list[Claimed]:
    named = list(ids) if ids is not None else None
    # Past Django's own cursor, in binary: as text the bodies would come as hexadecimal, at twice their size.
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(
            """
            WITH claimed AS MATERIALIZED (
                SELECT id, uuid, hostname, recorded_at, received_at, channel, proof, trusted
                  FROM telemetry_ping WHERE state = 'accepted' AND (%s::bigint[] IS NULL OR id = ANY(%s::bigint[]))
                 ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
            )
            SELECT c.*, coalesce(r.body, '') FROM claimed c
              LEFT JOIN telemetry_rawbody r ON r.ping_id = c.id AND r.recorded_at = c.recorded_at
             ORDER BY c.id
            """,
            [named, named, size],
            binary=True,
        )
        return [Claimed(*row) for row in cursor.fetchall()]


def _judge_all(outcomes: Sequence[Outcome], plan: ReadingPlan) -> None:
    done = [outcome for outcome in outcomes if outcome.reading is not None]
    judged = [outcome for outcome in done if not outcome.ping.trusted]
    if not judged:
        return
    rules = population.rules(plan)
    known = population.senders({outcome.ping.names for outcome in judged})
    pasts = population.pasts_of(known, rules, plan)
    everyone = population.population_for(
        {outcome.ping.names for outcome in judged},
        [outcome.reading.about.unique_instance_id for outcome in judged if outcome.reading],
    )
    for outcome in done:
        ping, reading = outcome.ping, outcome.reading
        assert reading is not None  # noqa: S101 - chosen above
        if not ping.trusted:
            try:
                outcome.verdict = judge(outcome, rules, pasts.get(ping.names), everyone)
            except Exception as error:  # a rule of a reviewer must not stop the reading
                log.exception("judging a ping failed", ping=ping.id)
                outcome.verdict = Verdict(held=(f"The plausibility rules failed: {cause_of(error)}",))
        if not outcome.verdict.held:
            before = pasts.get(ping.names)
            if before is None or before.last_at <= ping.recorded_at:
                pasts[ping.names] = Past(
                    last_at=ping.recorded_at,
                    unique_instance_id=reading.about.unique_instance_id,
                    values=reading.values,
                )


def judge(outcome: Outcome, rules: Sequence[Rule], past: Past | None, everyone: Population) -> Verdict:
    """Put one ping before the judge."""
    ping, reading = outcome.ping, outcome.reading
    assert reading is not None  # noqa: S101 - only read pings are judged
    return judge_ping(
        Case(
            uuid=ping.uuid,
            hostname=ping.hostname,
            recorded_at=ping.recorded_at,
            received_at=ping.received_at,
            proof=ping.proof,
            signature_bad=ping.proof == Ping.Proof.BAD_SIGNATURE,
            about=reading.about,
            values=reading.values,
            past=past,
            population=everyone,
        ),
        rules,
    )


def _update_pings(outcomes: Sequence[Outcome], plan: ReadingPlan) -> None:
    now = timezone.now()
    rows = []
    for outcome in outcomes:
        reading = outcome.reading
        row: dict[str, Any] = {"id": outcome.ping.id, "state": outcome.state, "cause": outcome.cause}
        if reading is not None:
            row |= {
                "edition": reading.about.edition,
                "installation_type": reading.about.installation_type,
                "unique_instance_id": reading.about.unique_instance_id,
                "categories": reading.about.categories,
                "values_ok": reading.ok,
                "issue_counts": {str(kind): count for kind, count in reading.counts.items()},
                "issues": [issue.as_json() for issue in reading.issues],
                "held": "; ".join(outcome.verdict.held),
                "notes": list(outcome.verdict.notes),
            }
        rows.append(row)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE telemetry_ping p SET
                state = v.state, cause = v.cause, read_at = %s, parser_version = %s, plan_version = %s,
                attempts = p.attempts + 1, edition = coalesce(nullif(p.edition, ''), v.edition, ''),
                installation_type = coalesce(v.installation_type, p.installation_type),
                unique_instance_id = coalesce(v.unique_instance_id, p.unique_instance_id), categories = v.categories,
                values_ok = v.values_ok, issue_counts = coalesce(v.issue_counts, '{}'),
                issues = coalesce(v.issues, '[]'), held = coalesce(v.held, ''), notes = coalesce(v.notes, '{}')
              FROM jsonb_to_recordset(%s::jsonb) AS v(
                id bigint, state text, cause text, edition text, installation_type text, unique_instance_id text,
                categories text[], values_ok int, issue_counts jsonb, issues jsonb, held text, notes text[])
             WHERE p.id = v.id
            """,
            [now, PARSER_VERSION, plan.version, orjson.dumps(rows).decode()],
        )


def remember(outcomes: Sequence[Outcome]) -> None:
    """Keep what trusted pings tell about their senders and the population. Last, since these rows are shared."""
    if not outcomes:
        return
    _remember_senders(outcomes)
    count_unknown((outcome.ping.id, outcome.reading.unknown) for outcome in outcomes if outcome.reading is not None)
    _count_issues(outcomes)


def _remember_senders(outcomes: Sequence[Outcome]) -> None:
    rows: dict[Names, dict[str, Any]] = {}
    silent = conf.options.silent_after.days
    for outcome in sorted(outcomes, key=lambda each: each.ping.recorded_at):
        ping, reading = outcome.ping, outcome.reading
        if reading is None:
            continue
        told = reading.about
        before = rows.get(ping.names)
        rows[ping.names] = {
            "uuid": ping.uuid,
            "hostname": ping.hostname,
            "pings": 1 + (before["pings"] if before else 0),
            "first_at": before["first_at"] if before else ping.recorded_at,
            "last_at": ping.recorded_at,
            "last_ping": ping.id,
            "version": told.version,
            "edition": told.edition,
            "instance": told.unique_instance_id,
            "seats": told.seats,
        }
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO telemetry_sender AS s (uuid, hostname, pings, first_at, last_at, last_ping_id, version, edition,
                   unique_instance_id, seats, silence_days)
            SELECT v.uuid, v.hostname, v.pings, v.first_at, v.last_at, v.last_ping, v.version, v.edition, v.instance,
                   v.seats, 0
              FROM jsonb_to_recordset(%s::jsonb) AS v(uuid text, hostname text, pings int, first_at timestamptz,
                   last_at timestamptz, last_ping bigint, version text, edition text, instance text, seats bigint)
             ORDER BY v.uuid, v.hostname
            ON CONFLICT (uuid, hostname) DO UPDATE SET
                pings = s.pings + excluded.pings,
                first_at = least(s.first_at, excluded.first_at),
                last_at = greatest(s.last_at, excluded.last_at),
                last_ping_id = CASE WHEN excluded.last_at >= s.last_at THEN excluded.last_ping_id
                                    ELSE s.last_ping_id END,
                version = CASE WHEN excluded.last_at >= s.last_at THEN excluded.version ELSE s.version END,
                edition = CASE WHEN excluded.last_at >= s.last_at THEN excluded.edition ELSE s.edition END,
                unique_instance_id = CASE WHEN excluded.last_at >= s.last_at AND excluded.unique_instance_id <> ''
                                          THEN excluded.unique_instance_id ELSE s.unique_instance_id END,
                seats = CASE WHEN excluded.last_at >= s.last_at THEN excluded.seats ELSE s.seats END,
                back_at = CASE WHEN excluded.first_at - s.last_at > make_interval(days => %s)
                               THEN excluded.first_at ELSE s.back_at END,
                silence_days = CASE WHEN excluded.first_at - s.last_at > make_interval(days => %s)
                                    THEN extract(day FROM excluded.first_at - s.last_at)::int ELSE s.silence_days END
            """,
            [orjson.dumps(list(rows.values())).decode(), silent, silent],
        )


def _count_issues(outcomes: Sequence[Outcome]) -> None:
    counted: Counter[IssueAt] = Counter()
    for outcome in outcomes:
        if outcome.reading is None:
            continue
        month = month_of(outcome.ping.recorded_at)
        counted.update({(month, str(issue.kind), issue.key_path) for issue in outcome.reading.issues})
        if outcome.reading.counts[IssueKind.UNKNOWN]:
            counted[(month, str(IssueKind.UNKNOWN), "")] += 1
    _add_issues(counted)


def recount_issues(
    recorded_at: datetime, *, before: Sequence[Mapping[str, str]], after: Sequence[Mapping[str, str]]
) -> None:
    """Count a trusted ping that was read again with the issues that it has now instead of those it had."""
    month = month_of(recorded_at)
    old, new = ({(month, issue["kind"], issue.get("key", "")) for issue in issues} for issues in (before, after))
    _add_issues(Counter({**dict.fromkeys(old - new, -1), **dict.fromkeys(new - old, 1)}))


def month_of(moment: datetime) -> date:
    """The first day of a moment's month in UTC."""
    return moment.astimezone(UTC).date().replace(day=1)


def _add_issues(counted: Mapping[IssueAt, int]) -> None:
    if not counted:
        return
    rows = sorted(counted.items())
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO telemetry_issuecount AS i (month, kind, key_path, pings)
            SELECT * FROM unnest(%s::date[], %s::text[], %s::text[], %s::bigint[])
            ON CONFLICT (month, kind, key_path) DO UPDATE SET pings = greatest(i.pings + excluded.pings, 0)
            """,
            [
                [row[0][0] for row in rows],
                [row[0][1] for row in rows],
                [row[0][2] for row in rows],
                [row[1] for row in rows],
            ],
        )
