"""The roll-up and the life of months."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from metrics.definitions.mapping import map_indicator
from metrics.definitions.slots import allot_slots
from metrics.engine import rollup
from metrics.engine.months import MonthError, advance_months, close_month, publish_what_is_final, reopen_month
from metrics.engine.plausibility import check_unchecked, odd
from metrics.engine.rollup import roll_up_all, roll_up_dirty
from metrics.facts import Missing, record_reports, refill_report, use_of
from metrics.figures.asking import questions_from
from metrics.figures.contributions import contributions
from metrics.figures.months import conflicts, month_facts, month_log
from metrics.figures.passport import passport
from metrics.figures.predictions import predictions
from metrics.figures.queries import Figure, figures, series
from metrics.figures.question import QuestionError
from metrics.figures.restatements import restatements
from metrics.figures.scope import scope_of
from metrics.labels import label_installation
from metrics.management import progress
from metrics.models import DirtyMonth, FigureMonth, IndicatorMapping
from metrics.periods import Month
from metrics.tasks import sweep
from portal.models import User
from stages.models import Section
from tests.metrics.test_engine_against_naive_model import TABLES, rows
from tests.metrics.world import a_group, a_metric, a_smau, a_stage, a_subscription, facts, mapped, report
from tests.subportal import Subportal, database_url

MAY = Month(2026, 5)


def ask(**asked: str) -> Figure:
    roll_up_dirty()
    [found] = figures(questions_from({"indicator": "smau", "stage": "create", "month": "2026-05", **asked}))
    return found


@pytest.mark.django_db
def test_months_follow_the_calendar_and_are_published_when_they_become_final(clock: Any) -> None:
    smau = a_smau("create")
    report("a", "2026-05-04", {smau: 10})
    for day, state, published in (
        ("2026-05-31", "open", 0),
        ("2026-06-01", "open", 0),
        ("2026-06-02", "provisional", 0),
        ("2026-08-08", "provisional", 0),
        ("2026-08-09", "final", 1),
        ("2026-08-10", "final", 0),
    ):
        clock.at(day)
        assert len(advance_months()) == published
        assert (ask().state, FigureMonth.objects.get().state) == (state, state)
    assert ask(**{"as": "published"}).recorded == 10


@pytest.mark.django_db
def test_a_month_is_closed_once_and_reopened_with_a_reason(reviewer: User, clock: Any) -> None:
    smau = a_smau("create")
    clock.at("2026-06-10")
    report("a", "2026-05-04", {smau: 10})
    with pytest.raises(MonthError, match="reason"):
        close_month(month=MAY, actor=reviewer, reason=" ")
    with pytest.raises(MonthError, match="has not begun"):
        close_month(month=Month(2026, 7), actor=reviewer, reason="x")
    with pytest.raises(MonthError, match="never closed"):
        reopen_month(month=MAY, actor=reviewer, reason="x")
    assert ask(**{"as": "published"}).flags == ("not_published",)
    first = close_month(month=MAY, actor=reviewer, reason="all in")
    assert close_month(month=MAY, actor=None, reason="again").published_revision == first.published_revision
    assert ask().state == "final"
    with pytest.raises(MonthError, match="reason"):
        reopen_month(month=MAY, actor=reviewer, reason="")
    reopen_month(month=MAY, actor=reviewer, reason="a mistake")
    assert ask().state == "provisional"
    clock.at("2026-12-01")
    assert advance_months() == []
    report("a", "2026-05-24", {smau: 12})
    assert ask(**{"as": "published"}).recorded == 10
    close_month(month=MAY, actor=reviewer, reason="mended")
    assert ask(**{"as": "published"}).recorded == 12
    log = sorted(change.what for change in month_log(MAY))
    assert log == ["late report", "late report", "published", "published", "reopened"]


@pytest.mark.django_db
def test_the_snapshot_of_a_month_long_past_is_taken_when_it_is_first_asked_for(clock: Any) -> None:
    smau = a_smau("create")
    clock.at("2026-11-28")
    report("a", "2026-05-04", {smau: 10})
    publish_what_is_final([MAY])
    report("a", "2026-05-05", {smau: 11})
    assert (ask(**{"as": "published"}).recorded, ask().recorded) == (10, 11)


@pytest.mark.django_db
def test_a_mapping_that_changes_restates_closed_months_from_the_month_named(reviewer: User) -> None:
    smau = a_smau("create")
    other = a_metric("usage.other")
    for month in ("04", "05"):
        report("a", f"2026-{month}-04", {smau: 10, other: 7})
        close_month(month=Month(2026, int(month)), actor=None, reason="all in")
    map_indicator(
        kind="smau", subject_key="create", metric=other, from_month=date(2026, 5, 1), reason="better", actor=reviewer
    )
    assert (ask().recorded, ask(month="2026-04").recorded) == (7, 10)
    [asked] = questions_from({"indicator": "smau", "stage": "create", "month": "2026-05"})
    [change] = restatements(asked)
    assert (change.old, change.new, change.cause, change.who) == (10, 7, "mapping changed", str(reviewer))
    assert ask(**{"as": "published"}).recorded == 10


@pytest.mark.django_db
def test_a_stage_that_moves_restates_the_combined_figure_of_its_section() -> None:
    plan, create = a_smau("plan"), a_smau("create")
    report("a", "2026-05-04", {plan: 40, create: 100})
    close_month(month=MAY, actor=None, reason="all in")
    stage = a_stage("plan")
    stage.section = Section.objects.create(key="ops", name="Ops")
    stage.save()
    dev = {"indicator": "section_cmau", "section": "dev", "stage": ""}
    assert (ask(**dev).recorded, ask(**dev, **{"as": "published"}).recorded) == (100, 140)
    [asked] = questions_from({"indicator": "section_cmau", "section": "dev", "month": "2026-05"})
    [change] = restatements(asked)
    assert (change.old, change.new, change.cause) == (140, 100, "structure changed")
    for question in (asked, replace(asked, published=True)):
        assert passport(question).adds_up


@pytest.mark.django_db
def test_a_week_has_a_passport_too() -> None:
    weekly = a_metric("usage.weekly", frame="7d")
    report("a", "2026-10-19", {weekly: 1})
    report("a", "2026-10-25 23:59", {weekly: 5}, source="t:1")
    report("b", "2026-10-20", {weekly: Missing.FAILED})
    [asked] = questions_from({"indicator": "metric", "metric": "usage.weekly", "week": "2026-W43"})
    found = passport(asked)
    assert (found.contributions_sum, found.adds_up, found.left_out_counts) == (5, True, {"failed": 1})
    [one] = contributions(scope_of(asked))
    assert (one.value, one.source) == (5, "t:1")


@pytest.mark.django_db
def test_two_metrics_for_one_stage_are_a_conflict_with_a_preview_of_each_choice() -> None:
    smau = a_smau("create")
    other = a_metric("usage.other")
    mapped(other, subject="create")
    report("a", "2026-05-04", {smau: 10, other: 7})
    found = ask()
    assert (found.recorded, found.flags) == (None, ("conflict",))
    [conflict] = conflicts(MAY)
    assert {choice.metric.key_path: choice.figure.recorded for choice in conflict.choices} == {
        "usage.create": 10,
        "usage.other": 7,
    }
    combined = ask(indicator="cmau", stage="")
    assert "stages_missing:create" in combined.flags


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "flag"), [({}, "no_monthly_value"), ({"smau": None}, "no_monthly_value"), (None, "no_report")]
)
def test_a_figure_that_does_not_exist_says_why_and_is_not_0(values: Any, flag: str) -> None:
    smau = a_smau("create")
    if values is not None:
        report("a", "2026-05-04", {smau: Missing.NULL} if values else {}, edition="EE")
    a_subscription("S")
    found = ask()
    assert (found.recorded, found.uplift, found.estimated, found.flags) == (None, None, None, (flag,))
    assert found.coverage.known == 2 - (values is None)


@pytest.mark.django_db
def test_nothing_is_added_where_p_is_0_and_it_is_said() -> None:
    smau = a_smau("create")
    report("a", "2026-05-04", {smau: 10}, version="13.3")
    a_subscription("silent")
    found = ask()
    assert (found.uplift, found.estimated) == (0, 10)
    assert "cannot_be_estimated" in found.flags


@pytest.mark.django_db
def test_weeks_have_figures_of_their_own() -> None:
    weekly = a_metric("usage.weekly", frame="7d")
    report("a", "2026-10-19", {weekly: 1})
    report("a", "2026-10-25 23:59", {weekly: 5})
    report("a", "2026-10-26", {weekly: 50})
    report("b", "2026-10-20", {weekly: 2}, edition="CE")
    asked = {"indicator": "metric", "metric": "usage.weekly", "week": "2026-W43"}
    [found] = figures(questions_from(asked))
    assert (found.recorded, found.uplift, found.coverage.reporting) == (7, None, 2)
    [ce] = figures(questions_from({**asked, "edition": "CE"}))
    assert ce.recorded == 2
    [month] = figures(questions_from({"indicator": "metric", "metric": "usage.weekly", "month": "2026-10"}))
    roll_up_dirty()
    [month] = figures(questions_from({"indicator": "metric", "metric": "usage.weekly", "month": "2026-10"}))
    assert month.recorded == 52


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
def test_many_months_and_stages_are_read_in_few_queries(
    queries: Callable[[], AbstractContextManager[Any]],
) -> None:
    stages = ("create", "plan", "verify")
    metrics = {stage: a_smau(stage) for stage in stages}
    report("a", "2026-05-04", dict.fromkeys(metrics.values(), 3), subscription="S")
    roll_up_dirty()
    asked = [
        question
        for stage in stages
        for grain in ("version-subscription", "reported-seat")
        for question in questions_from(
            {"indicator": "smau", "stage": stage, "month": "2026-03,2026-04,2026-05", "grain": grain}
        )
    ]
    with queries() as ran:
        assert len(figures(asked)) == 18
    assert len(ran) <= 4


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
def test_what_looks_odd_is_kept_with_the_month_and_its_numbers() -> None:
    smau = a_smau("create")
    umau = a_metric("usage.anyone")
    mapped(umau, kind="umau", subject="")
    report("a", "2026-05-04", {smau: 10, umau: 7})
    roll_up_dirty()
    [found] = month_facts([MAY])[0].findings
    assert (found["rule"], found["value"], found["limit"]) == ("smau_within_umau", 10, 7)
    report("a", "2026-05-05", {smau: 7, umau: 7})
    roll_up_dirty()
    assert odd([MAY]) == {MAY: []}
    assert month_facts([MAY])[0].findings == ()


@pytest.mark.django_db
def test_paid_users_of_a_group_are_within_all_its_users_even_by_a_metric_of_their_own() -> None:
    a_group("code", a_stage("create"))
    everyone, paying = a_metric("usage.code"), a_metric("usage.code_paid")
    mapped(everyone, kind="gmau", subject="code")
    mapped(paying, kind="paid_gmau", subject="code")
    report("a", "2026-05-04", {everyone: 5, paying: 9}, edition="EE", license_plan="premium")
    roll_up_dirty()
    [found] = month_facts([MAY])[0].findings
    assert (found["rule"], found["figure"], found["than"]) == (
        "paid_within_all",
        "paid_gmau.code.2026-05",
        "gmau.code.2026-05",
    )
    assert found["sentence"] == "paid GMAU code 9 is more than the GMAU of all users (5)."


@pytest.mark.django_db
def test_the_sweep_looks_at_every_month_that_changed_since_it_was_checked(clock: Any) -> None:
    smau, umau = a_smau("create"), a_metric("usage.anyone")
    mapped(umau, kind="umau", subject="")
    clock.at("2026-06-10 12:00")
    report("a", "2026-05-04", {smau: 10, umau: 7})
    roll_up_dirty(check=False)
    assert month_facts([MAY])[0].findings == ()
    clock.at("2026-06-10 14:00")
    sweep()
    assert len(month_facts([MAY])[0].findings) == 1
    assert check_unchecked() == 0


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
def test_a_month_that_was_never_published_is_looked_at_again_when_its_mapping_changes() -> None:
    smau, other, umau = a_smau("create"), a_metric("usage.other"), a_metric("usage.anyone")
    mapped(umau, kind="umau", subject="")
    for month in ("04", "05"):
        report("a", f"2026-{month}-04", {smau: 10, other: 17, umau: 10})
    roll_up_dirty()
    assert check_unchecked() == 0
    map_indicator(kind="smau", subject_key="create", metric=other, reason="wider", actor=None, from_month=MAY.first)
    sweep()
    assert [found["rule"] for found in month_facts([MAY])[0].findings] == ["smau_within_umau"]
    assert month_facts([MAY.previous])[0].findings == ()
    # By command, without a worker.
    map_indicator(kind="smau", subject_key="create", metric=smau, reason="back", actor=None, from_month=MAY.first)
    call_command("rollup", stdout=StringIO())
    assert month_facts([MAY])[0].findings == ()


@pytest.mark.django_db
def test_a_report_tells_what_became_of_it() -> None:
    smau = a_smau("create")
    a_group("code", a_stage("create"))
    mapped(smau, kind="gmau", subject="code")
    report("a", "2026-05-04", {smau: 10}, source="t:old")
    report("a", "2026-05-05", {smau: 10}, source="t:new")
    report("a", "2026-06-05", {smau: 10}, source="t:next")
    roll_up_dirty()
    assert [(str(use.month), use.part) for use in use_of("t:old")] == [("2026-05", "superseded")]
    first, second = use_of("t:new")
    assert (first.part, first.figures) == ("month_report", ("gmau.code.2026-05", "smau.create.2026-05"))
    assert (str(second.month), second.part) == ("2026-06", "baseline")


@pytest.mark.django_db
def test_predictions_follow_the_last_four_months() -> None:
    smau = a_smau("create")
    for month, value in (("02", 94), ("03", 95), ("04", 97), ("05", 100)):
        report("a", f"2026-{month}-04", {smau: value})
    roll_up_dirty()
    [asked] = questions_from({"indicator": "smau", "stage": "create", "month": "2026-05"})
    found = predictions(asked, 12)
    assert (str(found[-1].month), found[-1].value) == ("2027-05", 124)
    assert [one.recorded for one in series(asked, 2)] == [97, 100]


@pytest.mark.django_db
def test_a_month_that_is_open_predicts_nothing(clock: Any) -> None:
    a_smau("create")
    clock.at("2026-05-20 12:00")
    [asked] = questions_from({"indicator": "smau", "stage": "create", "month": "2026-05"})
    with pytest.raises(QuestionError, match="2026-05 is still open"):
        predictions(asked)


@pytest.mark.django_db
def test_paid_readings_of_a_saas_count_in_the_paid_cut_of_a_week() -> None:
    weekly = a_metric("usage.weekly", frame="7d")
    label_installation(uuid="saas", hostname="host", delivery="saas")
    report("saas", "2026-10-19", {weekly: 80})
    report("saas", "2026-10-20", {weekly: 30}, population="paid")
    report("own", "2026-10-20", {weekly: 7}, edition="EE", license_plan="premium")
    asked = {"indicator": "metric", "metric": "usage.weekly", "week": "2026-W43"}
    for paid, recorded in (("", 87), ("true", 37)):
        [question] = questions_from({**asked, "paid": paid})
        [found] = figures([question])
        assert (found.recorded, found.coverage.reporting) == (recorded, 2)
        opened = passport(question)
        assert (opened.contributions_sum, opened.adds_up) == (recorded, True)


@pytest.mark.django_db
def test_the_sql_of_a_published_figure_gives_what_was_published() -> None:
    smau = a_smau("create")
    report("a", "2026-05-04", {smau: 10})
    close_month(month=MAY, actor=None, reason="all in")
    report("a", "2026-05-25", {smau: 14})
    roll_up_dirty()
    [asked] = questions_from({"indicator": "smau", "stage": "create", "month": "2026-05"})
    for question, recorded in ((asked, 14), (replace(asked, published=True), 10)):
        with connection.cursor() as cursor:
            cursor.execute(passport(question).sql)
            assert cursor.fetchone() == (recorded, 1)


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
def test_restatements_beyond_the_most_are_told_as_one_and_the_newest_each(monkeypatch: pytest.MonkeyPatch) -> None:
    smau = a_smau("create")
    report("a", "2026-05-04", {smau: 10})
    close_month(month=MAY, actor=None, reason="all in")
    for value in (11, 12, 13, 14):
        report("a", f"2026-05-{value}", {smau: value})
        roll_up_dirty()
    [asked] = questions_from({"indicator": "smau", "stage": "create", "month": "2026-05"})
    assert [(one.old, one.new) for one in restatements(asked)] == [(10, 11), (11, 12), (12, 13), (13, 14)]
    monkeypatch.setattr("metrics.figures.restatements.MOST", 2)
    assert [(one.old, one.new, one.cause) for one in restatements(asked)] == [
        (10, 12, "2 earlier changes together"),
        (12, 13, "late report"),
        (13, 14, "late report"),
    ]


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
