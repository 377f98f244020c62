"""Figures of all kinds: of months and weeks, of stages and groups, those that do not exist, and predictions."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from metrics.engine.rollup import roll_up_dirty
from metrics.facts import Missing, use_of
from metrics.figures.asking import questions_from
from metrics.figures.contributions import contributions
from metrics.figures.months import conflicts, month_facts
from metrics.figures.passport import passport
from metrics.figures.predictions import predictions
from metrics.figures.queries import figures, series
from metrics.figures.question import QuestionError
from metrics.figures.scope import scope_of
from metrics.labels import label_installation
from metrics.periods import Month
from tests.metrics.world import a_group, a_metric, a_smau, a_stage, a_subscription, ask, mapped, report

MAY = Month(2026, 5)


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
