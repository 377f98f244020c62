"""The roll-up of a month against the leanest SQL for its recorded sums, and one late report, at two sizes."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from statistics import median

from metrics.engine.rollup import roll_up_all, roll_up_dirty, roll_up_month
from metrics.facts import ReportFacts, record_reports
from tests.bench.harness import Bench, Row, case
from tests.bench.month import MONTH, SLOTS, define, fill, forget_rolled, leanest

BUDGET = 3
LATE_MS = 50


def first_time(times: int) -> list[float]:
    """Seconds of a roll-up that writes every row, so many times."""
    samples = []
    for _ in range(times):
        forget_rolled()
        begun = time.perf_counter()
        roll_up_month(MONTH, whole=True)
        samples.append(time.perf_counter() - begun)
    return samples


def late(number: int) -> float:
    """Milliseconds from a late report at the door to the corrected figures."""
    fact = ReportFacts(
        uuid=f"bench-{number}",
        hostname=f"host-{number}",
        recorded_at=datetime(2026, 9, 30, 5, tzinfo=UTC),
        source=f"bench:late-{number}",
        version="13.9",
        edition="EE",
        subscription=f"sub-{number}",
        readings=dict.fromkeys(SLOTS, number),
    )
    begun = time.perf_counter()
    record_reports([fact])
    roll_up_dirty(check=False)
    return (time.perf_counter() - begun) * 1000


def size(bench: Bench, number: int, *, judged: bool) -> list[Row]:
    """All rows of one size; the ratio is ``judged`` at the larger one, since it falls with the size."""
    bench.say(f"  writing a month of {number:,} installations")
    fill(number)
    first = first_time(2 if bench.quick else 3)
    roll_up_all()
    floor, again = [], []
    for _ in range(2 if bench.quick else 7):
        # In turns, so that the machine's other work meets both.
        floor += bench.repeat(leanest, 1)
        again += bench.repeat(lambda: roll_up_month(MONTH, whole=True), 1)
    late_ones = [late(20 * index + 1) for index in range(1, 21)]
    ratio, among = median(again) / median(floor), f"{number:,} installations"
    return [
        Row(work=f"leanest SQL for the recorded sums, {among}, 150 metrics", samples=floor, unit="s"),
        Row(
            work=f"full month, all cuts and grains, {among}, 150 metrics",
            samples=again,
            unit="s",
            ratio=ratio,
            budget=f"≤ {BUDGET} ×" if judged else "",
            met=ratio <= BUDGET if judged else None,
            note="counted anew from the facts, compared with what is stored",
        ),
        Row(
            work=f"the same for the first time, {among}",
            samples=first,
            unit="s",
            ratio=median(first) / median(floor),
            note="every row is written, one per installation among them",
        ),
        Row(
            work=f"one late report to corrected figures, among {among}",
            samples=late_ones,
            unit="ms",
            budget=f"< {LATE_MS} ms",
            met=median(late_ones) < LATE_MS,
        ),
    ]


@case("rollup", order=30)
def rollup(bench: Bench) -> list[Row]:
    """A synthetic month of 150 metrics at two sizes: two reports of each installation, a tenth of the readings
    missing, subscriptions of which some are shared. The floor is one SQL statement that sums the readings by
    delivery, edition, tier and version, over the reports that the roll-up has chosen already; it counts nothing and
    writes nothing.

    *Full month* is the whole roll-up counted anew, with choice of reports, counts, first versions, coverage and
    estimates, compared with what is stored; *for the first time* it also writes every row. *One late report* is
    from the door of facts to the corrected figures, and should not depend on how many installations there are.
    """
    define()
    small, large = (1_000, 2_000) if bench.quick else (10_000, 50_000)
    return [*size(bench, small, judged=False), *size(bench, large, judged=True)]
