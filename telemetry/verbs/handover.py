"""Everything of one installation, record by record, for the installation itself."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.apps import apps
from django.db.models import Q

from metrics.handover import records_of as facts_of
from portal.models import User
from telemetry.accepting import decompress
from telemetry.models import (
    ErrorReport,
    IdempotentAnswer,
    IngestKey,
    KeyHolder,
    MetadataReport,
    Ping,
    PrivacyRecord,
    Reread,
    Review,
    Sender,
    SigningKey,
    UploadItem,
)
from telemetry.queries import body_of_ping, receipt
from telemetry.verbs.privacy import digest_of_names, reports_about

Record = dict[str, Any]


def export_installation(*, uuid: str, hostname: str, by: User | None = None, by_key: str = "") -> Iterator[Record]:
    """All that is stored of an installation, here and as facts; that it was handed out is noted first."""
    pings = Ping.objects.filter(uuid=uuid, hostname=hostname).order_by("recorded_at")
    PrivacyRecord.objects.create(
        kind=PrivacyRecord.Kind.EXPORTED,
        digest=digest_of_names(uuid, hostname),
        by=by,
        by_key=by_key,
        pings=pings.count(),
    )
    yield from _rows("installation", Sender.objects.filter(uuid=uuid, hostname=hostname).values())
    for ping in pings.iterator(chunk_size=100):
        yield {"record": "ping", **asdict(receipt(ping)), "address": ping.address, **_text(body_of_ping(ping))}
    yield from _decisions(uuid, hostname)
    yield from _reports(uuid, hostname)
    yield from _keys(uuid, hostname)
    for item in UploadItem.objects.filter(uuid=uuid, hostname=hostname).order_by("pk"):
        body = decompress(bytes(item.body)) if item.body is not None else None
        told = {name: getattr(item, name) for name in ("name", "state", "sentence", "recorded_at", "version", "size")}
        yield {"record": "uploaded file", "upload": item.upload_id, **told, **_text(body)}
    handed = PrivacyRecord.objects.filter(digest=digest_of_names(uuid, hostname)).order_by("pk")
    yield from _rows("handed out or erased", handed.values("kind", "at", "by_key", "reason", "pings"))
    yield from facts_of(uuid, hostname)


def _decisions(uuid: str, hostname: str) -> Iterator[Record]:
    """What people decided about its pings, and what reading them again changed."""
    its = {"ping__uuid": uuid, "ping__hostname": hostname}
    yield from _rows("decision", Review.objects.filter(**its).values("ping", "decision", "reason", "at"))
    yield from _rows("read again", Reread.objects.filter(**its).values("ping", "at", "changes"))


def _reports(uuid: str, hostname: str) -> Iterator[Record]:
    """What it told about pinging itself."""
    for report in MetadataReport.objects.filter(reports_about(uuid, hostname, linked=True)).order_by("pk"):
        told = {name: getattr(report, name) for name in ("id", "received_at", "ping_id", "metrics", "seconds")}
        yield {"record": "metadata report", **told, **_text(decompress(bytes(report.body)))}
    yield from _rows("error report", ErrorReport.objects.filter(reports_about(uuid, hostname)).values())


def _keys(uuid: str, hostname: str) -> Iterator[Record]:
    """Its keys, without what opens the door, and every change of them."""
    its = Q(uuid=uuid, hostname=hostname)
    shown = ("prefix", "label", "created_at", "expires_at", "revoked_at", "last_used_at")
    yield from _rows("ingest key", IngestKey.objects.filter(its).values(*shown))
    answers = IdempotentAnswer.objects.filter(key__uuid=uuid, key__hostname=hostname)
    yield from _rows("answer to an Idempotency-Key", answers.values("name", "status", "answer", "at"))
    yield from _rows("key holder", KeyHolder.objects.filter(its).values("organisation__name"))
    yield from _rows("signing key", SigningKey.objects.filter(its).values("label", "public_key", "created_at"))
    for model, name in (("IngestKeyEvent", "change of an ingest key"), ("SigningKeyEvent", "change of a signing key")):
        events = apps.get_model("telemetry", model)._default_manager.filter(its)
        yield from _rows(name, events.values("pgh_created_at", "pgh_label", "label", "revoked_at"))


def _rows(name: str, rows: Any) -> Iterator[Record]:
    for row in rows:
        yield {"record": name, **row}


def _text(body: bytes | None) -> Record:
    try:
        return {"body": None if body is None else body.decode()}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body or b"").decode()}
