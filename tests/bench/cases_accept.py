"""Accepting pings: the portal with all its middleware against the floor, on the same server with the same settings."""

from __future__ import annotations

import contextlib
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg
from django.db import connection

from telemetry.verbs.keys import make_ingest_key
from tests.bench.floor import TABLE
from tests.bench.harness import Bench, Row, case, python
from tests.bench.load import HOST, PLACE, Outcome, fire, middle
from tests.ops.conftest import eventually, free_port

ROUNDS = 5
SECONDS = 3.0
CLIENTS = 8
CROWD = 64
NO_LIMITS = {f"TELEMETRY_RATE_{whom}": "0" for whom in ("ADDRESS", "INSTALLATION", "KEY")}


@contextlib.contextmanager
def server(application: str, dsn: str, bench: Bench) -> Iterator[int]:
    """granian with the settings of ``make serve``."""
    port = free_port()
    with (bench.folder / f"{application.split(':')[0]}.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(python(), "-m", "granian", "--interface", "wsgi", application, "--port", str(port)),
                *("--workers", "2", "--blocking-threads", "4", "--no-ws", "--log-level", "warning"),
                "--respawn-failed-workers",
            ],
            env=os.environ | NO_LIMITS | {"BENCH_DSN": dsn},
            stdout=log,
            stderr=log,
        )
        try:
            eventually(lambda: up(port), patience=60)
            yield port
        finally:
            process.terminate()
            process.wait()


def up(port: int) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/", timeout=2) as answer:
        return bool(answer.status == 200)


@dataclass
class Door:
    """A way in, and what came of knocking: in turns with the floor, and from a crowd."""

    path: str
    key: str = ""
    outcomes: list[Outcome] = field(default_factory=list)
    crowd: list[Outcome] = field(default_factory=list)

    def rows(self, floor: list[Outcome]) -> list[Row]:
        """What the table says of this door."""
        ratio = middle([mine.rate / bare.rate for mine, bare in zip(self.outcomes, floor, strict=True)])
        slowest = [outcome.percentile(99) for outcome in self.outcomes]
        errors = sum(outcome.errors for outcome in self.outcomes)
        lost = sum(outcome.errors for outcome in self.crowd)
        return [
            Row(
                work=f"POST {self.path} accepted, {CLIENTS} clients",
                samples=[outcome.rate for outcome in self.outcomes],
                unit="/s",
                ratio=ratio,
                budget="≥ 0.6 of the bare app",
                met=ratio >= 0.6 and not errors,
                note=_errors(self.outcomes),
            ),
            Row(work="… p50", samples=[outcome.percentile(50) for outcome in self.outcomes], unit="ms"),
            Row(work="… p99", samples=slowest, unit="ms", budget="< 50 ms", met=middle(slowest) < 50),
            Row(
                work=f"… with {CROWD} clients",
                samples=[outcome.rate for outcome in self.crowd],
                unit="/s",
                budget="0 errors",
                met=lost == 0,
                note=_errors(self.crowd),
            ),
            Row(work="… … p50", samples=[outcome.percentile(50) for outcome in self.crowd], unit="ms"),
            Row(work="… … p99", samples=[outcome.percentile(99) for outcome in self.crowd], unit="ms"),
        ]


def _errors(outcomes: list[Outcome]) -> str:
    first = next((outcome.first_error for outcome in outcomes if outcome.first_error), "")
    return f"{sum(outcome.errors for outcome in outcomes)} errors{': ' if first else ''}{first}"


@case("accept", order=10)
def accept(bench: Bench) -> list[Row]:
    """How many pings of 2,000 leaves a second are taken at each door, all middleware on, by granian with the settings
    of `make serve`: two processes of four threads. The floor is a bare WSGI app on the same server that reads the
    body, compresses it with zstd and stores it, one row and one commit a ping, no framework. Floor and doors are
    fired at in turns, so that whatever else the machine does meets all of them, by clients that keep their
    connection and send the next ping when the last is answered; each ping is of another installation, or with a key
    of another moment.

    *p50* and *p99* are times to the answer; those with 64 clients are mostly the queue before eight threads. An
    error is any answer but a 2xx, and any connection that breaks.
    """
    words = connection.get_connection_params()
    dsn = psycopg.conninfo.make_conninfo(
        **{key: words[key] for key in ("dbname", "user", "password", "host", "port") if words.get(key)}
    )
    with psycopg.connect(dsn, autocommit=True) as link:
        link.execute(TABLE)
    _key, secret = make_ingest_key(label="bench", uuid=PLACE, hostname=HOST)
    doors = [Door("/usage_data"), Door("/api/v1/pings/", secret)]
    floor: list[Outcome] = []
    rounds, seconds = (2, 1.0) if bench.quick else (ROUNDS, SECONDS)
    with (
        server("tests.bench.floor:application", dsn, bench) as floor_port,
        server("portal.wsgi:application", dsn, bench) as port,
    ):
        fire(floor_port, "/", clients=CLIENTS, seconds=1)
        for door in doors:
            fire(port, door.path, clients=CLIENTS, seconds=1, key=door.key)
        for turn in range(rounds):
            bench.say(f"  round {turn + 1} of {rounds}")
            floor.append(fire(floor_port, "/", clients=CLIENTS, seconds=seconds))
            for door in doors:
                door.outcomes.append(fire(port, door.path, clients=CLIENTS, seconds=seconds, key=door.key))
        for door in doors:
            door.crowd.append(fire(port, door.path, clients=CROWD, seconds=max(seconds, 2.0), key=door.key))
    bare = Row(work="bare WSGI app storing the zstd body", samples=[outcome.rate for outcome in floor], unit="/s")
    return [bare, *(row for door in doors for row in door.rows(floor))]
