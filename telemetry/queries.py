"""Reads across the rows of telemetry, as small frozen values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.db.models import QuerySet

from metrics import facts
from metrics.definitions.catalogue import ReadingPlan, reading_plan
from telemetry.accepting import decompress
from telemetry.models import IngestKey, Ping, RawBody
from telemetry.reading.classify import Reading, classify
from telemetry.reading.document import parse
from telemetry.reading.issues import IssueKind

log = structlog.get_logger(__name__)


def body_of_ping(ping: Ping) -> bytes | None:
    """The stored bytes; ``None`` where retention has taken them."""
    row = RawBody.objects.filter(ping_id=ping.pk, recorded_at=ping.recorded_at).values_list("body", flat=True).first()
    return decompress(bytes(row)) if row is not None else None


def reading_of(ping: Ping, plan: ReadingPlan | None = None, *, keep_leaves: bool = False) -> Reading | None:
    """The ping read here and now, with the present dictionary; nothing is written."""
    body = body_of_ping(ping)
    if body is None:
        return None
    return classify(parse(body), plan or reading_plan(), keep_leaves=keep_leaves)


def own_pings(key: IngestKey) -> QuerySet[Ping]:
    """What a key may see: its installation's pings, or those that were sent with keys of its organisation."""
    if key.is_installation:
        return Ping.objects.filter(uuid=key.uuid, hostname=key.hostname)
    return Ping.objects.filter(key__organisation=key.organisation, key__uuid="")


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedIn:
    """A month that a ping is part of."""

    month: str
    part: str
    sentence: str
    figures: tuple[str, ...]


PARTS = {
    "month_report": "it is the report that counts for this month",
    "baseline": "it is the baseline for this month's all-time counters",
    "waiting": "its month is being counted",
    "superseded": "a later ping of the month counts instead",
    "published": "it counted when the month was published, and does not any more",
    "held": "it is in quarantine and moves nothing",
    "rejected": "it was rejected and moves nothing",
    "excluded": "its installation is excluded from figures",
}


def used_in(ping: Ping) -> list[UsedIn]:
    """Which months and figures used a ping. A failure in metrics leaves the list empty and the page standing."""
    if ping.state in {Ping.State.ACCEPTED, Ping.State.FAILED}:
        return []
    try:
        uses = facts.use_of(ping.source)
    except Exception:
        log.exception("asking for the use of a ping failed", ping=ping.pk)
        return []
    return [
        UsedIn(
            month=str(use.month),
            part=use.part,
            sentence=PARTS.get(use.part, use.part.replace("_", " ")),
            figures=use.figures,
        )
        for use in uses
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a sender is told about one ping."""

    id: int
    uuid: str
    hostname: str
    recorded_at: datetime
    received_at: datetime
    channel: str
    sha256: str
    size: int
    cut: Sequence[str]
    state: str
    sentence: str
    proof: str
    read_at: datetime | None
    parser_version: int | None
    dictionary_version: int | None
    values_ok: int | None
    unknown_keys: int
    issue_counts: dict[str, int]
    issues: list[dict[str, str]]
    quarantine: dict[str, Any] | None
    remarks: Sequence[str]
    failure: str
    used_in: list[UsedIn]


def receipt(ping: Ping, *, with_use: bool = True) -> Receipt:
    """The receipt of a ping, as of now."""
    review = ping.reviews.first()
    quarantine = None
    if ping.held or review is not None:
        quarantine = {
            "reasons": ping.held,
            "decision": review.decision if review else None,
            "reason": review.reason if review else None,
            "decided_at": review.at if review else None,
        }
    return Receipt(
        id=ping.pk,
        uuid=ping.uuid,
        hostname=ping.hostname,
        recorded_at=ping.recorded_at,
        received_at=ping.received_at,
        channel=ping.channel,
        sha256=ping.sha256_hex,
        size=ping.size,
        cut=ping.cut,
        state=ping.state,
        sentence=sentence_of(ping),
        proof=ping.proof or "anonymous",
        read_at=ping.read_at,
        parser_version=ping.parser_version,
        dictionary_version=ping.plan_version,
        values_ok=ping.values_ok,
        unknown_keys=ping.issue_counts.get(IssueKind.UNKNOWN.value, 0),
        issue_counts=ping.told_counts,
        issues=[{**issue.as_json(), "sentence": issue.sentence} for issue in ping.told],
        quarantine=quarantine,
        remarks=ping.notes,
        failure=ping.cause,
        used_in=used_in(ping) if with_use else [],
    )


def sentence_of(ping: Ping) -> str:
    """The state of a ping in one sentence."""
    match ping.state:
        case Ping.State.ACCEPTED:
            return "Stored; it will be read in a moment."
        case Ping.State.READ:
            fine, named = ping.values_ok or 0, ping.issue_total
            return (
                f"Stored and read: {fine:,} {'value is' if fine == 1 else 'values are'} fine, "
                f"{named:,} {'issue is' if named == 1 else 'issues are'} named."
            )
        case Ping.State.QUARANTINED:
            return "Stored and read; a reviewer looks at it before it counts."
        case Ping.State.REJECTED:
            return "Stored and read; a reviewer decided that it does not count."
        case _:
            return "Stored, but reading it failed on our side; it is kept and will be read again."
