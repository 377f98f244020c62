"""Files into pings, within this process: accept, read, judge, record. Used by the command and by uploads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import Path

from django.db import connection, transaction

from metrics.definitions.catalogue import reading_plan
from telemetry import conf
from telemetry.accepting import KNOWN, OTHER_BODY, Prepared, Refused, accept, decompress, prepare
from telemetry.models import Ping
from telemetry.reading.bundles import TAKEN, Part, open_bundle, parts_of
from telemetry.reading.classify import classify
from telemetry.reading.document import parse
from telemetry.reading.issues import IssueKind
from telemetry.verbs.signing import Signed, check_bundle
from telemetry.verbs.unknown import fold_unknown
from telemetry.worker import read_batch

CHUNK = 50
WAIT_FOR_OTHERS = 60.0


class NoSuchInput(ValueError):
    """A path that is not there or cannot be opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one ping of a file."""

    name: str
    status: str
    """accepted, duplicate or refused"""
    ping_id: int | None = None
    other_body: bool = False
    """Whether it is a duplicate in name only: what is stored differs, and stands."""
    sentence: str = ""
    state: str = ""


@dataclass(slots=True)
class Summary:
    """What became of them all."""

    results: list[Result] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def count(self, status: str) -> int:
        """How many have this status."""
        return sum(result.status == status for result in self.results)

    def count_state(self, state: str) -> int:
        """How many pings ended in this state."""
        return sum(result.state == state for result in self.results)


def files_of(path: Path, skipped: list[str]) -> Iterator[tuple[str, Path]]:
    """The files at ``path``: itself, or everything in the folder that may hold pings, sorted by name."""
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if not file.is_file():
                continue
            if file.name.lower().endswith(TAKEN):
                yield str(file.relative_to(path)), file
            else:
                skipped.append(str(file.relative_to(path)))
    elif path.is_file():
        yield path.name, path
    else:
        raise NoSuchInput(f"{path} is neither a file nor a folder.")


def read_parts(sources: Iterable[tuple[str, bytes]]) -> Iterator[tuple[Part, Signed]]:
    """Every ping of these files, with what its bundle's signature says."""
    options = conf.options
    for name, data in sources:
        if data[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
            bundle = open_bundle(name, data, limit=options.max_body, batch_limit=options.max_batch * 4)
            signed = check_bundle(bundle)
            for part in bundle.parts:
                yield part, signed
        else:
            for part in parts_of(name, data, limit=options.max_body, batch_limit=options.max_batch * 4):
                yield part, Signed()


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What would become of one ping of a file, and what is in it. ``prepared`` is missing where it would be refused."""

    name: str
    status: str
    """new, duplicate or refused"""
    sentence: str = ""
    prepared: Prepared | None = None
    known: Ping | None = None
    other_body: bool = False
    signature: str = ""
    values_ok: int = 0
    issues: int = 0
    unknown: int = 0


class Looker:
    """Looks at pings of files without storing any: the preview of an upload and of ``import_pings --dry-run``."""

    def __init__(self) -> None:
        self.plan = reading_plan()
        self.seen: dict[tuple[str, str, datetime], bytes] = {}

    def look(self, part: Part, signed: Signed) -> Look:
        """At one ping; what came before it in the same files counts as stored."""
        if part.problem:
            return Look(name=part.name, status="refused", sentence=part.problem)
        try:
            prepared = prepare(part.body)
        except Refused as refused:
            return Look(name=part.name, status="refused", sentence=str(refused))
        identity = prepared.identity
        key = (identity.uuid, identity.hostname, identity.recorded_at)
        known = Ping.objects.filter(uuid=key[0], hostname=key[1], recorded_at=key[2]).first()
        first = bytes(known.sha256) if known is not None else self.seen.get(key)
        self.seen.setdefault(key, prepared.sha256)
        differs = first is not None and first != prepared.sha256
        reading = classify(parse(decompress(prepared.stored)), self.plan)
        return Look(
            name=part.name,
            status="new" if first is None else "duplicate",
            sentence="" if first is None else OTHER_BODY if differs else KNOWN,
            prepared=prepared,
            known=known,
            other_body=differs,
            signature=signed.state_of(prepared.sha256, identity),
            values_ok=reading.ok,
            issues=sum(reading.counts.values()) - reading.counts[IssueKind.UNKNOWN],
            unknown=reading.counts[IssueKind.UNKNOWN],
        )


def import_parts(
    parts: Iterable[tuple[Part, Signed]],
    *,
    channel: str = Ping.Channel.IMPORT.value,
    trusted: bool = False,
    say: Callable[[int], None] | None = None,
) -> Summary:
    """Store and read pings, chunk by chunk; each chunk is stored whole before it is read."""
    summary = Summary()
    source = iter(parts)
    while chunk := list(islice(source, CHUNK)):
        results = [store(part, signed, channel=channel, trusted=trusted) for part, signed in _atomically(chunk)]
        fresh = [result.ping_id for result in results if result.status == "accepted" and result.ping_id is not None]
        states = read_these(fresh)
        summary.results.extend(replace(result, state=states.get(result.ping_id or 0, "")) for result in results)
        if say is not None:
            say(len(summary.results))
    return summary


def _atomically(chunk: Sequence[tuple[Part, Signed]]) -> Iterator[tuple[Part, Signed]]:
    """One commit for a chunk: a refused ping raises before any statement, so it cannot spoil the others."""
    with transaction.atomic():
        take_turns()
        yield from chunk


def take_turns() -> None:
    """Let no other chunk be stored until the end of the transaction.

    The first ping of a month makes its partition, which waits for all who have stored bodies and not committed: two
    chunks that do both would wait for each other.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('telemetry_make_partition'))")


def store(part: Part, signed: Signed, *, channel: str, trusted: bool) -> Result:
    """Store one ping of a file; says what became of it and never raises for its content."""
    if part.problem:
        return Result(name=part.name, status="refused", sentence=part.problem)
    try:
        prepared = prepare(part.body)
        accepted = accept(
            prepared,
            channel=channel,
            trusted=trusted,
            proof=signed.proof_of(prepared.sha256, prepared.identity),
            hint=False,
        )
    except Refused as refused:
        return Result(name=part.name, status="refused", sentence=str(refused))
    return Result(
        name=part.name,
        status="accepted" if accepted.fresh else "duplicate",
        ping_id=accepted.ping_id,
        other_body=accepted.other_body,
        sentence=OTHER_BODY if accepted.other_body else "",
    )


def read_these(ids: Sequence[int]) -> dict[int, str]:
    """Read these pings here and now. Those that a worker took first are waited for; returns their states."""
    if not ids:
        return {}
    deadline = time.monotonic() + WAIT_FOR_OTHERS
    while True:
        while read_batch(CHUNK, ids=ids):
            pass
        states = dict(Ping.objects.filter(pk__in=ids).values_list("pk", "state"))
        if Ping.State.ACCEPTED not in states.values() or time.monotonic() > deadline:
            fold_unknown()
            return states
        time.sleep(0.1)
