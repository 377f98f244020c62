"""Metadata reports added up by metric, and linked to their ping."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import orjson
import structlog
from django.db import connection, transaction
from django.db.models import Count
from django.utils import timezone

from portal.wakeups import wake
from telemetry.accepting import READ_TASK, decompress
from telemetry.judging import version_of
from telemetry.models import MetadataReport, Ping
from telemetry.worker import cause_of, of_the_server

log = structlog.get_logger(__name__)

LINK_WITHIN = timedelta(hours=12)


def count_reports(batch: int = 50) -> int:
    """Count the reports that wait; returns how many. One transaction per batch; safe to be cut off."""
    done = 0
    while True:
        with transaction.atomic():
            reports = list(
                MetadataReport.objects.select_for_update(skip_locked=True).filter(counted=False).order_by("id")[:batch]
            )
            if not reports:
                return done
            for report in reports:
                report.ping = _ping_of(report)
                try:
                    with transaction.atomic():
                        _count(report)
                except Exception as error:
                    if of_the_server(error):
                        raise
                    log.exception("counting a metadata report failed", report=report.pk)
                    report.cause = cause_of(error)
                report.counted = True
                report.save(update_fields=["counted", "ping", "cause"])
        done += len(reports)


def failures() -> list[tuple[str, int]]:
    """Why reports could not be counted, and how many, the most frequent first."""
    failed = MetadataReport.objects.exclude(cause="").values_list("cause").annotate(count=Count("id"))
    return list(failed.order_by("-count").values_list("cause", "count")[:20])


def retry_reports() -> int:
    """Let the reports that could not be counted be counted again; returns how many."""
    count = MetadataReport.objects.exclude(cause="").update(counted=False, cause="")
    if count:
        transaction.on_commit(lambda: wake("ingest", READ_TASK))
    return count


def _ping_of(report: MetadataReport) -> Ping | None:
    """The ping that the report follows: the sender sends it right afterwards."""
    if not report.uuid:
        return None
    return (
        Ping.objects.filter(
            uuid=report.uuid,
            received_at__lte=report.received_at + timedelta(minutes=1),
            received_at__gte=report.received_at - LINK_WITHIN,
        )
        .order_by("-received_at")
        .first()
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """What a report says of one metric."""

    key_path: str
    seconds: float | None
    error: str


def entries_of(report: MetadataReport) -> list[Entry]:
    """All that a report says: the failed metrics first, then the slowest."""
    found = [Entry(*entry) for entry in orjson.loads(decompress(bytes(report.body)))]
    return sorted(found, key=lambda entry: (not entry.error, -(entry.seconds or 0.0)))


def _version_of(report: MetadataReport) -> str:
    numbers = version_of(report.ping.version) if report.ping is not None else None
    return f"{numbers[0]}.{numbers[1]}"[:20] if numbers else ""


def _count(report: MetadataReport) -> None:
    entries = orjson.loads(decompress(bytes(report.body)))
    sums: dict[str, tuple[int, float, float, int, str]] = {}
    for name, seconds, error in entries:
        samples, total, slowest, errors, last = sums.get(name, (0, 0.0, 0.0, 0, ""))
        spent = seconds or 0.0
        sums[name] = (
            samples + (seconds is not None),
            total + spent,
            max(slowest, spent),
            errors + bool(error),
            error or last,
        )
    names = sorted(sums)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO telemetry_metrictiming AS t
                   (key_path, samples, seconds, slowest, errors, last_error, version, last_seen_at)
            SELECT v.*, %s, %s
              FROM unnest(%s::text[], %s::bigint[], %s::float8[], %s::float8[], %s::bigint[], %s::text[]) AS v
            ON CONFLICT (key_path, version) DO UPDATE SET samples = t.samples + excluded.samples,
                   seconds = t.seconds + excluded.seconds, slowest = greatest(t.slowest, excluded.slowest),
                   errors = t.errors + excluded.errors, last_seen_at = excluded.last_seen_at,
                   last_error = CASE WHEN excluded.last_error <> '' THEN excluded.last_error ELSE t.last_error END
            """,
            [
                _version_of(report),
                timezone.now(),
                names,
                *([sums[name][column] for name in names] for column in range(5)),
            ],
        )
