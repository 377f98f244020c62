"""Offline reports: looked at first, stored on a second word. Safe to be cut off and to be done twice."""

from __future__ import annotations

import time
from collections.abc import Iterable

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from portal.models import User
from telemetry.accepting import KNOWN, OTHER_BODY, Prepared, Refused, accept
from telemetry.importing import Look, Looker, read_parts, read_these, take_turns
from telemetry.models import Ping, Upload, UploadItem
from telemetry.reading.identity import Identity
from telemetry.reading.issues import storable

CHUNK = 25


@transaction.atomic
def preview_upload(*, sources: Iterable[tuple[str, bytes]], by: User | None) -> Upload:
    """Look at files without storing a ping: what is in them, and what would happen. Nothing personal is kept."""
    upload = Upload.objects.create(by=by)
    looker = Looker()
    items = []
    for part, signed in read_parts(sources):
        items.append(_item(upload, looker.look(part, signed)))
        if signed.signer and not upload.signer:
            upload.signer = signed.signer
        upload.signature = _worst(upload.signature, signed.state)
    UploadItem.objects.bulk_create(items, batch_size=100)
    upload.save()
    return upload


def _worst(one: str, other: str) -> str:
    order = ["", "valid", "unsigned", "unknown", "invalid"]
    return max(one, other, key=order.index)


def _item(upload: Upload, look: Look) -> UploadItem:
    states = {"new": UploadItem.State.WAITING, "duplicate": UploadItem.State.DUPLICATE}
    item = UploadItem(
        upload=upload,
        name=storable(look.name)[-300:],
        state=states.get(look.status, UploadItem.State.REFUSED),
        sentence=look.sentence,
        ping=look.known,
        signature=look.signature,
        values_ok=look.values_ok,
        issues=look.issues,
        unknown=look.unknown,
    )
    if (prepared := look.prepared) is not None:
        identity = prepared.identity
        item.uuid, item.hostname, item.recorded_at = identity.uuid, identity.hostname, identity.recorded_at
        item.version, item.size, item.cut = prepared.version, prepared.size, list(prepared.cut)
        item.sha256 = prepared.sha256
        if look.known is None:
            # The second of two that are the same waits as well: should the first not be stored, it is.
            item.state, item.body = UploadItem.State.WAITING, prepared.stored
    return item


def store_upload(*, upload: Upload, trusted: bool = False, for_seconds: float = 20.0) -> int:
    """Store what waits, for so long; returns how many still wait. Going on later (or again) changes nothing stored."""
    started = time.monotonic()
    differing = UploadItem.objects.filter(upload=upload, state=UploadItem.State.DUPLICATE).exclude(
        sha256=F("ping__sha256")
    )
    Ping.objects.filter(pk__in=differing.values("ping"), other_body=False).update(other_body=True)
    while True:
        with transaction.atomic():
            items = list(
                UploadItem.objects.select_for_update(skip_locked=True).filter(
                    upload=upload, state=UploadItem.State.WAITING
                )[:CHUNK]
            )
            take_turns()
            for item in items:
                _store(item, trusted)
        fresh = [item.ping_id for item in items if item.ping_id and item.state == UploadItem.State.STORED]
        states = read_these(fresh)
        for item in items:
            if item.ping_id in states:
                UploadItem.objects.filter(pk=item.pk).update(sentence=SENTENCES.get(states[item.ping_id], ""))
        if not items or time.monotonic() - started > for_seconds:
            break
    left = UploadItem.objects.filter(upload=upload, state=UploadItem.State.WAITING).count()
    if not left and upload.stored_at is None:
        upload.stored_at = timezone.now()
        upload.save(update_fields=["stored_at"])
    return left


SENTENCES = {
    Ping.State.READ.value: "Stored and read; it counts.",
    Ping.State.QUARANTINED.value: "Stored; it looks odd, so a reviewer decides whether it counts.",
    Ping.State.FAILED.value: "Stored; reading it failed on our side and will be tried again.",
}


def _store(item: UploadItem, trusted: bool) -> None:
    assert item.recorded_at is not None and item.sha256 is not None and item.body is not None  # noqa: S101
    proof = {"valid": Ping.Proof.SIGNATURE.value, "invalid": Ping.Proof.BAD_SIGNATURE.value}
    try:
        accepted = accept(
            Prepared(
                identity=Identity(item.uuid, item.hostname, item.recorded_at),
                sha256=bytes(item.sha256),
                size=item.size,
                stored=bytes(item.body),
                cut=tuple(item.cut),
                version=item.version,
                edition="",  # the reading tells it
            ),
            channel=Ping.Channel.UPLOAD.value,
            trusted=trusted,
            proof=proof.get(item.signature, Ping.Proof.NONE.value),
            hint=False,
        )
    except Refused as refused:
        item.state, item.sentence, item.body = UploadItem.State.REFUSED, str(refused), None
    else:
        item.state = UploadItem.State.STORED if accepted.fresh else UploadItem.State.DUPLICATE
        item.sentence = "Stored." if accepted.fresh else OTHER_BODY if accepted.other_body else KNOWN
        item.ping_id, item.body = accepted.ping_id, None
    item.save(update_fields=["state", "sentence", "ping", "body"])
