"""Everything of one installation, handed out or erased; and what is deleted when its time is over."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from metrics import facts
from portal.models import User
from telemetry import conf
from telemetry.models import (
    ErrorReport,
    IdempotentAnswer,
    IngestKey,
    KeyHolder,
    MetadataReport,
    Ping,
    PrivacyRecord,
    RawBody,
    Sender,
    UnknownKeySet,
    Upload,
)
from telemetry.queries import body_of_ping, receipt


def digest_of_names(uuid: str, hostname: str) -> str:
    """How a record remembers an installation without its names."""
    return hashlib.sha256(f"{uuid}\n{hostname}".encode()).hexdigest()


def export_installation(
    *, uuid: str, hostname: str, by: User | None = None, by_key: str = ""
) -> Iterator[dict[str, Any]]:
    """All that is stored of an installation, record by record; that it was handed out is noted first."""
    pings = Ping.objects.filter(uuid=uuid, hostname=hostname).order_by("recorded_at")
    PrivacyRecord.objects.create(
        kind=PrivacyRecord.Kind.EXPORTED,
        digest=digest_of_names(uuid, hostname),
        by=by,
        by_key=by_key,
        pings=pings.count(),
    )
    sender = Sender.objects.filter(uuid=uuid, hostname=hostname).values().first()
    if sender is not None:
        yield {"record": "installation", **sender}
    for ping in pings.iterator(chunk_size=100):
        body = body_of_ping(ping)
        try:
            text = {"body": body.decode()} if body is not None else {"body": None}
        except UnicodeDecodeError:
            text = {"body_base64": base64.b64encode(body or b"").decode()}
        yield {"record": "ping", **asdict(receipt(ping)), "address": ping.address, **text}
    for report in MetadataReport.objects.filter(ping__uuid=uuid, ping__hostname=hostname):
        yield {
            "record": "metadata report",
            "id": report.pk,
            "received_at": report.received_at,
            "metrics": report.metrics,
            "seconds": report.seconds,
        }
    for error in ErrorReport.objects.filter(uuid=uuid, hostname=hostname).values():
        yield {"record": "error report", **error}
    for key in IngestKey.objects.filter(uuid=uuid, hostname=hostname):
        yield {"record": "ingest key", "prefix": key.prefix, "label": key.label, "created_at": key.created_at}


@transaction.atomic
def erase_installation(
    *, uuid: str, hostname: str, reason: str, by: User | None = None, by_key: str = ""
) -> PrivacyRecord:
    """Erase everything of an installation. Published figures stay; their passports keep one line without a name."""
    pings = Ping.objects.filter(uuid=uuid, hostname=hostname)
    # Its pings first and then its facts, as the worker takes them: the other order could deadlock with it.
    ids = list(pings.select_for_update().order_by("pk").values_list("pk", "recorded_at"))
    facts.erase_installation(uuid=uuid, hostname=hostname, actor=by, reason=reason)
    for start in range(0, len(ids), 1000):
        chunk = ids[start : start + 1000]
        RawBody.objects.filter(
            ping_id__in=[pk for pk, _ in chunk],
            recorded_at__gte=min(moment for _, moment in chunk),
            recorded_at__lte=max(moment for _, moment in chunk),
        ).delete()
    MetadataReport.objects.filter(ping__uuid=uuid, ping__hostname=hostname).delete()
    if not Sender.objects.filter(uuid=uuid).exclude(hostname=hostname).exists():
        MetadataReport.objects.filter(uuid=uuid).delete()
    pings.delete()
    ErrorReport.objects.filter(uuid=uuid, hostname=hostname).delete()
    Sender.objects.filter(uuid=uuid, hostname=hostname).delete()
    KeyHolder.objects.filter(uuid=uuid, hostname=hostname).delete()
    IngestKey.objects.filter(uuid=uuid, hostname=hostname).delete()
    _erase_history(uuid, hostname)
    from telemetry.models import UploadItem

    UploadItem.objects.filter(uuid=uuid, hostname=hostname).delete()
    return PrivacyRecord.objects.create(
        kind=PrivacyRecord.Kind.ERASED,
        digest=digest_of_names(uuid, hostname),
        by=by,
        by_key=by_key,
        reason=reason.replace("\x00", ""),
        pings=len(ids),
    )


def _erase_history(uuid: str, hostname: str) -> None:
    """The history of its keys holds its names too."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM telemetry_ingestkeyevent WHERE uuid = %s AND hostname = %s", [uuid, hostname])


def keep_retention(*, now: datetime | None = None) -> dict[str, int]:
    """Delete what has been kept long enough, kind by kind; returns how many of each went."""
    moment = now or timezone.now()
    options = conf.options
    gone: dict[str, int] = {
        "raw bodies": _drop_bodies(moment - options.keep_bodies),
        "rejected bodies": _delete_bodies_of_rejected(moment - options.keep_rejected),
    }
    before = moment - options.keep_reports
    gone["metadata reports"] = MetadataReport.objects.filter(received_at__lt=before).delete()[0]
    gone["error reports"] = ErrorReport.objects.filter(received_at__lt=before).delete()[0]
    gone["uploads"] = Upload.objects.filter(at__lt=moment - options.keep_uploads).delete()[0]
    gone["answers"] = IdempotentAnswer.objects.filter(at__lt=moment - options.keep_answers).delete()[0]
    # They are counted in the keys themselves; one that comes again is made again.
    gone["key sets"] = UnknownKeySet.objects.filter(
        folded=F("pings"), last_seen_at__lt=moment - timedelta(days=60)
    ).delete()[0]
    gone["addresses"] = (
        Ping.objects.filter(received_at__lt=moment - options.keep_addresses).exclude(address="").update(address="")
    )
    _make_partitions(moment)
    return gone


def _drop_bodies(before: datetime) -> int:
    """Whole partitions: deleting rows would leave their space behind."""
    edge = f"telemetry_rawbody_{before:%Y_%m}"
    dropped = 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'telemetry_rawbody'::regclass"
        )
        names = sorted(str(row[0]) for row in cursor.fetchall())
        for name in names:
            if name.removeprefix("telemetry_rawbody_")[:1].isdigit() and name < edge:
                cursor.execute(f"DROP TABLE {name}")
                dropped += 1
    return dropped


def _delete_bodies_of_rejected(before: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM telemetry_rawbody r USING telemetry_ping p WHERE p.id = r.ping_id"
            " AND p.recorded_at = r.recorded_at AND p.state = 'rejected' AND p.received_at < %s",
            [before],
        )
        return int(cursor.rowcount)


def _make_partitions(moment: datetime) -> None:
    """Those of this month and the next two, so that the first ping of a month does not have to."""
    with connection.cursor() as cursor:
        for days in (0, 31, 62):
            cursor.execute("SELECT telemetry_make_partition(%s)", [moment + timedelta(days=days)])
