"""Everything of one installation erased; and what is deleted when its time is over."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.apps import apps
from django.db import connection, transaction
from django.db.models import F, Q
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
    SigningKey,
    UnknownKeySet,
    Upload,
    UploadItem,
)


def digest_of_names(uuid: str, hostname: str) -> str:
    """How a record remembers an installation without its names."""
    return hashlib.sha256(f"{uuid}\n{hostname}".encode()).hexdigest()


def reports_about(uuid: str, hostname: str, *, linked: bool = False) -> Q:
    """The metadata or error reports of an installation: named or ``linked`` to its pings, and those that only say its
    uuid, as long as no other host name shares it.
    """
    alone = not Sender.objects.filter(uuid=uuid).exclude(hostname=hostname).exists()
    if linked:
        its = Q(ping__uuid=uuid, ping__hostname=hostname)
        return its | Q(uuid=uuid, ping=None) if alone else its
    return Q(uuid=uuid, hostname__in=[hostname, ""] if alone else [hostname])


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
    pings = Ping.objects.filter(pk__in=[pk for pk, _ in ids])  # one that has come since keeps its body
    MetadataReport.objects.filter(reports_about(uuid, hostname, linked=True)).delete()
    ErrorReport.objects.filter(reports_about(uuid, hostname)).delete()
    pings.delete()
    for model in (Sender, KeyHolder, IngestKey, SigningKey, UploadItem):
        model._default_manager.filter(uuid=uuid, hostname=hostname).delete()
    for name in ("IngestKeyEvent", "SigningKeyEvent"):  # last: deleting a key writes into its history
        apps.get_model("telemetry", name)._default_manager.filter(uuid=uuid, hostname=hostname).delete()
    return PrivacyRecord.objects.create(
        kind=PrivacyRecord.Kind.ERASED,
        digest=digest_of_names(uuid, hostname),
        by=by,
        by_key=by_key,
        reason=reason.replace("\x00", ""),
        pings=len(ids),
    )


class SomeKept(Exception):
    """Something is kept for longer than it should be; the message says what, and why."""


def keep_retention(*, now: datetime | None = None) -> dict[str, int]:
    """Delete what has been kept long enough, kind by kind; returns how many of each went.

    A kind that cannot be deleted costs no other; ``SomeKept`` is raised after the last one.
    """
    moment = now or timezone.now()
    gone: dict[str, int] = {}
    failed: dict[str, Exception] = {}
    for kind, delete in _retention(moment).items():
        try:
            gone[kind] = delete()
        except Exception as error:  # said below, with its kind
            failed[kind] = error
    if failed:
        causes = "; ".join(f"{kind}: {type(error).__name__}: {error}" for kind, error in failed.items())
        raise SomeKept(causes) from next(iter(failed.values()))
    return gone


def _retention(moment: datetime) -> dict[str, Callable[[], int]]:
    options = conf.options
    reports = moment - options.keep_reports
    old = Ping.objects.filter(received_at__lt=moment - options.keep_addresses).exclude(address="")
    # They are counted in the keys themselves; one that comes again is made again.
    sets = UnknownKeySet.objects.filter(folded=F("pings"), last_seen_at__lt=moment - timedelta(days=60))
    return {
        "raw bodies": lambda: _drop_bodies(moment - options.keep_bodies),
        "rejected bodies": lambda: _delete_bodies_of_rejected(moment - options.keep_rejected),
        "metadata reports": lambda: MetadataReport.objects.filter(received_at__lt=reports).delete()[0],
        "error reports": lambda: ErrorReport.objects.filter(received_at__lt=reports).delete()[0],
        "uploads": lambda: Upload.objects.filter(at__lt=moment - options.keep_uploads).delete()[0],
        "answers": lambda: IdempotentAnswer.objects.filter(at__lt=moment - options.keep_answers).delete()[0],
        "key sets": lambda: sets.delete()[0],
        "addresses": lambda: old.update(address=""),
        "partitions to come": lambda: _make_partitions(moment),
    }


def _drop_bodies(before: datetime) -> int:
    """Whole partitions, since deleting rows would leave their space behind; none with a ping that waits to be read.

    Bodies whose date puts them where no partition passes, before 2010 or after they came, go one by one.
    """
    edge = f"telemetry_rawbody_{before:%Y_%m}"
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM telemetry_rawbody r USING telemetry_ping p WHERE p.id = r.ping_id"
            " AND p.recorded_at = r.recorded_at AND p.received_at < %s AND p.state <> 'accepted'"
            " AND (r.recorded_at < '2010-01-01 00:00+00' OR r.recorded_at >= %s)",
            [before, before],
        )
        dropped = int(cursor.rowcount)
        cursor.execute(
            "SELECT DISTINCT 'telemetry_rawbody_' || to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY_MM')"
            " FROM telemetry_ping WHERE state = 'accepted'"
        )
        waiting = {str(row[0]) for row in cursor.fetchall()}
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'telemetry_rawbody'::regclass"
        )
        names = sorted(str(row[0]) for row in cursor.fetchall())
        for name in names:
            if name.removeprefix("telemetry_rawbody_")[:1].isdigit() and name < edge and name not in waiting:
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


def _make_partitions(moment: datetime) -> int:
    """Those of this month and the next two, so that the first ping of a month does not have to. None is deleted."""
    this = moment.astimezone(UTC).replace(day=1)  # from the 31st, 31 days on would leap over February
    with connection.cursor() as cursor:
        for days in (0, 31, 62):
            cursor.execute("SELECT telemetry_make_partition(%s)", [this + timedelta(days=days)])
    return 0
