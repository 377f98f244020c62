"""The roll-up: what it follows, how much work it is, and that several at once do no harm."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from metrics.definitions.slots import allot_slots
from metrics.engine import rollup
from metrics.engine.months import close_month
from metrics.engine.rollup import roll_up_all, roll_up_dirty
from metrics.facts import Missing, record_reports, refill_report
from metrics.figures.months import month_facts
from metrics.management import progress
from metrics.models import DirtyMonth, IndicatorMapping
from metrics.periods import Month
from tests.databases import database_url
from tests.metrics.test_engine_against_naive_model import TABLES, rows
from tests.metrics.world import a_metric, a_smau, a_subscription, ask, facts, mapped, report
from tests.subportal import Subportal

MAY = Month(2026, 5)


@pytest.mark.django_db
def test_a_metric_that_becomes_a_counter_gets_a_new_place_and_its_past_is_filled_back() -> None:
    metric = a_smau("create")
    for month, value in (("04", 10), ("05", 14)):
        report("a", f"2026-{month}-04", {metric: value}, source=f"t:{month}", edition="EE")
    assert ask().recorded == 14
    metric.time_frame = "all"
    old = metric.slot
    allotment = allot_slots([metric])
    metric.save()
    assert allotment.write()
    assert metric.slot != old
    assert ask().flags == ("no_monthly_value",)
    for month, value in (("04", 10), ("05", 14)):
        refill_report(source=f"t:{month}", readings={metric.slot or 0: value})
    assert ask().recorded == 4


@pytest.mark.django_db
def test_a_metric_whose_type_changed_counts_where_it_is_a_number() -> None:
    smau = a_smau("create")
    report("a", "2026-04-04", {smau: Missing.WRONG_TYPE})
    report("a", "2026-05-04", {smau: 2**63})
    assert (ask().recorded, ask(month="2026-04").recorded) == (2**63, None)


@pytest.mark.django_db
def test_the_work_of_a_late_report_does_not_grow_with_the_installations(
    queries: Callable[[], AbstractContextManager[Any]],
) -> None:
    smau = a_smau("create")
    statements: list[list[str]] = []
    for number in (5, 300):
        record_reports([facts(f"i{n}", "2026-05-04", {smau: n}, subscription=f"S{n}") for n in range(number)])
        roll_up_dirty()
        report("i1", f"2026-05-{10 + len(statements)}", {smau: 100 + len(statements)}, subscription="S1")
        with queries() as ran:
            [done] = roll_up_dirty()
        assert (done.whole, done.changed) == (False, True)
        statements.append([statement[:30] for statement in ran.statements])
    assert statements[0] == statements[1]


@pytest.mark.django_db
def test_one_month_counted_anew_follows_the_mappings_and_is_checked() -> None:
    smau, other, umau = a_smau("create"), a_metric("usage.other"), a_metric("usage.anyone")
    mapped(umau, kind="umau", subject="")
    for month in ("04", "05"):
        report("a", f"2026-{month}-04", {smau: 10, other: 17, umau: 12})
        close_month(month=Month(2026, int(month)), actor=None, reason="all in")
    IndicatorMapping.objects.filter(metric=smau).update(metric=other)
    out = StringIO()
    call_command("rollup", month="2026-05", json=True, stdout=out)
    assert sorted(row["month"] for row in json.loads(out.getvalue())["months"]) == ["2026-04", "2026-05"]
    for counted in (MAY, MAY.previous):
        assert [found["rule"] for found in month_facts([counted])[0].findings] == ["smau_within_umau"]


@pytest.mark.django_db
def test_a_month_that_cannot_be_counted_does_not_keep_the_others_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    smau = a_smau("create")
    report("a", "2026-05-04", {smau: 10})
    report("a", "2026-06-04", {smau: 10})
    real = rollup.roll_up_month

    def broken(month: Month, **options: Any) -> Any:
        if month == MAY:
            raise RuntimeError("no")
        return real(month, **options)

    monkeypatch.setattr(rollup, "roll_up_month", broken)
    with pytest.raises(RuntimeError):
        roll_up_dirty()
    monkeypatch.undo()
    assert [f"{note.month:%Y-%m}" for note in DirtyMonth.objects.all()] == ["2026-05"]
    roll_up_dirty()
    assert not DirtyMonth.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_processes_that_roll_up_at_once_give_the_rows_of_one(tmp_path: Path) -> None:
    smau = a_smau("create")
    counter = a_metric("counts.ever", frame="all")
    for month in ("03", "04", "05"):
        record_reports(
            [
                facts(f"i{n}", f"2026-{month}-04", {smau: n, counter: n * int(month)}, subscription=f"S{n % 7}")
                for n in range(40)
            ]
        )
    portal = Subportal(database=database_url(connection.settings_dict["NAME"]), data_dir=tmp_path)
    with ThreadPoolExecutor(2) as both:
        for done in [both.submit(portal.manage, "rollup", "--all", "--json") for _ in range(2)]:
            assert json.loads(done.result().stdout)["months"]
    together = rows()
    assert len(together["metrics_monthreport"]) == 120
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(TABLES)}, metrics_figuremonth, metrics_monthrevision CASCADE")
    roll_up_all()
    assert rows() == together


@pytest.mark.django_db
@pytest.mark.parametrize("users", [3, 2**40, 2**62])
def test_seats_of_any_size_are_counted_to_the_unit(users: int) -> None:
    smau = a_smau("create")
    a_subscription("listed", seats=5)
    report("a", "2026-05-04", {smau: 1}, subscription="alone", license_user_count=users)
    report("b", "2026-05-04", {smau: None}, subscription="alone too", license_user_count=users)
    report("c", "2026-05-04", {smau: None}, subscription="shared", license_user_count=users)
    report("d", "2026-05-04", {smau: 2}, subscription="shared", license_user_count=1)
    report("e", "2026-05-04", {smau: 2**63}, subscription="listed", license_user_count=users)
    for _ in range(2):
        share = ask(grain="reported-seat").parts[0].share
        assert (share.numerator, share.denominator) == (2 * users + 5, 3 * users + 5)
        assert ask(grain="reported-subscription").parts[0].share.numerator == 3
        assert not any(month.changed for month in roll_up_all())


@pytest.mark.parametrize(
    ("command", "arguments", "options"),
    [
        ("rollup", [], {}),
        ("rollup", [], {"month": "2026-10"}),
        ("rollup", [], {"all": True}),
        ("close_month", ["2026-10"], {"reason": "all in"}),
    ],
)
def test_long_roll_ups_say_how_far_they_are_and_json_stays_alone(
    db: None, monkeypatch: pytest.MonkeyPatch, command: str, arguments: list[str], options: dict[str, Any]
) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.0)
    report("a", "2026-10-05", {a_smau("create"): 1})
    err = StringIO()
    call_command(command, *arguments, stdout=StringIO(), stderr=err, **options)
    assert "2026-10: 0 of 1 pages of metrics counted" in err.getvalue()
    out, err = StringIO(), StringIO()
    call_command(command, *arguments, stdout=out, stderr=err, json=True, **options)
    assert json.loads(out.getvalue())
    assert err.getvalue() == ""
