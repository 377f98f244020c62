"""Acceptance: what comes in is checked for identity, relieved of personal values, stored, and has an id.

The path is short on purpose (DESIGN 10): one parse, one statement, one commit. All else is the worker's.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import psycopg
import zstandard
from django.db import connection
from django.utils import timezone

from portal.wakeups import wake
from telemetry import conf
from telemetry.numbers import ACCEPTED
from telemetry.reading.document import NotAnObject, parse
from telemetry.reading.exports import NotAPing, looks_like_an_export, refuse_exports
from telemetry.reading.identity import Identity, NoIdentity, identity_of
from telemetry.reading.issues import storable
from telemetry.reading.personal import Cut, cut_personal

READ_TASK = "telemetry.tasks.read_pings"

_thread = threading.local()


class Refused(Exception):
    """A body that is not stored: a stable code, a sentence for the sender, the HTTP status, the key at fault."""

    def __init__(self, code: str, sentence: str, *, status: int = 400, key: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        self.status = status
        self.key = key


class Unavailable(Exception):
    """The database cannot take it now; nothing is stored and the sender should come again."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A body that may be stored: whose it is, the bytes to keep, and the digest of the bytes that came."""

    identity: Identity
    sha256: bytes
    size: int
    stored: bytes
    cut: tuple[str, ...]
    version: str
    edition: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """A stored ping. ``fresh`` is false where it was there already: the id is the same."""

    ping_id: int
    fresh: bool


def compress(body: bytes) -> bytes:
    """The bytes as they are stored. A compressor serves one thread only."""
    compressor = getattr(_thread, "compressor", None)
    if compressor is None:
        compressor = _thread.compressor = zstandard.ZstdCompressor(level=3)
    compressed: bytes = compressor.compress(body)
    return compressed


def decompress(stored: bytes) -> bytes:
    """The bytes as they came, but for personal values."""
    decompressor = getattr(_thread, "decompressor", None)
    if decompressor is None:
        decompressor = _thread.decompressor = zstandard.ZstdDecompressor()
    plain: bytes = decompressor.decompress(stored)
    return plain


def prepare(body: bytes) -> Prepared:
    """Check a body and make it ready to be stored. Raises ``Refused``; a bad leaf is no reason for it."""
    try:
        root = orjson.loads(body)
    except orjson.JSONDecodeError:
        # Not what orjson takes: NaN, a byte order mark, wrong bytes, great depth. Our own parser may read it.
        try:
            root = parse(body).root
        except NotAnObject as error:
            raise Refused("not_an_object", str(error)) from None
    if not isinstance(root, dict):
        raise Refused("not_an_object", "The body is JSON, but no object; a service ping is one.")
    try:
        if looks_like_an_export(root):
            refuse_exports(root)
        identity = identity_of(root)
    except NotAPing as error:
        raise Refused("not_a_ping", str(error)) from None
    except NoIdentity as error:
        raise Refused("no_identity", str(error), key=error.key) from None
    relieved = cut_personal(body) if conf.options.cut_personal else Cut(body)
    return Prepared(
        identity=identity,
        sha256=hashlib.sha256(body).digest(),
        size=len(body),
        stored=compress(relieved.body),
        cut=relieved.keys,
        version=_word(root, "version"),
        edition=_word(root, "edition"),
    )


def _word(root: Mapping[str, Any], key: str) -> str:
    value = root.get(key)
    return storable(value.strip())[:200] if isinstance(value, str) else ""


_ACCEPT = (
    "SELECT verdict, ping_id FROM telemetry_accept(%s::text, %s::text, %s::timestamptz, %s::timestamptz, %s::text,"
    " %s::bytea, %s::int, %s::bytea, %s::text[], %s::text, %s::text, %s::text, %s::boolean, %s::text, %s::bytea,"
    " %s::text)"
)
_REFUSALS = {
    "unknown_key": Refused("unknown_key", "The ingest key is not known, revoked or expired.", status=401),
    "foreign": Refused(
        "foreign_installation", "This ingest key does not belong to the installation that the ping names.", status=403
    ),
    "needs_key": Refused(
        "needs_key",
        "This installation holds an ingest key; its pings are taken only with it, at /api/v1/pings/.",
        status=401,
    ),
}


def accept(
    prepared: Prepared,
    *,
    channel: str,
    address: str = "",
    key_digest: bytes | None = None,
    received_at: datetime | None = None,
    trusted: bool = False,
    proof: str = "",
    hint: bool = True,
) -> Accepted:
    """Store a ping: one statement, and with autocommit one transaction. The same identity gets the same id.

    ``proof`` is ``signature`` for a signed bundle. ``hint=False`` leaves waking the worker to the caller.
    Raises ``Refused`` (key) and ``Unavailable`` (database); after an answer the ping is on disk.
    """
    identity = prepared.identity
    parameters = (
        identity.uuid,
        identity.hostname,
        identity.recorded_at,
        received_at or timezone.now(),
        channel,
        prepared.sha256,
        prepared.size,
        prepared.stored,
        list(prepared.cut),
        address,
        prepared.version,
        prepared.edition,
        trusted,
        proof,
        key_digest,
        conf.options.keyed_anonymous,
    )
    verdict, ping_id = _ask(parameters)
    if verdict in _REFUSALS:
        refusal = _REFUSALS[verdict]
        raise Refused(refusal.code, str(refusal), status=refusal.status)
    fresh = verdict == "accepted"
    ACCEPTED.labels(channel, verdict).inc()
    if fresh and hint:
        wake("ingest", READ_TASK)
    return Accepted(ping_id, fresh)


def _ask(parameters: tuple[Any, ...]) -> tuple[str, int]:
    """The statement, prepared on the server, past Django's own cursor. A connection that has died is replaced once."""
    for last in (False, True):
        within_transaction = connection.in_atomic_block
        try:
            return _execute(parameters)
        except psycopg.OperationalError as error:
            # Safe to send again: whatever the first attempt did, the identity makes the second one a duplicate.
            if within_transaction or (last or not _gone()):
                raise Unavailable(_cause(error)) from error
            connection.close()
        except psycopg.Error as error:
            raise Unavailable(_cause(error)) from error
        except Exception as error:
            # Django's own wrapper of a connection that could not be made.
            if type(error).__module__.startswith("django.db"):
                raise Unavailable(_cause(error)) from error
            raise
    raise AssertionError("unreachable")


def _execute(parameters: tuple[Any, ...]) -> tuple[str, int]:
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection) as cursor:
        row = cursor.execute(_ACCEPT, parameters, prepare=True, binary=True).fetchone()
    assert row is not None  # noqa: S101 - a function with OUT parameters returns one row
    return row[0], row[1]


def _gone() -> bool:
    """Whether the connection itself has died, as after a restart of the server."""
    return connection.connection is None or connection.connection.closed or connection.connection.broken


def _cause(error: Exception) -> str:
    if isinstance(error, psycopg.errors.DiskFull):
        return "The disk of the database is full; nothing was stored."
    return "The database cannot be reached or refuses work; nothing was stored."
