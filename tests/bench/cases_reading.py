"""Reading pings: the worker against parsing, flattening and storing an array done bare; a burst; hostile bodies."""

from __future__ import annotations

import resource
import time
import uuid
from datetime import UTC, datetime, timedelta

import orjson
import psycopg
from django.db import connection

from tests.bench.harness import Bench, Row, case
from tests.bench.load import PLACE, ping_body

DEFINED = 150
PINGS = 400
BURST = 20_000
HOSTILE = 10_000


def define() -> None:
    """Definitions for the first keys of the bench's ping."""
    from metrics.definitions.catalogue import raise_version
    from metrics.models import MetricDefinition

    if MetricDefinition.objects.filter(key_path__startswith="counts.counts_of_something").exists():
        return
    taken = MetricDefinition.objects.exclude(slot=None).order_by("-slot").values_list("slot", flat=True).first() or 0
    # Slots of all-time counters lie on odd pages of 128.
    free = [slot for slot in range(taken + 1, taken + 2_000) if (slot // 128) % 2 == 1]
    MetricDefinition.objects.bulk_create(
        MetricDefinition(
            key_path=f"counts.counts_of_something_that_is_counted_{number:04}",
            description="bench",
            value_type="number",
            status="active",
            time_frame="all",
            data_source="database",
            data_category="optional",
            slot=free[number],
        )
        for number in range(DEFINED)
    )
    raise_version()


def accept_many(count: int, *, when: datetime) -> None:
    """Accepted pings, each of another installation, stored by the real path."""
    from telemetry.accepting import accept, prepare

    body = ping_body()
    for _ in range(count):
        accept(
            prepare(body.replace(PLACE.encode(), str(uuid.uuid4()).encode())),
            channel="http",
            received_at=when,
            hint=False,
        )


def bare(bodies: list[bytes]) -> None:
    """The floor: parse, flatten, keep 150 values as an array, fifty a commit."""
    link = connection.connection
    assert isinstance(link, psycopg.Connection)
    for start in range(0, len(bodies), 50):
        rows = []
        for body in bodies[start : start + 50]:
            flat: dict[str, object] = {}
            stack: list[tuple[str, dict[str, object]]] = [("", orjson.loads(body))]
            while stack:
                prefix, node = stack.pop()
                for key, value in node.items():
                    if isinstance(value, dict):
                        stack.append((f"{prefix}{key}.", value))
                    else:
                        flat[prefix + key] = value
            values = [flat.get(f"counts.counts_of_something_that_is_counted_{number:04}") for number in range(DEFINED)]
            rows.append((values,))
        with link.transaction(), psycopg.Cursor(link) as cursor:
            cursor.executemany("INSERT INTO bench_arrays (values) VALUES (%s::bigint[])", rows)


@case("reading", order=20)
def reading(bench: Bench) -> list[Row]:
    """In turns, per process, so that the machine's other work meets both."""
    from telemetry import worker
    from telemetry.models import Ping

    define()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS bench_arrays (id bigserial PRIMARY KEY, values bigint[])")
    count = 100 if bench.quick else PINGS
    bodies = [ping_body()] * count
    ours, floor = [], []
    for turn in range(2 if bench.quick else 5):
        accept_many(count, when=datetime.now(UTC))
        begun = time.perf_counter()
        bare(bodies)
        floor.append(count / (time.perf_counter() - begun))
        begun = time.perf_counter()
        done = worker.read_all()
        ours.append(done / (time.perf_counter() - begun))
        bench.say(f"  round {turn + 1}: {done} pings")
    left = Ping.objects.filter(state=Ping.State.ACCEPTED).count()
    ratio = sorted(mine / other for mine, other in zip(ours, floor, strict=True))[len(ours) // 2]
    return [
        Row(work=f"parse, flatten, {DEFINED} values as an array, done bare", samples=floor, unit="/s"),
        Row(
            work="read, classify, judge, record in the worker, one process",
            samples=ours,
            unit="/s",
            ratio=ratio,
            budget="≥ 0.5 of the bare work",
            met=ratio >= 0.5 and not left,
            note="2,000 leaves, of which 1,850 unknown and counted",
        ),
    ]


@case("burst", order=25)
def burst(bench: Bench) -> list[Row]:
    """Many at once: the backlog is drained, nothing is lost, memory stays flat."""
    from metrics.models.facts import Report
    from telemetry import worker
    from telemetry.models import Ping

    define()
    count = 500 if bench.quick else BURST
    before, reports = Ping.objects.count(), Report.objects.count()
    accept_many(count, when=datetime.now(UTC) - timedelta(seconds=1))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    done = worker.read_all()
    seconds = time.perf_counter() - begun
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) / 1024
    lost = count - done
    doubled = Ping.objects.count() - before - count
    recorded = Report.objects.count() - reports
    return [
        Row(
            work=f"backlog of {count:,} pings drained, one process",
            samples=[count / seconds],
            unit="/s",
            budget="nothing lost",
            met=not lost and not doubled and recorded == count,
            note=f"{recorded:,} recorded, {grown:.0f} MB grown",
        )
    ]


@case("hostile", order=90)
def hostile(bench: Bench) -> list[Row]:
    """Hostile bodies through the whole portal: no failure of ours."""
    from django.test import Client

    from telemetry import worker
    from telemetry.limits import limiter
    from telemetry.models import Ping
    from tests.telemetry.hostile import hostile_bodies

    client = Client(raise_request_exception=False)
    failures, slowest = [], 0.0
    count = 500 if bench.quick else HOSTILE
    for number, each in enumerate(hostile_bodies(count)):
        if number % 500 == 0:
            limiter.forget()
        headers = {"Content-Encoding": each.encoding} if each.encoding else {}
        begun = time.perf_counter()
        response = client.post("/usage_data", each.body, content_type="application/json", headers=headers)
        slowest = max(slowest, time.perf_counter() - begun)
        if response.status_code >= 500:
            failures.append(each.name)
    worker.read_all()
    failed = Ping.objects.filter(state=Ping.State.FAILED).count()
    return [
        Row(
            work=f"{count:,} hostile bodies, the slowest",
            samples=[slowest * 1000],
            unit="ms",
            budget="no 5xx, none fails to be read",
            met=not failures and not failed,
            note=", ".join(sorted(set(failures))[:3]) or "0 failures",
        )
    ]
