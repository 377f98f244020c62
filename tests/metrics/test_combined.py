"""Combined figures have all that others have: a passport, why they moved, a prediction, restatements, SQL."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection
from django.test import Client

from metrics.engine.estimates import Grain
from metrics.engine.months import close_month
from metrics.engine.rollup import roll_up_dirty
from metrics.facts import erase_installation
from metrics.figures.left_out import left_out
from metrics.figures.movement import movement
from metrics.figures.passport import Passport, passport
from metrics.figures.predictions import predictions
from metrics.figures.queries import figure
from metrics.figures.question import Question, QuestionError
from metrics.labels import label_installation
from metrics.models import MetricDefinition
from metrics.periods import Month
from stages.models import Stage
from tests.conftest import Clock
from tests.metrics.world import a_metric, a_smau, a_stage, a_subscription, mapped, report

pytestmark = pytest.mark.django_db

MAY = Month(2026, 5)
CMAU = Question("cmau", MAY)
DEV = Question("section_cmau", MAY, "dev")


def two_stages() -> tuple[MetricDefinition, MetricDefinition]:
    return a_smau("create"), a_smau("plan")


def opened(question: Question) -> Passport:
    roll_up_dirty()
    return passport(question)


def test_it_says_which_stages_it_goes_without_and_why() -> None:
    create, plan = two_stages()
    a_stage("verify")
    mapped(a_metric("usage.other"), subject="plan")
    report("a", "2026-05-05", {create: 100, plan: 40})
    found = opened(CMAU)
    assert found.figure.flags[:2] == ("combined", "stages_missing:plan,verify")
    assert found.left_out_counts == {"conflict": 1, "no_metric_mapped": 1}
    assert [(one.subject, one.reason) for one in left_out(CMAU, None)] == [
        ("plan", "conflict"),
        ("verify", "no_metric_mapped"),
    ]
    assert left_out(CMAU, None, reason="conflict", search="veri") == []
    assert (found.contributions_count, found.adds_up) == (1, True)
    # A stage that is gone is not missed.
    Stage.objects.filter(key="verify").update(retired_on="2026-04-01")
    assert opened(CMAU).left_out_counts == {"conflict": 1}


@pytest.mark.parametrize("grain", [Grain.VERSION_SUBSCRIPTION, Grain.REPORTED_SEAT])
def test_its_interval_draws_once_for_all_stages(grain: Grain) -> None:
    create, plan = two_stages()
    for number in range(20):
        values = {create: 10, plan: 4} if number % 2 else {create: 10}
        report(f"u{number}", "2026-05-05", values, version="13.3", subscription=f"S{number}")
    for number in range(40):
        a_subscription(f"S{number}")
    question = replace(CMAU, grain=grain)
    found = opened(question)
    interval, estimated = found.interval(), found.figure.estimated
    assert interval is not None
    assert estimated is not None
    assert found.figure.recorded == 240
    assert 240 < interval.low < estimated < interval.high


def test_its_sql_gives_the_figure() -> None:
    create, plan = two_stages()
    a_stage("verify")
    report("a", "2026-05-05", {create: 100, plan: 40})
    report("b", "2026-05-06", {create: 2**63})
    close_month(month=MAY, actor=None, reason="all in")
    report("c", "2026-05-06", {plan: 1})
    for question, recorded in ((CMAU, 141 + 2**63), (replace(CMAU, published=True), 140 + 2**63), (DEV, 141 + 2**63)):
        with connection.cursor() as cursor:
            cursor.execute(opened(question).sql)
            assert cursor.fetchone() == (recorded,)


def test_why_it_moved_adds_up_over_its_stages() -> None:
    create, plan = two_stages()
    report("more", "2026-04-05", {create: 10, plan: 5})
    report("more", "2026-05-05", {create: 30, plan: 4})
    report("gone", "2026-04-05", {create: 7})
    report("new", "2026-05-05", {plan: 9})
    report("robot", "2026-04-05", {create: 1000})
    report("robot", "2026-05-05", {create: 1000})
    label_installation(uuid="robot", hostname="host", exclude="a robot", first=MAY)
    roll_up_dirty()
    moved = movement(CMAU)
    assert (moved.before.recorded, moved.now.recorded, moved.change, moved.adds_up) == (1022, 43, -979, True)
    assert {group.kind: (group.installations, group.change) for group in moved.groups} == {
        "increased": (1, 20),
        "decreased": (1, -1),
        "newly_reporting": (1, 9),
        "no_data_received": (1, -7),
        "relabelled": (1, -1000),
    }
    assert [(one.name, one.before, one.now, one.change) for one in moved.stages] == [
        ("create", 1017, 30, -987),
        ("plan", 5, 13, 8),
    ]
    assert [(one.name, one.before, one.now) for one in moved.top] == [("host", 15, 34), ("host", None, 9)]
    document = moved.as_document()
    assert document["stages"][1] == {"stage": "plan", "before": 5, "now": 13, "change": 8}


def test_it_moves_with_a_mapping_and_a_catalog_that_changed() -> None:
    create, plan = two_stages()
    verify = a_metric("usage.verify")
    a_stage("verify", section="ops")
    mapped(verify, subject="verify", from_month=MAY.first)
    for month in ("2026-04-05", "2026-05-05"):
        report("a", month, {create: 10, plan: 5, verify: 3})
    roll_up_dirty()
    moved = movement(CMAU)
    assert (moved.change, moved.adds_up) == (3, True)
    assert [(one.name, one.change) for one in moved.stages] == [("verify", 3), ("create", 0), ("plan", 0)]
    assert movement(DEV).change == 0


def test_what_was_published_moves_too_and_what_was_erased_since_is_a_class_of_its_own() -> None:
    create, plan = two_stages()
    for who, before, now in (("a", 10, 12), ("b", 5, 9)):
        report(who, "2026-04-05", {create: before, plan: 1})
        report(who, "2026-05-05", {create: now, plan: 1})
    published = replace(CMAU, published=True)
    close_month(month=MAY, actor=None, reason="all in")
    with pytest.raises(QuestionError, match="2026-04 was not published"):
        movement(published)
    close_month(month=MAY.previous, actor=None, reason="all in")
    erase_installation(uuid="b", hostname="host", actor=None, reason="asked")
    roll_up_dirty()
    moved = movement(published)
    assert (moved.change, moved.adds_up) == (6, True)
    assert {group.kind: group.change for group in moved.groups} == {"increased": 2, "unchanged": 0, "erased": 4}


def test_its_prediction_is_the_sum_of_those_of_its_stages() -> None:
    create, plan = two_stages()
    for month, value in enumerate((94, 95, 97, 100), start=2):
        values = {create: value, plan: 50 - 10 * month} if month > 2 else {create: value}
        report("a", f"2026-{month:02d}-05", values)
    roll_up_dirty()
    one, *_, twelfth = predictions(CMAU)
    assert (one.month, one.value, one.missing) == (Month(2026, 6), 102, ("plan",))
    assert twelfth.value == 124
    report("a", "2026-02-05", {plan: 30})
    report("b", "2026-02-05", {plan: 30})
    roll_up_dirty()
    [predicted] = predictions(CMAU, 1)
    # 100 + (100 - 94) / 3, and 0 + (0 - 30) / 3.
    assert (predicted.value, predicted.missing) == (102 - 10, ())
    assert predictions(DEV, 1)[0].value == 92


def test_a_late_ping_restates_it() -> None:
    create, plan = two_stages()
    report("a", "2026-05-05", {create: 10, plan: 5}, version="13.3", subscription="A")
    a_subscription("B")
    close_month(month=MAY, actor=None, reason="all in")
    report("a", "2026-05-25", {create: 14, plan: 5}, version="13.3", subscription="A", source="t:late")
    found = opened(DEV)
    [change] = found.restatements
    assert (change.old, change.new, change.old_estimated, change.new_estimated) == (15, 19, 30, 38)
    assert (change.cause, [one["report"] for one in change.reports]) == ("late report", ["t:late"])
    then = opened(replace(DEV, published=True))
    assert [part.figure.recorded for part in then.parts] == [10, 5]
    assert (then.figure.estimated, then.adds_up) == (30, True)


def test_a_stage_that_moves_to_another_section_restates_both() -> None:
    create, plan = two_stages()
    a_stage("verify", section="ops")
    report("a", "2026-05-05", {create: 10, plan: 5})
    close_month(month=MAY, actor=None, reason="all in")
    Stage.objects.filter(key="plan").update(section=Stage.objects.get(key="verify").section)
    found = opened(DEV)
    [change] = found.restatements
    assert (change.old, change.new, change.cause) == (15, 10, "structure changed")
    assert figure(replace(DEV, published=True)).recorded == 15


def test_pages_and_api_answer_for_combined_figures(viewer_client: Client, clock: Clock) -> None:
    clock.at("2026-06-20 12:00")
    create, plan = two_stages()
    a_stage("verify")
    for month in range(1, 6):
        report("a", f"2026-{month:02d}-05", {create: 10 * month, plan: 5})
    roll_up_dirty()
    for figure_id in (CMAU.id, DEV.id):
        page = viewer_client.get(f"/figures/{figure_id}/").content.decode()
        assert f"/figures/{figure_id}/why/" in page
        for tab, words in (("left-out", "stage <a"), ("estimate", "grain"), ("sql", "UNION"), ("counted", "Plan")):
            page = viewer_client.get(f"/figures/{figure_id}/?tab={tab}").content.decode()
            assert words in page, tab
        page = viewer_client.get(f"/figures/{figure_id}/why/").content.decode()
        assert "By stage" in page
        assert "add up to the change, to the unit" in page
        assert "grew by 10" in viewer_client.get(f"/figures/{figure_id}/why/short/").content.decode()
        api = f"/api/v1/figures/{figure_id}"
        assert viewer_client.get(f"{api}/movement/").json()["change"] == 10
        rows = viewer_client.get(f"{api}/predictions/?months=2").json()["results"]
        assert [(row["predicted"], row["stages_missing"]) for row in rows] == [(65, ["verify"]), (75, ["verify"])]
        document = viewer_client.get(f"{api}/passport/").json()
        assert [row["subject"] for row in document["left_out"]] == ["verify"]
        lines = b"".join(viewer_client.get(f"{api}/contributions/?as=csv")).decode().splitlines()
        assert [line.split(",")[0] for line in lines] == ["subject", "create", "plan"]
        lines = b"".join(viewer_client.get(f"{api}/left-out/?as=csv")).decode().splitlines()
        assert lines[1].startswith("verify,smau.verify.2026-05")
    assert "/why/short/" in viewer_client.get("/sections/dev/").content.decode()
