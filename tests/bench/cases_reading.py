"""Reading pings: the worker against parsing, flattening and storing an array done bare, and what it takes on disk."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

import orjson
import psycopg
from django.db import connection

from tests.bench.harness import Bench, Row, case
from tests.bench.load import LEAVES, PLACE, STAGE, key_paths, middle, ping_body
from tests.live.world import define

FEW = 150
PINGS = 400


def accept_many(count: int) -> None:
    """Accepted pings, each of another installation, stored by the real path."""
    from telemetry.accepting import accept, prepare

    body = ping_body()
    for _ in range(count):
        named = body.replace(PLACE.encode(), str(uuid.uuid4()).encode())
        accept(prepare(named), channel="http", received_at=datetime.now(UTC), hint=False)


def bare(bodies: Sequence[bytes], paths: Sequence[str]) -> None:
    """The floor: parse, flatten, keep the values of ``paths`` as an array, fifty a commit."""
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
            rows.append(([flat.get(path) for path in paths],))
        with link.transaction(), psycopg.Cursor(link) as cursor:
            cursor.executemany("INSERT INTO bench_arrays (values) VALUES (%s::bigint[])", rows)


def database_size() -> int:
    """Bytes of the whole database but the floor's own table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database()) - pg_total_relation_size('bench_arrays')")
        return int(cursor.fetchone()[0])


def measure(bench: Bench, paths: Sequence[str], words: str) -> list[Row]:
    """Floor and worker in turns, with definitions for ``paths``."""
    from telemetry import worker
    from telemetry.models import Ping

    define([STAGE], paths)
    count = 100 if bench.quick else PINGS
    bodies = [ping_body()] * count
    ours: list[float] = []
    floor: list[float] = []
    before, stored = database_size(), 0
    for turn in range(2 if bench.quick else 5):
        accept_many(count)
        begun = time.perf_counter()
        bare(bodies, paths)
        floor.append(count / (time.perf_counter() - begun))
        begun = time.perf_counter()
        done = worker.read_all()
        ours.append(done / (time.perf_counter() - begun))
        stored += done
        bench.say(f"  {words}, round {turn + 1}: {done} pings")
    each = (database_size() - before) / stored / 1024
    left = Ping.objects.exclude(state=Ping.State.READ).count()
    ratio = middle([mine / other for mine, other in zip(ours, floor, strict=True)])
    return [
        Row(work=f"parse, flatten, {len(paths):,} values as an array, done bare", samples=floor, unit="/s"),
        Row(
            work=f"read, classify, judge and record in the worker, {words}",
            samples=ours,
            unit="/s",
            ratio=ratio,
            budget="≥ 0.5 of the bare work",
            met=ratio >= 0.5 and not left,
            note=f"{left} not read" if left else "",
        ),
        Row(
            work=f"disk per stored ping, raw and readings, {words}",
            samples=[each],
            unit="KB",
            budget="< 40 KB",
            met=each < 40,
        ),
    ]


@case("reading", order=20)
def reading(bench: Bench) -> list[Row]:
    """What one worker process does with accepted pings, each of another installation with 2,000 leaves in 79 KB. The
    floor parses them with orjson, flattens them and stores the values that are defined as one array, fifty a commit,
    from bodies in memory; the worker claims them in the database, decompresses, reads and classifies every leaf, judges
    the ping, records its report, and counts issues and unknown keys.

    Measured with 150 of the leaves defined, so that 1,850 are unknown and counted, and with all of them defined.
    *Disk* is what the whole database grew by, indexes and everything else included, per ping.
    """
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_arrays (id bigserial PRIMARY KEY, values bigint[])")
    return [
        *measure(bench, key_paths(FEW), f"{FEW} of {LEAVES:,} leaves defined"),
        *measure(bench, key_paths(LEAVES), f"all {LEAVES:,} leaves defined"),
    ]
