"""Accepting pings: the portal with all its middleware against the floor, on the same server with the same settings."""

from __future__ import annotations

import contextlib
import os
import subprocess
import urllib.request
from collections.abc import Iterator

import psycopg
from django.db import connection

from tests.bench.floor import TABLE
from tests.bench.harness import Bench, Row, case, python
from tests.bench.load import Outcome, fire, middle
from tests.ops.conftest import eventually, free_port

ROUNDS = 5
SECONDS = 3.0
CLIENTS = 8


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
            env=os.environ | {"BENCH_DSN": dsn, "TELEMETRY_RATE_ADDRESS": "0", "TELEMETRY_RATE_INSTALLATION": "0"},
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


@case("accept", order=10)
def accept(bench: Bench) -> list[Row]:
    """In turns, so that whatever else the machine does meets both."""
    words = connection.get_connection_params()
    dsn = psycopg.conninfo.make_conninfo(
        **{key: words[key] for key in ("dbname", "user", "password", "host", "port") if words.get(key)}
    )
    with psycopg.connect(dsn, autocommit=True) as link:
        link.execute(TABLE)
    floor: list[Outcome] = []
    portal: list[Outcome] = []
    rounds, seconds = (2, 1.0) if bench.quick else (ROUNDS, SECONDS)
    with (
        server("tests.bench.floor:application", dsn, bench) as floor_port,
        server("portal.wsgi:application", dsn, bench) as port,
    ):
        for outcomes, where, path in ((floor, floor_port, "/"), (portal, port, "/usage_data")):
            outcomes.append(fire(where, path, clients=CLIENTS, seconds=1))
        floor.clear()
        portal.clear()
        for turn in range(rounds):
            bench.say(f"  round {turn + 1} of {rounds}")
            floor.append(fire(floor_port, "/", clients=CLIENTS, seconds=seconds))
            portal.append(fire(port, "/usage_data", clients=CLIENTS, seconds=seconds))
        crowd = fire(port, "/usage_data", clients=64, seconds=seconds)
    errors = sum(outcome.errors for outcome in portal)
    first = next((outcome.first_error for outcome in portal if outcome.first_error), "")
    ratio = middle([mine.rate / bare.rate for mine, bare in zip(portal, floor, strict=True)])
    slowest = [outcome.percentile(99) for outcome in portal]
    return [
        Row(work="bare WSGI app storing the zstd body", samples=[outcome.rate for outcome in floor], unit="/s"),
        Row(
            work=f"POST /usage_data accepted, {CLIENTS} clients",
            samples=[outcome.rate for outcome in portal],
            unit="/s",
            ratio=ratio,
            budget="≥ 0.6 of the bare app",
            met=ratio >= 0.6 and not errors,
            note=f"{errors} errors: {first}" if errors else "0 errors",
        ),
        Row(work="… p99", samples=slowest, unit="ms", budget="< 50 ms", met=middle(slowest) < 50),
        Row(
            work="… with 64 clients",
            samples=[crowd.rate],
            unit="/s",
            budget="0 errors",
            met=crowd.errors == 0,
            note=f"{crowd.errors} errors {crowd.first_error}".strip(),
        ),
    ]
