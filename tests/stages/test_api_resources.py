"""The API of shared resources and their links: made, placed, changed for all, looked at again."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.models import Notification, User
from stages.content import Item
from stages.models import Follow, LinkCheck, LinkRun, Placement, Resource, Stage
from tests.builders import a_user
from tests.conftest import browser_of
from tests.stages.builders import a_block, a_section, a_stage

pytestmark = pytest.mark.django_db
JSON = "application/json"
RESOURCES = "/api/v1/resources/"
BLOCK = "/api/v1/stages/create/blocks/dashboards/"


@pytest.fixture(autouse=True)
def stage() -> Stage:
    return a_stage("create", section=a_section("dev"))


def test_a_resource_is_made_outside_a_block_and_then_placed(viewer_client: Client) -> None:
    mine, other = browser_of(a_user("bea", "editor@stage:create")), browser_of(a_user("cem", "editor@stage:plan"))
    Follow.objects.create(user=User.objects.get(username="cem"), stage=Stage.objects.get())
    body = {
        "kind": "dashboards",
        "label": "Adoption",
        "url": "https://d.example/1",
        "official": True,
        "access": "public",
    }
    assert viewer_client.post(RESOURCES, body, content_type=JSON).status_code == 403
    made = mine.post(RESOURCES, body, content_type=JSON)
    assert (made.status_code, made.json()["stages"], made.json()["official"]) == (201, [], True)
    assert viewer_client.get(f"{RESOURCES}?placed=false").json()["count"] == 1
    place = {"resource": made.json()["id"], "description": "Weekly"}
    assert other.post(f"{BLOCK}items/", place, content_type=JSON).status_code == 403
    placed = mine.post(f"{BLOCK}items/", place, content_type=JSON)
    assert (placed.status_code, placed.json()["items"][0]["resource"]) == (201, made.json()["id"])
    assert Resource.objects.count() == 1
    assert [one.user.username for one in Notification.objects.all()] == ["cem"]
    again = mine.post(f"{BLOCK}items/", place, content_type=JSON)
    assert again.status_code == 428
    again = mine.post(f"{BLOCK}items/", place, content_type=JSON, headers={"If-Match": placed["ETag"]})
    assert (again.status_code, again["ETag"], Placement.objects.count()) == (201, placed["ETag"], 1)
    first = mine.post(RESOURCES, {"kind": "dashboards", "label": "First", "url": "/first"}, content_type=JSON).json()[
        "id"
    ]
    body = {"resource": first, "position": 0, "label": "Ours", "reason": "On top"}
    stale = mine.post(f"{BLOCK}items/", body, content_type=JSON, headers={"If-Match": '"old"'})
    assert stale.status_code == 412
    done = mine.post(f"{BLOCK}items/", body, content_type=JSON, headers={"If-Match": placed["ETag"]})
    assert [one["label"] for one in done.json()["items"]] == ["Ours", "Adoption"]
    assert mine.get(f"{RESOURCES}{first}/").json()["label"] == "First"


def test_a_query_is_shared_as_one_resource_by_the_stages_that_place_it(editor_client: Client) -> None:
    a_stage("plan")
    sql = "SELECT *  \n\n  FROM x\n;\n"
    body = {"kind": "data_docs", "text": sql, "doc_label": "smau", "dialect": "snowflake"}
    made = editor_client.post(RESOURCES, body, content_type=JSON).json()
    assert made["text"] == sql
    for key in ("create", "plan"):
        route = f"/api/v1/stages/{key}/blocks/data_docs/items/"
        placed = editor_client.post(route, {"resource": made["id"]}, content_type=JSON)
        assert placed.json()["items"][0]["text"] == sql
    assert Resource.objects.count() == 1
    assert editor_client.get(f"{RESOURCES}{made['id']}/").json()["stages"] == ["create", "plan"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"label": "A", "url": "/a"}, "kind"),
        ({"kind": "dashboards"}, "url"),
        ({"kind": "nonsense", "label": "A"}, "kind"),
        ({"kind": "description", "label": "A"}, "kind"),
        ({"kind": "dashboards", "label": "A", "url": "javascript:alert(1)"}, "url"),
        ({"kind": "dashboards", "label": "A", "url": "/taken"}, "url"),
        ({"kind": "dashboards", "label": "A", "text": "SELECT 1"}, "text"),
        ({"kind": "slack", "label": "#with blank"}, "label"),
        ({"kind": "dashboards", "label": "A", "review_every_days": 0}, "review_every_days"),
        ({"kind": "dashboards", "label": "A", "access": "everyone"}, "access"),
        ({"kind": "dashboards", "label": "A", "reviewed_on": "9999-12-31"}, "reviewed_on"),
        ({"kind": "data_docs", "text": "SELECT 1", "doc_label": "mau"}, "doc_label"),
    ],
)
def test_what_a_block_would_refuse_is_refused_by_field(editor_client: Client, body: dict[str, Any], field: str) -> None:
    a_block(Stage.objects.get(), "dashboards", Item(label="T", url="/taken"))
    answer = editor_client.post(RESOURCES, body, content_type=JSON)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


def test_what_may_not_be_placed_is_refused(editor_client: Client) -> None:
    slack = editor_client.post(RESOURCES, {"kind": "slack", "label": "s_a"}, content_type=JSON).json()
    assert slack["label"] == "#s_a"
    for resource in (slack["id"], 10**15):
        answer = editor_client.post(f"{BLOCK}items/", {"resource": resource}, content_type=JSON)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "resource")
    made = editor_client.post(RESOURCES, {"kind": "dashboards", "label": "D"}, content_type=JSON).json()
    a_block(Stage.objects.get(), "dashboards", not_applicable="We have none")
    match = {"If-Match": editor_client.get(BLOCK)["ETag"]}
    answer = editor_client.post(f"{BLOCK}items/", {"resource": made["id"]}, content_type=JSON, headers=match)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "not_applicable")
    assert not Placement.objects.exists()


def test_the_history_of_a_resource_is_told_and_a_version_restored(editor_client: Client) -> None:
    made = editor_client.post(RESOURCES, {"kind": "dashboards", "label": "A", "url": "/a"}, content_type=JSON)
    route = f"{RESOURCES}{made.json()['id']}/"
    body = {"owner_name": "Data", "label": "B", "reason": "Moved", "reviewed": True}
    changed = editor_client.patch(route, body, content_type=JSON, headers={"If-Match": made["ETag"]})
    assert changed.json()["reviewed_on"] == timezone.now().date().isoformat()
    told = editor_client.get(f"{route}history/").json()["happenings"]
    assert [(one["why"], one["restore"]["version"]) for one in told] == [("Moved", 2), ("Made a shared resource", 1)]
    restore = f"{route}restore/"
    assert editor_client.post(restore, {"version": 1}, content_type=JSON).status_code == 428
    match = {"If-Match": changed["ETag"]}
    assert editor_client.post(restore, {"version": 7}, content_type=JSON, headers=match).status_code == 400
    back = editor_client.post(restore, {"version": 1}, content_type=JSON, headers=match).json()
    assert (back["label"], back["owner_name"], back["version"]) == ("A", "", 3)


def test_bulk_makes_or_changes_and_twice_the_same_changes_nothing(editor_client: Client, viewer_client: Client) -> None:
    route = f"{RESOURCES}bulk/"
    rows: list[dict[str, Any]] = [
        {"kind": "dashboards", "label": "A", "url": "/a", "official": True},
        {"kind": "slack", "label": "s_create"},
        {"kind": "data_docs", "text": "SELECT 1", "doc_label": "gmau"},
    ]
    assert viewer_client.post(route, rows, content_type=JSON).status_code == 403
    first = editor_client.post(route, rows, content_type=JSON)
    assert [one["version"] for one in first.json()] == [1, 1, 1]
    assert editor_client.post(route, rows, content_type=JSON).json() == first.json()
    assert editor_client.post(route, first.json(), content_type=JSON).json() == first.json()
    named = [{"kind": "dashboards", "url": "/a", "label": "Better"}, {"kind": "okrs", "url": "javascript:x"}]
    refused = editor_client.post(route, named, content_type=JSON)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "1.url")
    assert editor_client.post(route, named[:1], content_type=JSON).json()[0]["label"] == "Better"
    other = [{"id": first.json()[2]["id"], "text": "SELECT 2"}]
    refused = editor_client.post(route, other, content_type=JSON)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "0.text")
    assert Resource.objects.count() == 3


def a_link(key: str, state: str) -> LinkCheck:
    stage = a_stage(key)
    a_block(stage, "dashboards", Item(label=key, url=f"https://{key}.example/"))
    return LinkCheck.objects.create(
        resource=Resource.objects.get(label=key), state=state, sentence="Told.", checked_url=f"https://{key}.example/",
        checked_at=timezone.now(),
    )  # fmt: skip


def test_links_are_read_and_looked_at_again(
    editor_client: Client, viewer_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("stages.api.links.wake", lambda queue, task: asked.append(task))
    dead, fine = a_link("plan", "dead"), a_link("deploy", "ok")
    (row,) = viewer_client.get("/api/v1/links/?trouble=true").json()["results"]
    assert (row["resource"], row["state"], row["stages"]) == (dead.resource_id, "dead", ["plan"])
    assert viewer_client.get("/api/v1/links/?stage=deploy").json()["count"] == 1
    one = viewer_client.get(f"/api/v1/links/{fine.resource_id}/")
    assert one.json()["state"] == "ok"
    assert (
        viewer_client.get(f"/api/v1/links/{fine.resource_id}/", headers={"If-None-Match": one["ETag"]}).status_code
        == 304
    )
    check = "/api/v1/links/check/"
    assert viewer_client.post(check, {}, content_type=JSON).status_code == 403
    told = editor_client.post(check, {}, content_type=JSON)
    assert (told.status_code, told.json()["asked"]) == (202, 1)
    assert editor_client.post(check, {"resources": [fine.resource_id]}, content_type=JSON).json()["asked"] == 1
    assert asked == ["stages.tasks.check_links"] * 2
    refused = editor_client.post(check, {"resources": [fine.resource_id, 10**9]}, content_type=JSON)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "resources.1")
    assert viewer_client.get(f"{RESOURCES}?link=dead").json()["results"][0]["link_check"]["sentence"] == "Told."
    left = ["a.example is asked 40 times a run at most: 2 links are left for a later run."]
    LinkRun.objects.create(at=timezone.now(), checked=2, states={"dead": 1, "ok": 1}, left=left)
    run = viewer_client.get("/api/v1/links/runs/").json()["results"][0]
    assert (run["states"], run["left"], run["offline_since"]) == ({"dead": 1, "ok": 1}, left, None)


@pytest.mark.parametrize("route", ["resources", "links", "starting-points", "stages", "groups", "categories", "people"])
def test_the_number_of_queries_does_not_grow_with_the_list(editor_client: Client, queries: Any, route: str) -> None:
    from stages.contacts import set_people
    from stages.models import Category, StartingPoint
    from tests.stages.builders import a_group

    def fill(number: int) -> None:
        for _ in range(number):
            key = f"x{Stage.objects.count()}"
            stage = a_link(key, "ok").resource.placements.get().block.stage
            group = a_group(stage, f"g{key}")
            Category.objects.create(key=f"c{key}", name=key, stage=stage).groups.add(group)
            StartingPoint.objects.create(text=key)
            set_people([(stage, [("pm", f"Ada {key}")]), (group, [("em", f"Bo {key}")])])

    numbers = []
    for more in (2, 6):
        fill(more)
        with queries() as ran:
            assert editor_client.get(f"/api/v1/{route}/").json()["count"] >= more
        numbers.append(len(ran))
    assert numbers[0] == numbers[1] <= 14
