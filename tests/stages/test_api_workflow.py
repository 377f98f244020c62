"""The API of what people decide: suggestions, conflicts, reviews, restoring, importing."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from portal.models import User
from stages.content import Item
from stages.editing import content_of, find_block
from stages.handbook.importing import digest_of, import_page
from stages.handbook.parsing import parse_page
from stages.models import Block, BlockRevision, Resource, Stage, StartingPoint
from stages.restructuring import change_facts
from tests.builders import a_user
from tests.conftest import browser_of
from tests.stages.builders import a_block, a_section, a_stage

pytestmark = pytest.mark.django_db
JSON = "application/json"
BLOCK = "/api/v1/stages/create/blocks/dashboards/"


@pytest.fixture
def stage() -> Stage:
    stage = a_stage("create", section=a_section("dev"))
    a_block(stage, "dashboards", Item(label="A", url="/a"))
    return stage


def labels(stage: Stage) -> list[str]:
    return [item.label for item in content_of(find_block(stage, "dashboards")).items]


def send(client: Client, route: str, body: Any, read: str) -> Any:
    """Post a body with the ETag of what ``read`` answers."""
    return client.post(route, body, content_type=JSON, headers={"If-Match": client.get(read)["ETag"]})


def test_a_suggestion_is_made_by_anyone_and_decided_by_editors_of_the_stage(
    stage: Stage, viewer: User, editor_client: Client
) -> None:
    mine, other = browser_of(viewer), browser_of(a_user("cem", "editor@stage:plan"))
    items = [{"label": "A", "url": "/a"}, {"label": "B", "url": "/b"}]
    body = {"stage": "create", "kind": "dashboards", "base_version": 1, "content": {"items": items}, "reason": "New"}
    made = [mine.post("/api/v1/suggestions/", body, content_type=JSON) for _ in range(3)]
    assert [one.status_code for one in made] == [201] * 3
    routes = [f"/api/v1/suggestions/{one.json()['id']}/" for one in made]
    assert mine.post(f"{routes[0]}accept/", {}, content_type=JSON, headers={"If-Match": "*"}).status_code == 403
    assert other.post(f"{routes[0]}accept/", {}, content_type=JSON, headers={"If-Match": "*"}).status_code == 403
    assert editor_client.post(f"{routes[0]}accept/", {}, content_type=JSON).status_code == 428
    assert send(editor_client, f"{routes[0]}accept/", {}, routes[0]).json()["state"] == "accepted"
    assert labels(stage) == ["A", "B"]
    better = {"content": {"items": [*items, {"label": "C", "url": "/c"}]}, "answer": "And C"}
    assert send(editor_client, f"{routes[1]}accept/", better, routes[1]).json()["state"] == "changed"
    assert labels(stage) == ["A", "B", "C"]
    declined = send(editor_client, f"{routes[2]}decline/", {"answer": "Have it"}, routes[2]).json()
    assert (declined["state"], declined["answer"], declined["decided_by"]) == ("declined", "Have it", "editor")
    again = send(editor_client, f"{routes[2]}accept/", {}, routes[2])
    assert again.status_code == 409
    assert len(editor_client.get("/api/v1/suggestions/?stage=create&state=declined").json()["results"]) == 1
    hostile = {**body, "content": {"items": [{"label": "X", "url": "javascript:alert(1)"}]}}
    refused = mine.post("/api/v1/suggestions/", hostile, content_type=JSON)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "content.items.0.url")


def test_a_block_is_given_a_keeper_and_a_review(stage: Stage, editor_client: Client, viewer_client: Client) -> None:
    bea = a_user("bea")
    body = {"owner": "bea", "reviewed": True, "review_every_days": 30}
    route = f"{BLOCK}review/"
    assert viewer_client.post(route, body, content_type=JSON, headers={"If-Match": "*"}).status_code == 403
    assert editor_client.post(route, body, content_type=JSON).status_code == 428
    done = send(editor_client, route, body, BLOCK).json()
    assert (done["owner"], done["review_every_days"], done["reviewed_on"] is not None) == ("Bea", 30, True)
    assert bea.notifications.exists()
    assert send(editor_client, route, {"owner": "nobody"}, BLOCK).status_code == 400
    assert send(editor_client, route, {"review_every_days": 0}, BLOCK).status_code == 400
    assert send(editor_client, route, {"owner": None}, BLOCK).json()["owner"] == ""
    assert Block.objects.get().review_every_days == 30


def test_a_version_of_a_block_comes_back(stage: Stage, editor_client: Client) -> None:
    a_block(stage, "dashboards", Item(label="B", url="/b"))
    versions = editor_client.get(f"{BLOCK}history/").json()["happenings"]
    assert {one["restore"]["version"] for one in versions} == {1, 2}
    assert editor_client.post(f"{BLOCK}restore/", {"version": 1}, content_type=JSON).status_code == 428
    assert send(editor_client, f"{BLOCK}restore/", {"version": 9}, BLOCK).status_code == 400
    done = send(editor_client, f"{BLOCK}restore/", {"version": 1, "reason": "Was better"}, BLOCK)
    assert [item["label"] for item in done.json()["items"]] == ["A"]
    assert BlockRevision.objects.order_by("-version")[0].reason == "Was better"


def test_what_is_restored_of_a_day_is_what_was_shown(stage: Stage, editor_client: Client, editor: User) -> None:
    BlockRevision.objects.update(at="2026-11-01T12:00:00Z")
    a_block(stage, "dashboards", Item(label="B", url="/b"))
    route = "/api/v1/stages/create/as-of/2026-11-05/"
    shown = editor_client.get(route)
    assert [one["title"] for one in shown.json()["changes"]] == ["Top dashboards"]
    assert editor_client.post(f"{route}restore/", {}, content_type=JSON).status_code == 428
    a_block(stage, "dashboards", Item(label="C", url="/c"))
    match = {"If-Match": shown["ETag"]}
    assert editor_client.post(f"{route}restore/", {}, content_type=JSON, headers=match).status_code == 412
    assert send(editor_client, f"{route}restore/", {}, route).status_code == 200
    assert labels(stage) == ["A"]
    assert editor_client.get("/api/v1/stages/create/as-of/2026-13-45/").status_code == 400
    change_facts(entry=stage, values={"roadmap": "/x"}, actor=editor)


def test_resources_and_starting_points_are_changed_in_bulk(stage: Stage, editor_client: Client) -> None:
    resource = Resource.objects.get()
    route = "/api/v1/resources/bulk/"
    rows: list[dict[str, Any]] = [{"id": resource.pk, "official": True, "url": "/better", "review_every_days": 10}]
    done = editor_client.post(route, rows, content_type=JSON).json()
    assert (done[0]["official"], done[0]["url"], done[0]["version"]) == (True, "/better", 2)
    assert editor_client.post(route, rows, content_type=JSON).json() == done
    assert editor_client.post(route, [{"id": resource.pk, "version": 1}], content_type=JSON).status_code == 412
    assert editor_client.post(route, [{"id": 0, "official": True}], content_type=JSON).status_code == 400
    foreign = browser_of(a_user("cem", "editor@stage:plan"))
    assert foreign.post(route, rows, content_type=JSON).status_code == 403
    starts = [{"text": "A"}, {"text": "[B](https://b.example/) has it"}]
    made = editor_client.post("/api/v1/starting-points/bulk/", starts, content_type=JSON).json()
    assert editor_client.post("/api/v1/starting-points/bulk/", starts, content_type=JSON).json() == made
    again = [{**made[0], "text": "Better"}, made[1]]
    changed = editor_client.post("/api/v1/starting-points/bulk/", again, content_type=JSON).json()
    assert [(row["text"], row["version"]) for row in changed] == [("Better", 2), (starts[1]["text"], 1)]
    bad = [{"text": "C"}, {"text": "[D](javascript:x)"}]
    refused = editor_client.post("/api/v1/starting-points/bulk/", bad, content_type=JSON)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "1.text")
    assert StartingPoint.objects.count() == 2


def test_a_page_is_shown_as_a_difference_then_imported_and_its_conflicts_decided(
    stage: Stage, editor_client: Client, viewer_client: Client
) -> None:
    text = "#### Create Stage\n##### Dashboards\n[A](/a)\n_One_\n"
    import_page(page=parse_page(text), source="x", digest=digest_of(text))
    a_block(stage, "dashboards", Item(label="A", url="/a", description="Ours"))
    route = "/api/v1/handbook/import/"
    body = {"text": text.replace("One", "Theirs") + "\n[B](/b)\n", "source": "page.md"}
    assert viewer_client.post(route, body, content_type=JSON).status_code == 403
    shown = editor_client.post(route, body, content_type=JSON).json()
    assert (shown["applied"], shown["stages"]["Create"]["created"], labels(stage)) == (False, 1, ["A"])
    assert shown["changes"][0]["differences"][0]["what"] == "“B”"
    editor_client.post(route, {**body, "apply": True}, content_type=JSON)
    assert labels(stage) == ["A", "B"]
    conflict = editor_client.get("/api/v1/import-conflicts/?state=open").json()["results"][0]
    decide = f"/api/v1/import-conflicts/{conflict['id']}/"
    assert conflict["stage"] == "create"
    assert send(editor_client, f"{decide}decide/", {"take": "source"}, decide).json()["state"] == "source"
    assert content_of(find_block(stage, "dashboards")).items[0].description == "Theirs"
    assert editor_client.post(route, {"text": "nothing"}, content_type=JSON).status_code == 400


def test_the_catalog_is_exported_in_three_forms(stage: Stage, viewer_client: Client) -> None:
    route = "/api/v1/handbook/export/"
    assert viewer_client.get(route).json()["stages"][0]["name"] == "Create"
    assert viewer_client.get(f"{route}?as=markdown&stage=create").content.decode().startswith("---")
    assert "name: Create" in viewer_client.get(f"{route}?as=yaml").content.decode()
    assert viewer_client.get(f"{route}?as=docx").status_code == 400
    assert viewer_client.get(f"{route}?stage=nowhere").status_code == 404
