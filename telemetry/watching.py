"""How the ingest is doing, from stored facts: rate, lag, backlog, failures, quarantine, heartbeat of the population."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, F, Func, Max, Min, Q, QuerySet, Sum, TextField, Value
from django.db.models.functions import TruncDay
from django.utils import timezone

from telemetry import conf
from telemetry.judging import version_of
from telemetry.models import MetricTiming, Ping, Sender
from telemetry.reading import PARSER_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """The state of the ingest at one moment."""

    at: datetime
    last_hour: int
    last_day: int
    backlog: int
    oldest_waiting: datetime | None
    lag_median: float | None
    lag_high: float | None
    figure_lag: timedelta | None
    quarantined: int
    rejected: int
    failed: int
    bytes_stored: int
    of_older_parser: int

    @property
    def waiting_for(self) -> timedelta | None:
        """How long the oldest ping has waited."""
        return self.at - self.oldest_waiting if self.oldest_waiting else None


def ingest() -> Ingest:
    """The state now: a handful of indexed reads."""
    now = timezone.now()
    recent = Ping.objects.filter(received_at__gte=now - timedelta(days=1)).aggregate(
        day=Count("id"), hour=Count("id", filter=Q(received_at__gte=now - timedelta(hours=1)))
    )
    waiting = Ping.objects.filter(state=Ping.State.ACCEPTED).aggregate(count=Count("id"), oldest=Min("received_at"))
    states = dict(
        Ping.objects.filter(state__in=["quarantined", "rejected", "failed"])
        .values_list("state")
        .annotate(count=Count("id"))
        .values_list("state", "count")
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY extract(epoch FROM read_at - received_at))
              FROM telemetry_ping WHERE received_at >= %s AND read_at IS NOT NULL AND channel IN ('http', 'api')
            """,
            [now - timedelta(days=1)],
        )
        row = cursor.fetchone()
        lags: Sequence[float] = (row and row[0]) or ()
        # pg_class counts pages, so that this costs nothing however many pings there are.
        cursor.execute(
            "SELECT coalesce(sum(pg_total_relation_size(i.inhrelid)), 0) FROM pg_inherits i"
            " WHERE i.inhparent = 'telemetry_rawbody'::regclass"
        )
        size = cursor.fetchone()
    return Ingest(
        at=now,
        last_hour=recent["hour"],
        last_day=recent["day"],
        backlog=waiting["count"],
        oldest_waiting=waiting["oldest"],
        lag_median=lags[0] if lags else None,
        lag_high=lags[1] if lags else None,
        figure_lag=_figure_lag(),
        quarantined=states.get("quarantined", 0),
        rejected=states.get("rejected", 0),
        failed=states.get("failed", 0),
        bytes_stored=int(size[0]) if size else 0,
        of_older_parser=Ping.objects.filter(parser_version__lt=PARSER_VERSION).count() if PARSER_VERSION > 1 else 0,
    )


def _figure_lag() -> timedelta | None:
    """How long the oldest change has waited for its figure; ``None`` where every figure follows the facts."""
    from metrics.models.facts import DirtyMonth

    oldest = DirtyMonth.objects.aggregate(oldest=Min("at"))["oldest"]
    return timezone.now() - oldest if oldest else None


@dataclass(frozen=True, slots=True)
class Day:
    """What came on one day."""

    day: date
    pings: int
    held: int
    failed: int


def days(count: int = 30) -> list[Day]:
    """Pings by day of receipt, days without one included."""
    today = timezone.now().date()
    first = today - timedelta(days=count - 1)
    rows = (
        Ping.objects.filter(received_at__date__gte=first, received_at__gte=timezone.now() - timedelta(days=count + 1))
        .annotate(day=TruncDay("received_at"))
        .values("day")
        .annotate(
            pings=Count("id"),
            held=Count("id", filter=Q(state="quarantined")),
            failed=Count("id", filter=Q(state="failed")),
        )
    )
    found: dict[date, dict[str, Any]] = {row["day"].date(): dict(row) for row in rows}
    nothing: dict[str, Any] = {"pings": 0, "held": 0, "failed": 0}
    counted = []
    for day in (first + timedelta(days=number) for number in range(count)):
        row = found.get(day, nothing)
        counted.append(Day(day, row["pings"], row["held"], row["failed"]))
    return counted


@dataclass(frozen=True, slots=True)
class Cause:
    """Failures with one cause: what differs from ping to ping (numbers, quoted words) is left out of ``cause``."""

    cause: str
    count: int
    last_at: datetime
    example: int


ALIKE = Func(
    F("cause"),
    Value(r"""'[^']*'|"[^"]*"|\d+"""),
    Value("…"),
    Value("g"),
    function="regexp_replace",
    output_field=TextField(),
)


def failures() -> list[Cause]:
    """Failed pings by cause, the most frequent first."""
    rows = (
        Ping.objects.filter(state=Ping.State.FAILED)
        .annotate(alike=ALIKE)
        .values("alike")
        .annotate(count=Count("id"), last_at=Max("read_at"), example=Max("id"))
        .order_by("-count")[:20]
    )
    return [Cause(row["alike"], row["count"], row["last_at"], row["example"]) for row in rows]


def failed_by(cause: str) -> QuerySet[Ping]:
    """The failed pings of one cause, as ``failures`` names it."""
    return Ping.objects.filter(state=Ping.State.FAILED).annotate(alike=ALIKE).filter(alike=cause)


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The population: who is there, who went silent, who came back."""

    known: int
    alive: int
    silent: list[Sender]
    silent_count: int
    back: list[Sender]


def heartbeat(limit: int = 15) -> Heartbeat:
    """Judged by the moment of the last ping. Silent: longer than is usual, but not given up for half a year."""
    now = timezone.now()
    edge = now - conf.options.silent_after
    silent = Sender.objects.filter(last_at__lt=edge, last_at__gte=now - timedelta(days=183)).order_by("-last_at")
    counts = Sender.objects.aggregate(known=Count("id"), alive=Count("id", filter=Q(last_at__gte=edge)))
    back = Sender.objects.filter(back_at__gte=now - timedelta(days=60)).order_by("-back_at")
    return Heartbeat(
        known=counts["known"],
        alive=counts["alive"],
        silent=list(silent[:limit]),
        silent_count=silent.count(),
        back=list(back[:limit]),
    )


@dataclass(frozen=True, slots=True)
class Category:
    """How far a data category is permitted over the population."""

    name: str
    permitted: int
    known: int


def consent() -> tuple[list[Category], int]:
    """Permitted data categories by the last ping of each living installation, and for how many nothing is known."""
    edge = timezone.now() - conf.options.silent_after
    last = Ping.objects.filter(pk__in=Sender.objects.filter(last_at__gte=edge).values("last_ping"))
    known = last.filter(categories__isnull=False).count()
    names = ["standard", "subscription", "operational", "optional"]
    counts = last.aggregate(**{name: Count("id", filter=Q(categories__contains=[name])) for name in names})
    return [Category(name, counts[name], known) for name in names], last.filter(categories__isnull=True).count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a metric costs those who compute it, and how often it fails."""

    key_path: str
    samples: int
    mean: float
    slowest: float
    errors: int
    last_error: str = ""


def slow_metrics(version: str = "", limit: int = 20) -> dict[str, list[Cost]]:
    """The metrics that cost most and fail most, over all metadata reports or those of one version such as 17.5."""
    timings = MetricTiming.objects.filter(version=version) if version else MetricTiming.objects.all()
    sums = timings.values("key_path").annotate(
        count=Sum("samples"), spent=Sum("seconds"), worst=Max("slowest"), failed=Sum("errors")
    )
    slowest = list(sums.filter(count__gt=0).annotate(average=F("spent") / F("count")).order_by("-average")[:limit])
    failing = list(sums.filter(failed__gt=0).order_by("-failed", "key_path")[:limit])
    said = timings.filter(key_path__in=[row["key_path"] for row in failing]).exclude(last_error="")
    last = dict(said.order_by("key_path", "-last_seen_at").distinct("key_path").values_list("key_path", "last_error"))
    return {
        name: [
            Cost(
                key_path=row["key_path"],
                samples=row["count"],
                mean=row["spent"] / row["count"] if row["count"] else 0.0,
                slowest=row["worst"],
                errors=row["failed"],
                last_error=last.get(row["key_path"], ""),
            )
            for row in rows
        ]
        for name, rows in (("slowest", slowest), ("failing", failing))
    }


def timed_versions() -> list[str]:
    """The versions of which there are metadata reports, the newest first."""
    found = MetricTiming.objects.exclude(version="").values_list("version", flat=True).distinct()
    return sorted(found, key=lambda version: version_of(version) or (0, 0, 0), reverse=True)
