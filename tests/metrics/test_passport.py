"""Passports: what a figure is made of adds up to it, and what was left out says why."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from metrics.engine.months import close_month
from metrics.engine.rollup import roll_up_dirty
from metrics.facts import Missing, correct_report, erase_installation, refill_report, release_report
from metrics.figures.contributions import stream_contributions
from metrics.figures.left_out import stream_left_out
from metrics.figures.question import parse_id
from metrics.labels import label_installation
from metrics.models import Report
from metrics.periods import Month
from tests.metrics.world import a_metric, a_smau, a_subscription, facts, mapped, report

pytestmark = pytest.mark.django_db


def run(*arguments: str, **options: Any) -> Any:
    out = StringIO()
    call_command(*arguments, stdout=out, json=True, **options)
    return json.loads(out.getvalue())


def reasons(document: dict[str, Any]) -> dict[str, str]:
    return {
        (row["installation"] or {}).get("uuid") or row["subscription"]: row["reason"] for row in document["left_out"]
    }


def test_a_passport_lists_who_counts_and_who_does_not() -> None:
    smau = a_smau("create")
    counter = a_metric("counts.ever", frame="all")
    mapped(counter, subject="plan")
    label_installation(uuid="saas", hostname="host", delivery="saas")
    label_installation(uuid="odd", hostname="host", exclude="a robot")
    label_installation(uuid="never", hostname="host", exclude="a test")
    report("a", "2026-10-05", {smau: 14}, source="elsewhere:1", edition="EE", license_plan="premium")
    report("b", "2026-10-05", {smau: Missing.TIMED_OUT}, edition="CE")
    report("c", "2026-09-05", {smau: 9})
    report("saas", "2026-10-05", {smau: 80})
    report("odd", "2026-10-05", {smau: 1000})
    report("held", "2026-10-05", {smau: 5000}, held="ten times more than before")
    report("gone", "2026-10-05", {})
    a_subscription("silent")
    document = run("passport", "smau.create.2026-10")
    assert document["figure"]["recorded"] == 94
    assert {row["installation"]["uuid"]: row["value"] for row in document["contributions"]} == {"a": 14, "saas": 80}
    assert document["contributions"][0]["report"].startswith(("elsewhere:", "test:"))
    assert reasons(document) == {
        "b": "timed_out",
        "c": "no_report",
        "odd": "excluded",
        "never": "excluded",
        "held": "quarantined",
        "gone": "absent",
        "silent": "no_report",
    }
    assert document["adds_up"]
    assert document["definition"]["key_path"] == "usage.create"
    assert document["mapping"]["metric"] == "usage.create"
    paid = run("passport", "smau.create.2026-10~self_managed~paid")
    assert [row["value"] for row in paid["contributions"]] == [14]
    assert reasons(paid)["b"] == "not_in_cut"


def test_counters_since_install_say_why_they_have_no_monthly_value() -> None:
    counter = a_metric("counts.ever", frame="all")
    for who, before, now in (("up", 5, 9), ("down", 9, 5), ("new", None, 7), ("wide", 2**63, 2**63 + 4)):
        if before is not None:
            report(who, "2026-09-20", {counter: before})
        report(who, "2026-10-20", {counter: now})
    document = run("passport", "metric.counts.ever.2026-10")
    assert {row["installation"]["uuid"]: row["value"] for row in document["contributions"]} == {"up": 4, "wide": 4}
    assert reasons(document) == {"down": "reset", "new": "no_baseline"}
    assert document["figure"]["recorded"] == 8


def test_a_late_report_restates_a_closed_month_and_says_what_it_was() -> None:
    smau = a_smau("create")
    report("a", "2026-05-04", {smau: 10})
    close_month(month=Month(2026, 5), actor=None, reason="all in")
    report("a", "2026-05-25", {smau: 14}, source="elsewhere:7")
    document = run("passport", "smau.create.2026-05")
    [change] = document["restatements"]
    assert (change["old"], change["new"], change["cause"]) == (10, 14, "late report")
    assert [row["report"] for row in change["reports"]] == ["elsewhere:7"]
    assert "restated" in document["figure"]["flags"]
    published = run("passport", "smau.create.2026-05~published")
    assert published["figure"]["recorded"] == 10
    assert [row["value"] for row in published["contributions"]] == [10]
    assert published["adds_up"]


def test_changes_before_publication_are_no_restatements() -> None:
    smau = a_smau("create")
    report("a", "2026-05-04", {smau: 10})
    run("passport", "smau.create.2026-05")
    report("a", "2026-05-25", {smau: 14})
    close_month(month=Month(2026, 5), actor=None, reason="all in")
    assert run("passport", "smau.create.2026-05")["restatements"] == []


def test_each_cause_is_told_by_its_name() -> None:
    smau = a_smau("create")
    report("a", "2026-05-04", {smau: 10})
    report("b", "2026-05-04", {smau: 100})
    report("held", "2026-05-04", {smau: 1000}, held="odd", source="t:held")
    close_month(month=Month(2026, 5), actor=None, reason="all in")
    steps = (
        lambda: label_installation(uuid="b", hostname="host", exclude="a robot"),
        lambda: release_report(source="t:held", actor=None),
        lambda: erase_installation(uuid="a", hostname="host", actor=None, reason="asked"),
    )
    for step in steps:
        step()
        call_command("rollup", stdout=StringIO())
    found = run("passport", "smau.create.2026-05")["restatements"]
    assert [(one["cause"], one["old"], one["new"]) for one in found] == [
        ("exclusion", 110, 10),
        ("quarantine released", 10, 1010),
        ("erased", 1010, 1000),
    ]
    assert [[one["installation"]["uuid"] for one in change["reports"]] for change in found] == [["b"], ["held"], []], (
        "the reports that began or ceased to count are named; an erased one is gone"
    )


def test_what_was_erased_stays_a_line_of_the_published_passport() -> None:
    smau = a_smau("create")
    report("a", "2026-05-04", {smau: 10})
    report("b", "2026-05-04", {smau: 5})
    close_month(month=Month(2026, 5), actor=None, reason="all in")
    erase_installation(uuid="a", hostname="host", actor=None, reason="asked")
    published = run("passport", "smau.create.2026-05~published")
    assert published["figure"]["recorded"] == 15
    assert published["erased"] == {"installations": 1, "value": 10, "line": "erased: 1 installations, 10"}
    assert published["adds_up"]
    assert not Report.objects.filter(installation__uuid="a").exists()
    assert run("passport", "smau.create.2026-05")["figure"]["recorded"] == 5


def test_what_was_filled_in_later_is_not_in_the_published_passport() -> None:
    smau = a_smau("create")
    report("a", "2026-05-04", {}, source="t:1")
    report("b", "2026-05-04", {smau: 5})
    close_month(month=Month(2026, 5), actor=None, reason="all in")
    refill_report(source="t:1", readings={smau.slot or 0: 7})
    live = run("passport", "smau.create.2026-05")
    assert live["figure"]["recorded"] == 12
    assert live["restatements"][0]["cause"] == "back-filled"
    published = run("passport", "smau.create.2026-05~published")
    assert published["figure"]["recorded"] == 5
    assert published["adds_up"]
    assert reasons(published) == {"a": "absent"}


def test_a_first_version_that_falls_restates_the_estimates_of_later_closed_months() -> None:
    smau = a_smau("create")
    report("a", "2026-05-04", {smau: 100}, version="13.5", edition="EE", subscription="A")
    report("b", "2026-05-04", {}, version="13.4", edition="EE", subscription="B")
    close_month(month=Month(2026, 5), actor=None, reason="all in")
    report("c", "2026-04-04", {smau: 1}, version="13.3", edition="EE")
    document = run("passport", "smau.create.2026-05")
    assert (document["figure"]["uplift"], document["restatements"][0]["old_estimated"]) == (0, 200)
    assert document["restatements"][0]["new_estimated"] == 100
    assert document["restatements"][0]["old"] == document["restatements"][0]["new"] == 100


def test_a_combined_figure_is_made_of_figures() -> None:
    plan, create = a_smau("plan"), a_smau("create")
    report("a", "2026-10-05", {plan: 40, create: 100})
    document = run("passport", "section_cmau.dev.2026-10")
    assert {row["subject"]: row["value"] for row in document["contributions"]} == {"plan": 40, "create": 100}
    assert document["adds_up"]


def test_paid_saas_is_not_measurable_without_paid_readings_and_is_where_they_are_given() -> None:
    smau = a_smau("create")
    label_installation(uuid="saas", hostname="host", delivery="saas")
    report("saas", "2026-10-05", {smau: 80}, license_plan="ultimate")
    report("own", "2026-10-05", {smau: 7}, license_plan="premium")
    found = run("passport", "smau.create.2026-10~paid")
    assert found["figure"]["recorded"] == 7
    assert "paid_saas_not_measurable" in found["figure"]["flags"]
    assert reasons(found) == {"saas": "paid_not_measurable"}
    saas_only = run("passport", "smau.create.2026-10~saas~paid")["figure"]
    assert (saas_only["recorded"], saas_only["uplift"], saas_only["estimated"]) == (None, None, None)
    report("saas", "2026-10-05", {smau: 30}, population="paid")
    found = run("passport", "smau.create.2026-10~paid")
    assert (found["figure"]["recorded"], found["adds_up"]) == (37, True)
    assert "paid_saas_not_measurable" not in found["figure"]["flags"]
    assert run("passport", "smau.create.2026-10")["figure"]["recorded"] == 87


def test_the_sql_of_a_week_gives_its_figure() -> None:
    metric = a_metric("counts_weekly.things", frame="7d")
    label_installation(uuid="saas", hostname="host", delivery="saas")
    label_installation(uuid="odd", hostname="host", exclude="a robot")
    report("a", "2026-05-04", {metric: 1}, license_plan="premium")
    report("a", "2026-05-06", {metric: 7}, license_plan="premium")
    report("free", "2026-05-06", {metric: 2**64})
    report("none", "2026-05-06", {metric: None})
    report("odd", "2026-05-06", {metric: 1000})
    report("saas", "2026-05-07", {metric: 80})
    report("saas", "2026-05-07", {metric: 30}, population="paid")
    for cut, recorded, reporting in (("", 87 + 2**64, 3), ("~paid", 37, 2), ("~self_managed~premium", 7, 1)):
        document = run("passport", f"metric.counts_weekly.things.2026-W19{cut}")
        assert document["figure"]["recorded"] == recorded
        with connection.cursor() as cursor:
            cursor.execute(document["sql"])
            assert cursor.fetchone() == (recorded, reporting)


@pytest.mark.parametrize(
    "figure_id", ["x", "smau.create", "smau.nowhere.2026-10", "smau.create.2026-13", "metric.no.2026-10"]
)
def test_an_id_of_nothing_is_refused_with_a_sentence(figure_id: str) -> None:
    a_smau("create")
    with pytest.raises(CommandError, match=r"(id|metric|month)"):
        call_command("passport", figure_id, stdout=StringIO())


def test_a_report_that_is_read_again_is_a_restatement_and_what_was_published_keeps_its_passport() -> None:
    smau = a_smau("create")
    assert smau.slot is not None
    report("a", "2026-10-05", {smau: 14}, source="elsewhere:1", edition="EE", license_plan="premium")
    report("b", "2026-10-06", {smau: 5})
    call_command("rollup", all=True, stdout=StringIO())
    close_month(month=Month(2026, 10), actor=None, reason="all in")
    now = facts("a", "2026-10-05", {smau: 12}, source="elsewhere:1", edition="CE", version="17.1")
    correction = correct_report(fact=now, slots={smau.slot})
    assert correction.readings == {smau.slot: (14, 12)}
    assert correction.columns["edition"] == ("EE", "CE")
    assert correct_report(fact=now, slots={smau.slot}).is_empty
    call_command("rollup", stdout=StringIO())
    live, then = run("passport", "smau.create.2026-10"), run("passport", "smau.create.2026-10~published")
    assert {row["installation"]["uuid"]: row["value"] for row in live["contributions"]} == {"a": 12, "b": 5}
    assert {row["installation"]["uuid"]: row["value"] for row in then["contributions"]} == {"a": 14, "b": 5}
    assert live["adds_up"]
    assert then["adds_up"]
    assert live["left_out"] == then["left_out"] == []
    [restatement] = live["restatements"]
    assert (restatement["old"], restatement["new"], restatement["cause"]) == (19, 17, "re-read")
    assert [row["report"] for row in restatement["reports"]] == ["elsewhere:1"]


def test_a_held_report_that_is_read_again_stays_held() -> None:
    smau = a_smau("create")
    assert smau.slot is not None
    report("a", "2026-10-05", {smau: 14}, source="elsewhere:1", held="odd")
    correct_report(fact=facts("a", "2026-10-05", {smau: 12}, source="elsewhere:1"), slots={smau.slot})
    assert list(Report.objects.order_by("id").values_list("state", "held_reason")) == [
        ("replaced", "odd"),
        ("held", "odd"),
    ]
    release_report(source="elsewhere:1", actor=None)
    assert run("passport", "smau.create.2026-10")["figure"]["recorded"] == 12


def test_long_lists_are_read_from_a_cursor_on_the_server() -> None:
    smau = a_smau("create")
    for who in ("a", "b", "c"):
        report(who, "2026-05-04", {smau: 1 if who != "c" else None})
    roll_up_dirty()
    question = parse_id("smau.create.2026-05")
    for rows, length in ((stream_contributions(question), 2), (stream_left_out(question), 1)):
        next(rows)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_cursors WHERE statement LIKE '%metrics_monthreport%'")
            assert cursor.fetchone() == (1,)
        assert len(list(rows)) == length - 1
