"""Acceptance: what comes in is checked for identity, relieved of personal values, stored, and has an id.

The path is short on purpose (DESIGN 10): one parse, one statement, one commit. All else is the worker's.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import zstandard
from django.utils import timezone

from portal.wakeups import wake
from telemetry import conf
from telemetry.numbers import ACCEPTED
from telemetry.reading.document import NotAnObject, parse
from telemetry.reading.exports import NotAPing, looks_like_an_export, refuse_exports
from telemetry.reading.glance import glance
from telemetry.reading.identity import Identity, NoIdentity, identity_from, identity_of
from telemetry.reading.issues import storable
from telemetry.reading.personal import Cut, cut_personal
from telemetry.statement import Acceptance, ask

READ_TASK = "telemetry.tasks.read_pings"
KNOWN = "This ping is stored already."
OTHER_BODY = "This ping is stored already, with other content; the first one stands and has this as an issue."
"""What is said of a duplicate that differs, at every door that can say something."""

_thread = threading.local()


class Refused(Exception):
    """A body that is not stored: a stable code, a sentence for the sender, the HTTP status, the key at fault."""

    def __init__(self, code: str, sentence: str, *, status: int = 400, key: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        self.status = status
        self.key = key


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
    """A stored ping. ``fresh`` is false where it was there already: the id is the same.

    ``other_body`` says that what came now differs from what is stored under this identity; the first one stands.
    """

    ping_id: int
    fresh: bool
    other_body: bool = False


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
    seen = glance(body)
    version: Any
    edition: Any
    try:
        if seen is not None:
            identity = identity_from(seen.uuid, seen.hostname, seen.recorded_at)
            version, edition = seen.version, seen.edition
        else:
            root = _root(body)
            if looks_like_an_export(root):
                refuse_exports(root)
            identity = identity_of(root)
            version, edition = root.get("version"), root.get("edition")
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
        version=_word(version),
        edition=_word(edition),
    )


def _root(body: bytes) -> dict[str, Any]:
    """The whole body, for those that a glance leaves in doubt. Raises ``Refused``."""
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
    return root


def _word(value: Any) -> str:
    return storable(value.strip())[:200] if isinstance(value, str) else ""


_REFUSALS = {
    "unknown_key": Refused("unknown_key", "The ingest key is not known, revoked or expired.", status=401),
    "foreign": Refused(
        "foreign_installation", "This ingest key does not belong to the installation that the ping names.", status=403
    ),
    "not_held": Refused(
        "not_held",
        "This installation has sent pings before and is not among those of the key's organisation; an administrator "
        "of the portal can add it there.",
        status=403,
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
    verdict, ping_id = ask(
        Acceptance(
            uuid=identity.uuid,
            hostname=identity.hostname,
            recorded_at=identity.recorded_at,
            received_at=received_at or timezone.now(),
            channel=channel,
            sha256=prepared.sha256,
            size=prepared.size,
            body=prepared.stored,
            cut=prepared.cut,
            address=address,
            version=prepared.version,
            edition=prepared.edition,
            trusted=trusted,
            proof=proof,
            key=key_digest,
            keyed_anonymous=conf.options.keyed_anonymous,
        )
    )
    if verdict in _REFUSALS:
        refusal = _REFUSALS[verdict]
        raise Refused(refusal.code, str(refusal), status=refusal.status)
    fresh = verdict == "accepted"
    ACCEPTED.labels(channel, verdict).inc()
    if fresh and hint:
        wake("ingest", READ_TASK)
    return Accepted(ping_id, fresh, other_body=verdict == "other_body")
