"""The figure API: the rows of the command, passports, streams, and refusals that name the parameter."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from metrics.engine.rollup import roll_up_dirty
from tests.builders import streamed
from tests.metrics.world import a_group, a_metric, a_smau, a_stage, a_subscription, mapped, report

pytestmark = pytest.mark.django_db


@pytest.fixture
def october(db: None) -> None:
    smau = a_smau("create")
    a_stage("plan")
    report("a", "2026-10-05", {smau: 14}, edition="EE", version="13.3", subscription="A")
    report("b", "2026-10-05", {smau: 6}, edition="CE", version="13.3")
    a_subscription("silent")
    roll_up_dirty()


def test_the_api_gives_the_rows_of_the_command(october: None, viewer_client: Client) -> None:
    answer = viewer_client.get("/api/v1/figures/", {"indicator": "smau", "month": "2026-10"})
    assert answer.status_code == 200
    out = StringIO()
    call_command("figures", indicator="smau", month="2026-10", json=True, stdout=out)
    printed = json.loads(out.getvalue())
    got = answer.json()
    for one in (*printed["results"], *got["results"]):
        one.pop("as_of")
    assert got == printed
    create = next(row for row in got["results"] if row["subject"] == "create")
    assert create == {
        "id": "smau.create.2026-10",
        "indicator": "smau",
        "subject": "create",
        "metric": "usage.create",
        "month": "2026-10",
        "cut": {},
        "grain": "version-subscription",
        "as": "live",
        "recorded": 20,
        "uplift": 20,
        "estimated": 40,
        "coverage": {"reporting": 2, "pinging": 2, "known": 3},
        "state": create["state"],
        "flags": [],
        "passport": "/api/v1/figures/smau.create.2026-10/passport/",
    }
    plan = next(row for row in got["results"] if row["subject"] == "plan")
    assert (plan["recorded"], plan["flags"]) == (None, ["no_metric_mapped"])


def test_an_unchanged_answer_is_not_sent_again(october: None, viewer_client: Client) -> None:
    asked = {"indicator": "smau", "month": "2026-10", "stage": "create"}
    first = viewer_client.get("/api/v1/figures/", asked)
    again = viewer_client.get("/api/v1/figures/", asked, headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304
    report("c", "2026-10-06", {})
    roll_up_dirty()
    assert viewer_client.get("/api/v1/figures/", asked, headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_the_passport_opens_at_the_address_that_the_row_names(october: None, viewer_client: Client) -> None:
    row = viewer_client.get("/api/v1/figures/smau.create.2026-10~v13.3/").json()
    found = viewer_client.get(row["passport"]).json()
    assert sum(one["value"] for one in found["contributions"]) == row["recorded"] == 20
    assert found["left_out"][0]["reason"] == "no_report"
    assert found["estimate"]["editions"][0]["p"] == "1/2"
    assert set(found["estimate"]["grains"]) == {
        "version-subscription",
        "version-seat",
        "reported-subscription",
        "reported-seat",
    }


def test_contributions_stream_as_csv_and_ndjson(october: None, viewer_client: Client) -> None:
    stream = viewer_client.get("/api/v1/figures/smau.create.2026-10/contributions/", {"as": "csv"})
    lines = streamed(stream).splitlines()
    assert lines[0].startswith("uuid,hostname,value,report")
    assert sorted(line.split(",")[2] for line in lines[1:]) == ["14", "6"]
    stream = viewer_client.get("/api/v1/figures/smau.create.2026-10/left-out/")
    [line] = streamed(stream).splitlines()
    assert json.loads(line)["subscription"] == "silent"


@pytest.mark.parametrize(
    ("asked", "parameter"),
    [
        ({}, "indicator"),
        ({"indicator": "tmau", "month": "2026-10"}, "indicator"),
        ({"indicator": "smau"}, "month"),
        ({"indicator": "smau", "month": "2026-13"}, "month"),
        ({"indicator": "smau", "month": "2026-10", "stage": "nowhere"}, "stage"),
        ({"indicator": "smau", "month": "2026-10", "group": "x"}, "group"),
        ({"indicator": "smau", "month": "2026-10", "grain": "x"}, "grain"),
        ({"indicator": "smau", "month": "2026-10", "delivery": "x"}, "delivery"),
        ({"indicator": "smau", "month": "2026-10", "edition": "EES"}, "edition"),
        ({"indicator": "smau", "month": "2026-10", "tier": "gold"}, "tier"),
        ({"indicator": "smau", "month": "2026-10", "paid": "maybe"}, "paid"),
        ({"indicator": "smau", "month": "2026-10", "version": "13"}, "version"),
        ({"indicator": "smau", "month": "2026-10", "as": "then"}, "as"),
        ({"indicator": "smau", "month": "2026-10", "colour": "red"}, "colour"),
        ({"indicator": "metric", "month": "2026-10"}, "metric"),
        ({"indicator": "metric", "month": "2026-10", "metric": "no.such"}, "metric"),
        ({"indicator": "amau", "month": "2026-10", "metric": "counts.ever"}, "metric"),
        ({"indicator": "metric", "week": "2026-W43", "metric": "usage.create"}, "week"),
        ({"indicator": "smau", "week": "2026-W43", "stage": "create"}, "week"),
    ],
)
def test_nonsense_is_refused_by_its_parameter(
    october: None, viewer_client: Client, asked: dict[str, str], parameter: str
) -> None:
    a_metric("counts.ever", frame="all")
    answer = viewer_client.get("/api/v1/figures/", asked)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"][0]["parameter"] == parameter


def test_figures_need_a_login(october: None, anonymous_client: Client) -> None:
    answer = anonymous_client.get("/api/v1/figures/", {"indicator": "smau", "month": "2026-10"})
    assert answer.status_code in (401, 403)


def test_paid_gmau_is_the_paid_cut_of_the_metric_typed_so(db: None, viewer_client: Client) -> None:
    stage = a_stage("create")
    a_group("source_code", stage)
    metric = a_metric("usage.paid")
    mapped(metric, kind="paid_gmau", subject="source_code")
    report("a", "2026-10-05", {metric: 5}, license_plan="premium")
    report("b", "2026-10-05", {metric: 50})
    roll_up_dirty()
    [row] = viewer_client.get("/api/v1/figures/", {"indicator": "paid_gmau", "month": "2026-10"}).json()["results"]
    assert (row["id"], row["recorded"], row["cut"]) == ("paid_gmau.source_code.2026-10", 5, {"paid": True})
    assert viewer_client.get(row["passport"]).json()["adds_up"]


def test_a_month_is_closed_with_a_reason_by_a_reviewer_only(
    october: None, viewer_client: Client, reviewer_client: Client
) -> None:
    close = "/api/v1/months/2026-10/close/"
    assert viewer_client.post(close, {"reason": "all in"}).status_code == 403
    assert reviewer_client.post(close, {}).status_code == 400
    assert reviewer_client.post(close, {"reason": "all in"}).json()["state"] == "final"
    reopened = reviewer_client.post("/api/v1/months/2026-10/reopen/", {"reason": "a mistake"}).json()
    assert (reopened["state"], reopened["is_reopened"]) == ("provisional", True)
    assert viewer_client.get("/api/v1/months/").json()["results"][0]["month"] == "2026-10"


def test_why_it_moved_adds_up(db: None, viewer_client: Client) -> None:
    smau = a_smau("create")
    for who, before, now in (("up", 5, 9), ("down", 9, 5), ("same", 3, 3), ("gone", 8, None), ("new", None, 20)):
        if before is not None:
            report(who, "2026-09-20", {smau: before}, subscription=f"S-{who}")
        if now is not None:
            report(who, "2026-10-20", {smau: now}, subscription=f"S-{who}")
    roll_up_dirty()
    found = viewer_client.get("/api/v1/figures/smau.create.2026-10/movement/").json()
    assert (found["change"], found["adds_up"]) == (12, True)
    assert {kind: (one["installations"], one["change"]) for kind, one in found["classes"].items()} == {
        "increased": (1, 4),
        "decreased": (1, -4),
        "unchanged": (1, 0),
        "newly_reporting": (1, 20),
        "no_data_received": (1, -8),
    }
    assert [one["uuid"] for one in found["risers"]] == ["new", "up"]
    assert [one["name"] for one in found["falling_accounts"]] == ["S-gone", "S-down"]
    assert {"cut": "edition", "value": "EE", "using": 4, "reporting": 4} in found["adoption"]


def test_predictions_are_a_series_of_their_own(db: None, viewer_client: Client) -> None:
    smau = a_smau("create")
    for month, value in (("02", 94), ("03", 95), ("04", 97), ("05", 100)):
        report("a", f"2026-{month}-04", {smau: value})
    roll_up_dirty()
    address = "/api/v1/figures/smau.create.2026-05/predictions/"
    assert viewer_client.get(address).json()["results"][-1] == {"month": "2027-05", "predicted": 124}
    assert viewer_client.get(address, {"months": "13"}).status_code == 400
    assert viewer_client.get(address, {"months": "0"}).status_code == 400
    assert viewer_client.get("/api/v1/figures/cmau.2026-05/predictions/").json()["results"][0]["predicted"] == 102
