"""What readers of figures wait for, in process: the API, a passport and a stage's page at 50,000 installations."""

from __future__ import annotations

import time
from statistics import median

from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from metrics.engine.rollup import roll_up_all
from portal.models import User
from tests.bench.harness import Bench, Row, case
from tests.bench.month import MONTH, define, fill

PASSPORT = f"/figures/smau.bench.{MONTH}/"
STAGE = "/stages/bench/"
STAGE_MS, STAGE_QUERIES = 100, 15


class Reader:
    """Somebody who is signed in."""

    def __init__(self) -> None:
        user, _ = User.objects.get_or_create(username="bench-reader")
        self.client = Client(HTTP_HOST="localhost")
        self.client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")

    def wait(self, address: str) -> float:
        """Milliseconds until a page is there."""
        begun = time.perf_counter()
        answer = self.client.get(address)
        waited = (time.perf_counter() - begun) * 1000
        if answer.status_code != 200:
            raise RuntimeError(f"{address}: {answer.status_code}")
        return waited

    def waits(self, address: str, times: int, *, cold: bool = False) -> list[float]:
        """So many times; ``cold``: as after a roll-up, when nothing of it is kept."""
        self.wait(address)
        samples = []
        for _ in range(times):
            if cold:
                cache.clear()
            samples.append(self.wait(address))
        return samples

    def queries(self, address: str) -> int:
        """How many statements it takes."""
        with CaptureQueriesContext(connection) as captured:
            self.wait(address)
        return len(captured)


def at(samples: list[float], share: float) -> float:
    """A percentile."""
    return sorted(samples)[min(int(len(samples) * share), len(samples) - 1)]


def spread(samples: list[float], share: float) -> str:
    """Median and a percentile in words."""
    return f"p50 {median(samples):.1f} ms, p{share * 100:.0f} {at(samples, share):.1f} ms"


@case("figures", order=90)
def figures(bench: Bench) -> list[Row]:
    """What readers wait for at 50,000 installations, in process through all middleware: the figure API with one
    question, a stage's page with its panels while its charts are kept and at the first look after a roll-up, when
    they are drawn anew, and the first page of a passport, which adds up all contributions each time.

    *Disk per report* is what reports and their readings take, indexes included, without the body of the ping; the
    body is in the rows of the case `reading`.
    """
    number, times = (1_000, 5) if bench.quick else (50_000, 100)
    define()
    bench.say(f"  writing a month of {number:,} installations")
    fill(number)
    roll_up_all()
    reader, among = Reader(), f"{number:,} installations"
    api = reader.waits(f"/api/v1/figures/?indicator=smau&stage=bench&month={MONTH}", 2 * times)
    stage, cold = reader.waits(STAGE, times), reader.waits(STAGE, max(times // 5, 2), cold=True)
    warm_queries = reader.queries(STAGE)
    cache.clear()
    cold_queries = reader.queries(STAGE)
    passport = reader.waits(PASSPORT, max(times // 5, 2))
    return [
        Row(work=f"figure API, {among}", samples=api, unit="ms", note=spread(api, 0.99)),
        Row(
            work=f"stage page, {among}",
            samples=stage,
            unit="ms",
            budget=f"p95 < {STAGE_MS} ms, ≤ {STAGE_QUERIES} queries",
            met=at(stage, 0.95) < STAGE_MS and warm_queries <= STAGE_QUERIES,
            note=f"{spread(stage, 0.95)}, {warm_queries} queries",
        ),
        Row(
            work="the same at the first look after a roll-up",
            samples=cold,
            unit="ms",
            budget=f"p95 < {STAGE_MS} ms, ≤ {STAGE_QUERIES} queries",
            met=at(cold, 0.95) < STAGE_MS and cold_queries <= STAGE_QUERIES,
            note=f"{spread(cold, 0.95)}, {cold_queries} queries",
        ),
        Row(
            work=f"passport, first page, {among}",
            samples=passport,
            unit="ms",
            note=f"{spread(passport, 0.95)}, {reader.queries(PASSPORT)} queries; added up each time",
        ),
        size_of_a_report(),
    ]


def size_of_a_report() -> Row:
    """Bytes on disk per report, its indexes included."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (pg_total_relation_size('metrics_report') + pg_total_relation_size('metrics_reportpage'))::float8"
            " / (SELECT count(*) FROM metrics_report)"
        )
        (each,) = cursor.fetchone()
    return Row(work="disk per report of 150 metrics, without the raw ping", samples=[each / 1024], unit="KB")
