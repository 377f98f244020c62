"""The API of what the pages tell beside the content, and of what is one's own: following, drafts."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from portal.models import User
from stages.content import Item
from stages.models import Block, BlockRevision, Draft, Stage
from tests.builders import a_user
from tests.conftest import browser_of
from tests.stages.builders import a_block, a_section, a_stage

pytestmark = pytest.mark.django_db
JSON = "application/json"
BLOCK = "/api/v1/stages/create/blocks/dashboards/"


@pytest.fixture(autouse=True)
def stage() -> Stage:
    stage = a_stage("create", section=a_section("dev"), slack_channel="s_create")
    a_block(stage, "dashboards", Item(label="A", url="/a"))
    return stage


def do(client: Client, route: str, read: str, body: Any = None) -> Any:
    """Post with the ETag of what ``read`` answers."""
    return client.post(route, body or {}, content_type=JSON, headers={"If-Match": client.get(read)["ETag"]})


def test_completeness_is_told_part_by_part_and_over_all_stages(viewer_client: Client) -> None:
    a_stage("deploy", section=a_section("ops"))
    one = viewer_client.get("/api/v1/stages/create/completeness/").json()
    parts = {part["kind"]: (part["filled"], part["points"], part["gain"]) for part in one["parts"]}
    assert parts["dashboards"] == ("own", 20.0, 0.0)
    assert parts["slack"] == ("derived", 2.5, 2.5)
    assert (one["percent"], one["best"]) == (22, "data_docs")
    board = viewer_client.get("/api/v1/completeness/").json()["results"]
    assert [(row["stage"], row["percent"]) for row in board] == [("deploy", 0), ("create", one["percent"])]
    assert viewer_client.get("/api/v1/completeness/?section=dev").json()["count"] == 1
    assert viewer_client.get("/api/v1/completeness/?section=none").status_code == 400
    summary = viewer_client.get("/api/v1/completeness/summary/").json()
    assert (summary["stages"], summary["complete"], summary["average"]) == (2, 0, 11)
    assert {"title": "dashboards", "stages": 1} not in summary["gaps"]


def test_reviews_that_run_out_are_listed(viewer_client: Client) -> None:
    assert viewer_client.get("/api/v1/reviews/").json()["count"] == 0
    Block.objects.update(reviewed_on="2020-01-01")
    (row,) = viewer_client.get("/api/v1/reviews/?within=0").json()["results"]
    assert (row["stage"], row["kind"], row["is_over"], row["owner"]) == ("create", "dashboards", True, None)
    assert viewer_client.get("/api/v1/reviews/?within=soon").json()["errors"][0]["parameter"] == "within"


def test_two_stages_are_compared_block_by_block(viewer_client: Client) -> None:
    plan = a_stage("plan")
    a_block(plan, "dashboards", Item(label="A", url="/a"))
    a_block(plan, "roadmap", Item(label="R", url="/r"))
    told = viewer_client.get("/api/v1/stages/create/compare/plan/").json()
    assert [(one["kind"], bool(one["a"]["items"]), bool(one["b"]["items"])) for one in told["blocks"]] == [
        ("dashboards", True, True), ("roadmap", False, True),
    ]  # fmt: skip
    assert told["resources"] == [told["blocks"][0]["a"]["items"][0]["resource"]]
    assert viewer_client.get("/api/v1/stages/create/compare/nothing/").status_code == 404


def test_a_save_is_taken_back_only_while_it_is_the_last(editor_client: Client, viewer_client: Client) -> None:
    body = {"items": [{"label": "B", "url": "/b"}]}
    match = {"If-Match": editor_client.get(BLOCK)["ETag"]}
    saved = editor_client.put(BLOCK, body, content_type=JSON, headers=match)
    undo = f"{BLOCK}undo/"
    assert viewer_client.post(undo, headers={"If-Match": "*"}).status_code == 403
    assert editor_client.post(undo).status_code == 428
    assert editor_client.post(undo, headers=match).status_code == 412
    back = editor_client.post(undo, headers={"If-Match": saved["ETag"]})
    assert [item["label"] for item in back.json()["items"]] == ["A"]
    assert BlockRevision.objects.order_by("-version")[0].how == "undo"
    empty = "/api/v1/stages/create/blocks/okrs/"
    assert do(editor_client, f"{empty}undo/", empty).status_code == 409


def test_derived_facts_are_confirmed_and_given_back(editor_client: Client) -> None:
    slack = "/api/v1/stages/create/blocks/slack/"
    told = editor_client.get("/api/v1/stages/create/blocks/").json()
    (block,) = [one for one in told if one["kind"] == "slack"]
    assert (block["filled"], block["derived"][0]["label"]) == ("derived", "#s_create")
    done = do(editor_client, f"{slack}confirm/", slack)
    assert (done.json()["filled"], done.json()["items"][0]["label"]) == ("own", "#s_create")
    assert do(editor_client, f"{slack}confirm/", slack).status_code == 409
    assert do(editor_client, f"{slack}give-back/", slack).json()["items"] == []
    okrs = "/api/v1/stages/create/blocks/okrs/"
    assert do(editor_client, f"{okrs}confirm/", okrs).status_code == 409


def test_who_follows_a_stage_is_told_of_what_the_api_writes(editor_client: Client, viewer: User) -> None:
    mine, route = browser_of(viewer), "/api/v1/stages/create/follow/"
    assert mine.get(route).json() == {"follows": False}
    assert mine.put(route).json() == mine.put(route).json() == {"follows": True}
    assert mine.head(route).status_code == 200
    do_match = {"If-Match": editor_client.get(BLOCK)["ETag"]}
    editor_client.put(BLOCK, {"items": [{"label": "B", "url": "/b"}]}, content_type=JSON, headers=do_match)
    assert "changed Top dashboards of Create" in viewer.notifications.get().sentence
    assert mine.delete(route).json() == {"follows": False}


def test_a_draft_is_kept_for_oneself_alone(viewer: User, editor_client: Client) -> None:
    mine, route = browser_of(viewer), f"{BLOCK}draft/"
    assert mine.get(route).status_code == 404
    body = {"base_version": 1, "content": {"items": [{"label": "Half", "url": ""}]}, "reason": "Later", "paste": "x"}
    kept = mine.put(route, body, content_type=JSON)
    assert (kept.status_code, kept.json()["content"]["items"][0]["label"]) == (200, "Half")
    assert (mine.get(route).json()["reason"], mine.get(route).json()["paste"]) == ("Later", "x")
    assert "Half" in mine.get("/stages/create/edit/dashboards/").content.decode()
    assert editor_client.get(route).status_code == 404
    assert mine.delete(route).status_code == 204
    assert not Draft.objects.exists()


def test_a_suggestion_tells_what_it_would_change(viewer_client: Client) -> None:
    body = {
        "stage": "create",
        "kind": "dashboards",
        "base_version": 1,
        "content": {"items": [{"label": "B", "url": "/a"}]},
    }
    made = viewer_client.post("/api/v1/suggestions/", body, content_type=JSON).json()
    told = viewer_client.get(f"/api/v1/suggestions/{made['id']}/").json()["differences"]
    assert [(one["before"], one["after"]) for one in told] == [("A", "B")]


def test_search_finds_what_the_search_page_finds(viewer_client: Client, anonymous_client: Client) -> None:
    a_block(Stage.objects.get(), "dashboards", Item(label="Package adoption", url="/p"))
    assert anonymous_client.get("/api/v1/search/?q=package").status_code == 401
    told = viewer_client.get("/api/v1/search/?q=packge adoption&kind=Dashboard&stage=Create").json()
    assert (told["results"][0]["title"], told["results"][0]["facets"]) == ("Package adoption", {"stage": "Create"})
    assert told["kinds"]["Dashboard"] == told["count"] == 1
    assert viewer_client.get("/api/v1/search/").json()["count"] == 0


def test_the_number_of_queries_does_not_grow_with_the_stages(viewer_client: Client, queries: Any) -> None:
    routes = (
        "completeness/",
        "completeness/summary/",
        "reviews/",
        "stages/create/compare/plan/",
        "stages/create/blocks/",
    )
    numbers = []
    a_stage("plan")
    for more in (1, 6):
        for _ in range(more):
            stage = a_stage(section=a_section())
            a_block(stage, "dashboards", Item(label="X", url="/x"))
            a_block(Stage.objects.get(key="create"), "other", heading=f"Block {stage.pk}", body="x")
        Block.objects.update(reviewed_on="2020-01-01", owner=a_user())
        counted = []
        for route in routes:
            with queries() as ran:
                assert viewer_client.get(f"/api/v1/{route}").status_code == 200
            counted.append(len(ran))
        numbers.append(counted)
    assert numbers[0] == numbers[1]
    assert max(numbers[0]) <= 16
