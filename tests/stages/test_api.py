"""The API: reading for all, writing for editors of the stage, nothing overwritten unseen."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from stages.content import Item
from stages.models import Category, Stage
from tests.builders import a_user
from tests.conftest import browser_of
from tests.stages.builders import a_block, a_group, a_section, a_stage

pytestmark = pytest.mark.django_db
ROUTE = "/api/v1/stages/create/blocks/dashboards/"
JSON = "application/json"


@pytest.fixture
def create() -> Stage:
    return a_stage("create", section=a_section("dev"))


def test_lists_name_parents_and_completeness(create: Stage, viewer_client: Client) -> None:
    a_group(create, "source_code")
    found = viewer_client.get("/api/v1/stages/?section=dev").json()["results"]
    assert [(row["key"], row["section"], row["completeness"]) for row in found] == [("create", "dev", 0)]
    assert viewer_client.get("/api/v1/groups/?stage=create").json()["count"] == 1
    assert viewer_client.get("/api/v1/groups/?stage=other").json()["count"] == 0
    assert viewer_client.get("/api/v1/stages/none/").status_code == 404
    assert Client().get("/api/v1/stages/").status_code in (401, 403)


def test_a_block_is_written_with_the_etag_it_was_read_with(create: Stage, editor_client: Client) -> None:
    body = {"items": [{"label": "A", "url": "/a", "description": "Why"}]}
    made = editor_client.put(ROUTE, body, content_type=JSON)
    assert (made.status_code, made.json()["version"]) == (201, 1)
    assert editor_client.put(ROUTE, body, content_type=JSON).status_code == 428
    etag = editor_client.get(ROUTE)["ETag"]
    body["items"][0]["label"] = "B"
    assert editor_client.put(ROUTE, body, content_type=JSON, headers={"If-Match": etag}).status_code == 200
    stale = editor_client.put(ROUTE, body, content_type=JSON, headers={"If-Match": etag})
    assert stale.status_code == 412
    assert stale["Content-Type"] == "application/problem+json"
    fresh = editor_client.get(ROUTE)["ETag"]
    assert editor_client.get(ROUTE, headers={"If-None-Match": fresh}).status_code == 304


def test_only_an_editor_of_the_stage_writes(create: Stage, viewer_client: Client) -> None:
    assert viewer_client.put(ROUTE, {"items": []}, content_type=JSON).status_code == 403
    mine = browser_of(a_user("bea", "editor@stage:create"))
    other = browser_of(a_user("cem", "editor@stage:plan"))
    of_section = browser_of(a_user("dan", "editor@section:dev"))
    item = {"items": [{"label": "A", "url": "/a"}]}
    assert other.put(ROUTE, item, content_type=JSON).status_code == 403
    assert mine.put(ROUTE, item, content_type=JSON).status_code == 201
    etag = of_section.get(ROUTE)["ETag"]
    assert of_section.put(ROUTE, item, content_type=JSON, headers={"If-Match": etag}).status_code == 200


@pytest.mark.parametrize("url", ["javascript:alert(1)", " JaVaScript:alert(1)", "data:text/html,x", "vbscript:x"])
def test_a_hostile_address_is_refused_by_field(create: Stage, editor_client: Client, url: str) -> None:
    answer = editor_client.put(ROUTE, {"items": [{"label": "A", "url": url}]}, content_type=JSON)
    assert answer.status_code == 400
    assert "items.0.url" in str(answer.json())


def test_bulk_writes_all_or_nothing_and_twice_the_same_changes_nothing(create: Stage, editor_client: Client) -> None:
    a_stage("plan")
    rows: list[dict[str, Any]] = [
        {"stage": "create", "kind": "slack", "items": [{"label": "s_create"}]},
        {"stage": "plan", "kind": "other", "heading": "Rituals", "body": "Mondays"},
    ]
    first = editor_client.post("/api/v1/stages/blocks/bulk/", rows, content_type=JSON)
    second = editor_client.post("/api/v1/stages/blocks/bulk/", rows, content_type=JSON)
    assert [row["version"] for row in first.json()] == [row["version"] for row in second.json()] == [1, 1]
    assert first.json()[0]["items"][0]["label"] == "#s_create"
    bad = [{**rows[0], "items": []}, {"stage": "nowhere", "kind": "slack"}]
    assert editor_client.post("/api/v1/stages/blocks/bulk/", bad, content_type=JSON).status_code == 400
    assert editor_client.get("/api/v1/stages/create/blocks/slack/").json()["items"]


def test_lowering_a_maturity_needs_a_reason(create: Stage, editor_client: Client) -> None:
    category = Category.objects.create(key="wiki", name="Wiki", maturity="complete", stage=create)
    route = "/api/v1/categories/wiki/"
    assert editor_client.patch(route, {"maturity": "viable"}, content_type=JSON).status_code == 428
    match = {"If-Match": editor_client.get(route)["ETag"]}
    assert editor_client.patch(route, {"maturity": "viable"}, content_type=JSON, headers=match).status_code == 400
    body = {"maturity": "viable", "reason": "Too slow"}
    done = editor_client.patch(route, body, content_type=JSON, headers=match)
    assert done.status_code == 200
    assert editor_client.patch(route, body, content_type=JSON, headers=match).status_code == 412
    category.refresh_from_db()
    assert (category.maturity, category.maturity_reason) == ("viable", "Too slow")


def test_a_resource_tells_who_uses_it_and_who_keeps_it(create: Stage, editor_client: Client) -> None:
    a_block(create, "dashboards", Item(label="A", url="/a"))
    a_block(a_stage("plan"), "dashboards", Item(label="A", url="/a"))
    row = editor_client.get("/api/v1/resources/?kind=dashboards").json()["results"][0]
    assert row["stages"] == ["create", "plan"]
    route = f"/api/v1/resources/{row['id']}/"
    body = {"official": True, "owner_name": "Data team"}
    assert editor_client.patch(route, body, content_type=JSON).status_code == 428
    match = {"If-Match": editor_client.get(route)["ETag"]}
    changed = editor_client.patch(route, body, content_type=JSON, headers=match)
    assert (changed.json()["official"], changed.json()["owner_name"]) == (True, "Data team")
    assert editor_client.patch(route, body, content_type=JSON, headers=match).status_code == 412


def test_a_shared_link_is_changed_once_for_all_by_who_edits_all(create: Stage, editor_client: Client) -> None:
    block = a_block(create, "dashboards", Item(label="A", url="/a"))
    a_block(a_stage("plan"), "dashboards", Item(label="A", url="/a"))
    route = f"/api/v1/resources/{editor_client.get('/api/v1/resources/').json()['results'][0]['id']}/"
    before = editor_client.get(ROUTE)["ETag"]
    match = {"If-Match": editor_client.get(route)["ETag"]}

    def patch(client: Client, url: str) -> int:
        return client.patch(route, {"url": url}, content_type=JSON, headers=match).status_code

    assert patch(editor_client, "javascript:alert(1)") == 400
    assert patch(browser_of(a_user("bea", "editor@stage:create")), "/b") == 403
    assert patch(editor_client, "/b") == 200
    for key in ("create", "plan"):
        items = editor_client.get(f"/api/v1/stages/{key}/blocks/dashboards/").json()["items"]
        assert [item["url"] for item in items] == ["/b"]
    assert editor_client.get(ROUTE)["ETag"] != before
    assert [one.content["items"][0]["url"] for one in block.block.revisions.order_by("version")] == ["/a", "/b"]


def test_a_starting_point_is_changed_from_what_was_read(editor_client: Client) -> None:
    route = "/api/v1/starting-points/"
    made = editor_client.post(route, {"text": "[A](/a) tells"}, content_type=JSON).json()
    assert (made["label"], made["url"]) == ("A", "/a")
    route += f"{made['id']}/"
    assert editor_client.patch(route, {"text": "B"}, content_type=JSON).status_code == 428
    match = {"If-Match": editor_client.get(route)["ETag"]}
    changed = editor_client.patch(route, {"text": "B", "reason": "Short"}, content_type=JSON, headers=match)
    assert (changed.status_code, changed.json()["version"], changed.json()["url"]) == (200, made["version"] + 1, "")
    told = editor_client.get(f"{route}history/").json()["happenings"]
    assert [(one["why"], one["who"]) for one in told] == [("Short", "Editor"), ("Places to start", "Editor")]
    fresh, first = {"If-Match": changed["ETag"]}, told[1]["restore"]
    restore = "/api/v1/starting-points/restore/"
    assert editor_client.post(restore, {"event": 10**9}, content_type=JSON, headers=fresh).status_code == 400
    assert editor_client.post(restore, {"event": first["event"]}, content_type=JSON).status_code == 428
    changed = editor_client.post(restore, {"event": first["event"]}, content_type=JSON, headers=fresh)
    assert (changed.json()["text"], changed.json()["version"]) == ("[A](/a) tells", 3)
    other = editor_client.post("/api/v1/starting-points/", {"text": "Second"}, content_type=JSON)
    up = f"/api/v1/starting-points/{other.json()['id']}/move/"
    assert editor_client.post(up, {"to": "up"}, content_type=JSON).status_code == 428
    editor_client.post(up, {"to": "up"}, content_type=JSON, headers={"If-Match": other["ETag"]})
    listed = editor_client.get("/api/v1/starting-points/").json()["results"]
    assert [one["text"] for one in listed] == ["Second", "[A](/a) tells"]
    assert editor_client.delete(route, headers=match).status_code == 412
    assert editor_client.delete(route, headers={"If-Match": changed["ETag"]}).status_code == 204
    gone = editor_client.get("/api/v1/starting-points/history/").json()["happenings"][0]
    assert (gone["how"], gone["who"]) == ("taken away", "Editor")
    back = editor_client.post(restore, {"event": gone["restore"]["event"]}, content_type=JSON)
    assert (back.status_code, back.json()["id"], back.json()["text"]) == (200, made["id"], "[A](/a) tells")
    undone = editor_client.post(f"{route}undo/", headers={"If-Match": back["ETag"]})
    assert undone.status_code in (204, 412)


def test_the_own_texts_of_the_page_are_written_as_on_their_page(editor_client: Client, viewer_client: Client) -> None:
    a_section("dev")
    route = "/api/v1/page-texts/"
    body = {"place": "section", "section": "dev", "heading": "What Dev does", "body": "It *builds*.  \n\nAlways."}
    assert viewer_client.post(route, body, content_type=JSON).status_code == 403
    made = editor_client.post(route, body, content_type=JSON)
    assert (made.status_code, made.json()["section"], made.json()["body"]) == (201, "dev", body["body"])
    one = f"{route}{made.json()['id']}/"
    assert editor_client.patch(one, {"body": "Less."}, content_type=JSON).status_code == 428
    changed = editor_client.patch(one, {"body": "Less."}, content_type=JSON, headers={"If-Match": made["ETag"]})
    assert (changed.json()["heading"], changed.json()["version"]) == ("What Dev does", 2)
    undone = editor_client.post(f"{one}undo/", headers={"If-Match": changed["ETag"]})
    assert undone.json()["body"] == body["body"]
    assert viewer_client.get(f"{route}?section=dev&place=section").json()["count"] == 1
    for bad, field in [
        ({**body, "section": "none"}, "section"),
        ({**body, "place": "front"}, "place"),
        ({"place": "top", "heading": "Create Stage", "body": "x"}, "heading"),
        ({"place": "top", "heading": "", "body": ""}, "body"),
        ({"place": "top", "heading": "x" * 301, "body": ""}, "heading"),
    ]:
        refused = editor_client.post(route, bad, content_type=JSON)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, field), bad
    rows = [body, {"place": "top", "heading": "Objectives", "body": "A briefing."}]
    first = editor_client.post(f"{route}bulk/", rows, content_type=JSON)
    assert editor_client.post(f"{route}bulk/", rows, content_type=JSON).json() == first.json()
    assert first.json()[0]["id"] == made.json()["id"]
    stale = [{"id": made.json()["id"], "version": 1, "body": "x"}]
    assert editor_client.post(f"{route}bulk/", stale, content_type=JSON).status_code == 412
    gone = editor_client.delete(one, headers={"If-Match": editor_client.get(one)["ETag"]})
    assert gone.status_code == 204
    event = viewer_client.get(f"{route}history/").json()["happenings"][0]["restore"]["event"]
    assert editor_client.post(f"{route}restore/", {"event": event}, content_type=JSON).json()["body"] == body["body"]
