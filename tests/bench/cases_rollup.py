"""Figures: recording a month of 10,000 installations, rolling it up, and correcting it by one late report."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

from metrics.definitions.catalogue import reading_plan
from metrics.engine.rollup import roll_up_all, roll_up_dirty, roll_up_month
from metrics.facts import ReportFacts, record_reports
from metrics.periods import Month
from portal.plugins.registry import registry
from tests.bench.harness import Bench, Row, case

INSTALLATIONS = 10_000
MONTH = Month(2026, 9)
VERSIONS = ("16.11.2", "17.3.0", "17.5.1", "18.0.0", "18.2.0")
EDITIONS = (("EE", "premium"), ("EE", "ultimate"), ("EE Free", ""), ("CE", ""))


def report(number: int, slots: list[int], chance: random.Random, *, late: bool = False) -> ReportFacts:
    """What one installation says in the month; about a tenth of the readings is missing."""
    edition, plan = EDITIONS[number % len(EDITIONS)]
    return ReportFacts(
        uuid=f"00000000-0000-4000-9000-{number:012}",
        hostname=f"host-{number}.example.com",
        recorded_at=datetime(2026, 9, 28 if late else 1 + number % 27, 4, number % 60, tzinfo=UTC)
        + timedelta(hours=12 if late else 0),
        source=f"bench:{number}{'-late' if late else ''}",
        version=VERSIONS[number % len(VERSIONS)],
        edition=edition,
        license_plan=plan,
        license_user_count=50 if plan else None,
        readings={slot: chance.randrange(1000) for slot in slots if chance.random() > 0.1},
    )


@case("rollup", order=30)
def rollup(bench: Bench) -> list[Row]:
    """On the demo's dictionary, with every metric of it reported."""
    for plugin, step in registry.each("demo"):
        if plugin.name in {"stages", "metrics"}:
            step.run(lambda words: None)
    count = 1_000 if bench.quick else INSTALLATIONS
    slots = sorted(facts.slot for facts in reading_plan().by_key_path.values() if facts.slot is not None)
    chance = random.Random(7)
    recorded: list[float] = []
    for first in range(0, count, 500):
        reports = [report(number, slots, chance) for number in range(first, min(first + 500, count))]
        begun = time.perf_counter()
        record_reports(reports)
        recorded.append(len(reports) / (time.perf_counter() - begun))
        if first % 2500 == 0:
            bench.say(f"  {first + len(reports):,} of {count:,} reports recorded")
    begun = time.perf_counter()
    roll_up_dirty()
    first_time = time.perf_counter() - begun
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

    def whole() -> None:
        with transaction.atomic():
            roll_up_month(MONTH, whole=True)

    rebuilt = bench.repeat(whole)
    late: list[float] = []
    for number in range(3, 23):
        record_reports([report(number, slots, chance, late=True)])
        begun = time.perf_counter()
        roll_up_dirty()
        late.append((time.perf_counter() - begun) * 1000)
    roll_up_all()
    median_late = sorted(late)[len(late) // 2]
    return [
        Row(work=f"recording reports of {len(slots)} metrics, 500 a transaction", samples=recorded, unit="/s"),
        Row(
            work=f"first roll-up, {count:,} installations, {len(slots)} metrics, all cuts",
            samples=[first_time],
            unit="s",
            note="with the months that its counters reach into",
        ),
        Row(work=f"roll-up of one month anew, {count:,} installations", samples=rebuilt, unit="s"),
        Row(
            work="one late report to corrected figures",
            samples=late,
            unit="ms",
            budget="< 50 ms",
            met=median_late < 50,
        ),
    ]
