"""What judges of new reports are told of what was recorded before."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from metrics.facts import Missing, hold_report
from metrics.past import last_reports, months_of, spread_of
from tests.metrics.world import a_metric, report

pytestmark = pytest.mark.django_db


def test_the_newest_report_that_counts_with_its_numbers_of_any_size() -> None:
    metrics = [a_metric(f"counts.of_{number}", slot=256 + number) for number in range(5)]
    slots = {metric.slot for metric in metrics if metric.slot is not None}
    report("a", "2026-08-20", {metrics[0]: 1})
    report(
        "a",
        "2026-09-20",
        {metrics[0]: 7, metrics[1]: 2**70, metrics[2]: Decimal("2.5"), metrics[3]: Missing.TIMED_OUT},
        source="t:1",
        version="17.1",
        license_user_count=40,
    )
    report("a", "2026-10-20", {metrics[0]: 9}, source="t:odd")
    hold_report(source="t:odd", reason="odd")
    report("b", "2026-09-20", {metrics[4]: 5})
    found = last_reports([("a", "host"), ("b", "host"), ("c", "host")], slots)
    assert set(found) == {("a", "host"), ("b", "host")}
    last = found["a", "host"]
    assert (last.source, last.version, last.seats) == ("t:1", "17.1", 40)
    assert last.values == {256: 7, 257: 2**70, 258: Decimal("2.5")}
    assert found["b", "host"].values == {260: 5}


def test_only_the_slots_that_are_asked_for() -> None:
    near, far = a_metric("counts.near", slot=256), a_metric("counts.far", slot=600)
    report("a", "2026-09-20", {near: 1, far: 2})
    assert last_reports([("a", "host")], {600})["a", "host"].values == {600: 2}
    assert last_reports([("a", "host")], set())["a", "host"].values == {}
    assert last_reports([], {600}) == {}


def test_the_reports_of_the_months_before_the_newest_first() -> None:
    metric = a_metric("counts.near", slot=256)
    for day in ("2026-06-20", "2026-08-02", "2026-08-20", "2026-09-20", "2026-10-20"):
        report("a", day, {metric: int(day[5:7]) * 100 + int(day[8:])})
    before = datetime(2026, 10, 1, tzinfo=UTC)
    found = months_of(("a", "host"), {256}, before=before, count=2)
    assert [one.values[256] for one in found] == [920, 820]
    assert months_of(("nobody", "host"), {256}, before=before) == []


def test_how_large_a_metric_is_over_the_newest_reports() -> None:
    metric, other = a_metric("counts.near", slot=256), a_metric("counts.far", slot=600)
    report("old", "2026-01-20", {metric: 10**9})
    for number in range(1, 4):
        report(f"i{number}", "2026-09-20", {metric: 10**6})
        report(f"i{number}", "2026-10-20", {metric: number * 10, other: Missing.FAILED})
    found = spread_of({256, 600}, since=date(2026, 6, 1))
    assert set(found) == {256}
    assert (found[256].installations, found[256].median) == (3, 20.0)
    assert spread_of(set(), since=date(2026, 6, 1)) == {}
