"""What should not be, and is: each has a defined outcome."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from metrics.engine.months import close_month
from metrics.engine.rollup import roll_up_all, roll_up_dirty
from metrics.facts import Missing
from metrics.figures.left_out import left_out
from metrics.figures.queries import Figure, figure
from metrics.figures.question import Question
from metrics.figures.scope import scope_behind
from metrics.imports import import_readings
from metrics.periods import Month
from tests.metrics.builders import definition, import_all, the_metric
from tests.metrics.world import a_metric, a_smau, a_subscription, report

pytestmark = pytest.mark.django_db

KEY = "counts.things"
SEPTEMBER, OCTOBER = Month(2026, 9), Month(2026, 10)


def of(month: Month, *, published: bool = False) -> Figure:
    roll_up_dirty()
    return figure(Question("metric", month, KEY, published=published))


def imported(value: int, month: int) -> None:
    line = f"u,h,2026-{month:02d}-28T12:00:00Z,{KEY},all,{value}\n"
    outcome = import_readings(content=f"uuid,hostname,recorded_at,metric,population,value\n{line}".encode())
    assert outcome.imported


def test_a_time_frame_that_becomes_since_install_takes_imported_readings_along(tmp_path: Path) -> None:
    import_all(tmp_path, definition(KEY, time_frame="28d"))
    imported(40, 9)
    imported(50, 10)
    close_month(month=SEPTEMBER, actor=None, reason="all in")
    before = the_metric(KEY).slot
    import_all(tmp_path, definition(KEY, time_frame="all"))
    assert the_metric(KEY).slot != before
    assert (of(OCTOBER).recorded, of(SEPTEMBER).recorded) == (10, None)
    assert "no_baseline" in of(SEPTEMBER).flags
    # What was published stays, and the change is told as a restatement.
    assert (of(SEPTEMBER, published=True).recorded, "restated" in of(SEPTEMBER).flags) == (40, True)
    imported(75, 11)
    assert of(Month(2026, 11)).recorded == 25
    import_all(tmp_path, definition(KEY, time_frame="28d"))
    assert [of(Month(2026, month)).recorded for month in (9, 10, 11)] == [40, 50, 75]
    assert not any(one.changed for one in roll_up_all())


def test_a_metric_that_is_no_number_for_a_while_has_its_imported_readings_again_afterwards(tmp_path: Path) -> None:
    import_all(tmp_path, definition(KEY))
    imported(40, 9)
    import_all(tmp_path, definition(KEY, value_type="string"))
    assert the_metric(KEY).slot is None
    import_all(tmp_path, definition(KEY))
    assert of(SEPTEMBER).recorded == 40


def test_a_metric_of_mixed_types_counts_where_it_is_a_number() -> None:
    metric = a_metric(KEY)
    for month, value in ((8, 3), (9, Missing.WRONG_TYPE), (10, Decimal("2.5"))):
        report("a", f"2026-{month:02d}-05", {metric: value})
    report("b", "2026-09-05", {metric: 4})
    assert [of(Month(2026, month)).recorded for month in (8, 9, 10)] == [3, 4, Decimal("2.5")]
    september = of(SEPTEMBER)
    assert [one.reason for one in left_out(september.question, scope_behind(september))] == ["wrong_type"]


def test_a_counter_of_mixed_types_has_no_baseline_after_the_odd_month() -> None:
    metric = a_metric(KEY, frame="all")
    for month, value in ((8, 3), (9, Missing.WRONG_TYPE), (10, 9), (11, Decimal("9.5"))):
        report("a", f"2026-{month:02d}-05", {metric: value})
    assert [of(Month(2026, month)).recorded for month in (8, 9, 10, 11)] == [None, None, None, Decimal("0.5")]
    assert "no_baseline" in of(OCTOBER).flags


@pytest.mark.parametrize("month", [Month(2026, 9), Month(1990, 1), Month(9999, 12)])
def test_a_month_without_any_report_has_figures_that_say_so(month: Month) -> None:
    metric = a_metric(KEY)
    a_subscription("S")
    report("a", "2026-10-05", {metric: 3})
    found = of(month)
    known = 1 if month >= SEPTEMBER else 0
    assert (found.recorded, found.uplift, found.flags) == (None, None, ("no_report",))
    assert (found.coverage.reporting, found.coverage.pinging, found.coverage.known) == (0, 0, known)


def test_a_month_without_any_report_can_be_closed_and_stays_as_it_was() -> None:
    metric = a_metric(KEY)
    close_month(month=SEPTEMBER, actor=None, reason="nobody")
    report("a", "2026-09-05", {metric: 3})
    assert (of(SEPTEMBER, published=True).recorded, of(SEPTEMBER).recorded) == (None, 3)
    assert "restated" in of(SEPTEMBER).flags


def test_without_anybody_who_could_report_nothing_is_added_and_it_says_so() -> None:
    metric = a_metric(KEY)
    a_subscription("silent")
    report("a", "2026-10-05", {metric: 100}, version="13.3")
    found = of(OCTOBER)
    assert (found.recorded, found.uplift, found.estimated) == (100, 0, 100)
    assert "cannot_be_estimated" in found.flags


def test_counters_beyond_64_bits_are_exact() -> None:
    smau, counter = a_smau("create"), a_metric(KEY, frame="all")
    for who in ("a", "b"):
        report(who, "2026-09-05", {smau: 1, counter: 2**63})
        report(who, "2026-10-05", {smau: 2**63, counter: 2**64 + 1}, version="13.3", subscription=who)
    for name in ("a", "b", "c"):
        a_subscription(name)
    assert of(OCTOBER).recorded == 2 * (2**64 + 1 - 2**63)
    found = figure(Question("smau", OCTOBER, "create"))
    assert (found.recorded, found.uplift) == (2**64, 2**63)
