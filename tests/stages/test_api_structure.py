"""The API of the structure: the same permissions, refusals and records as the pages, nothing overwritten unseen."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from stages.contacts import set_people
from stages.models import Category, Contact, Group, Section, Stage, Succession
from tests.builders import a_user
from tests.conftest import browser_of
from tests.stages.builders import a_group, a_section, a_stage

pytestmark = pytest.mark.django_db
JSON = "application/json"


def send(client: Client, route: str, body: Any = None, *, method: str = "post", match: str | None = "read") -> Any:
    """Send a body, with the ETag that was just read unless another is given."""
    headers = {}
    if match == "read":
        base = "/".join(route.split("/")[:5]) + "/"
        headers["If-Match"] = client.get(base)["ETag"]
    elif match:
        headers["If-Match"] = match
    return getattr(client, method)(route, body or {}, content_type=JSON, headers=headers)


@pytest.fixture
def stage() -> Stage:
    return a_stage("create", section=a_section("dev"))


def test_each_kind_is_made_with_its_facts(editor_client: Client) -> None:
    rows: list[tuple[str, dict[str, Any]]] = [
        ("sections", {"key": "ops", "name": "Ops", "slack_channel": "ops"}),
        ("stages", {"key": "deploy", "name": "Deploy", "section": "ops", "related_keys": ["plan"]}),
        ("groups", {"key": "envs", "name": "Envs", "stage": "deploy", "usage_driver_score": 4}),
        ("categories", {"key": "flags", "name": "Flags", "groups": ["envs"], "maturity": "viable"}),
    ]
    for prefix, body in rows:
        made = editor_client.post(f"/api/v1/{prefix}/", body, content_type=JSON)
        assert made.status_code == 201, made.json()
        assert body.items() <= made.json().items()
        assert made["ETag"] == editor_client.get(f"/api/v1/{prefix}/{body['key']}/")["ETag"]
        again = editor_client.post(f"/api/v1/{prefix}/", body, content_type=JSON)
        assert (again.status_code, again.json()["errors"][0]["field"]) == (400, "key")
    bad = {"key": "x", "name": "X", "stage": "deploy", "direction": "javascript:alert(1)"}
    assert editor_client.post("/api/v1/groups/", bad, content_type=JSON).status_code == 400
    assert not Group.objects.filter(key="x").exists()


def test_only_an_editor_of_the_parent_makes_something_there(stage: Stage, viewer_client: Client) -> None:
    a_stage("deploy", section=a_section("ops"))
    bea = browser_of(a_user("bea", "editor@section:dev"))
    body = {"key": "wiki", "name": "Wiki", "stage": "create"}
    assert viewer_client.post("/api/v1/groups/", body, content_type=JSON).status_code == 403
    assert bea.post("/api/v1/groups/", {**body, "stage": "deploy"}, content_type=JSON).status_code == 403
    assert bea.post("/api/v1/sections/", {"key": "x", "name": "X"}, content_type=JSON).status_code == 403
    assert bea.post("/api/v1/groups/", body, content_type=JSON).status_code == 201
    rows = [{"key": "deploy", "name": "Taken"}]
    assert bea.post("/api/v1/stages/bulk/", rows, content_type=JSON).status_code == 403
    assert bea.post("/api/v1/sections/bulk/", [{"key": "x", "name": "X"}], content_type=JSON).status_code == 403


def test_a_change_of_the_structure_needs_what_it_was_made_from(stage: Stage, editor_client: Client) -> None:
    route = "/api/v1/stages/create/rename/"
    body = {"name": "Build", "key": "build", "reason": "Clearer", "on": "2026-11-20"}
    assert send(editor_client, route, body, match=None).status_code == 428
    assert send(editor_client, route, body, match='"old"').status_code == 412
    done = send(editor_client, route, body)
    assert (done.status_code, done.json()["key"]) == (200, "build")
    assert done["ETag"] == editor_client.get("/api/v1/stages/build/")["ETag"]
    change = Succession.objects.get()
    assert (change.how, change.reason, str(change.on)) == ("renamed", "Clearer", "2026-11-20")


def test_moving_splitting_merging_retiring_and_bringing_back(stage: Stage, editor_client: Client) -> None:
    a_section("ops")
    a_group(stage, "wiki")
    assert send(editor_client, "/api/v1/stages/create/move/", {"parents": ["ops"]}).json()["section"] == "ops"
    nowhere = send(editor_client, "/api/v1/stages/create/move/", {"parents": ["nowhere"]})
    assert (nowhere.status_code, nowhere.json()["errors"][0]["field"]) == (400, "section")
    split = send(editor_client, "/api/v1/stages/create/split/", {"key": "know", "name": "Know", "taking": ["wiki"]})
    assert (split.status_code, split.json()["key"]) == (201, "know")
    assert Group.objects.get().stage.key == "know"
    assert send(editor_client, "/api/v1/stages/create/retire/", {"reason": "Over"}).json()["retired_on"]
    assert send(editor_client, "/api/v1/stages/create/bring-back/").json()["retired_on"] is None
    assert send(editor_client, "/api/v1/stages/create/merge/", {"target": "know"}).json()["key"] == "know"
    referred = send(editor_client, "/api/v1/stages/know/", method="delete")
    assert referred.status_code == 400
    assert "the groups Wiki belong to it" in str(referred.json())
    editor_client.post("/api/v1/sections/", {"key": "typo", "name": "Typo"}, content_type=JSON)
    assert send(editor_client, "/api/v1/sections/typo/", method="delete").status_code == 204
    assert not Section.objects.filter(key="typo").exists()


def test_a_category_moves_between_groups_and_one_must_edit_both(stage: Stage) -> None:
    wiki, boards = a_group(stage, "wiki"), a_group(a_stage("plan", section=a_section("ops")), "boards")
    category = Category.objects.create(key="editor", name="Editor", stage=stage)
    category.groups.add(wiki)
    bea = browser_of(a_user("bea", "editor@section:dev"))
    route = "/api/v1/categories/editor/move/"
    assert send(bea, route, {"parents": ["boards"]}).status_code == 403
    both = browser_of(a_user("dan", "editor@section:dev", "editor@section:ops"))
    assert send(both, route, {"parents": ["boards"]}).json()["groups"] == ["boards"]
    assert category.groups.get() == boards


def test_a_fact_is_told_as_edited_and_given_back(stage: Stage, editor_client: Client) -> None:
    Stage.objects.update(roadmap="/file", imported={"roadmap": "/file"})
    route = "/api/v1/stages/create/"
    changed = send(editor_client, route, {"roadmap": "/mine", "reason": "Better"}, method="patch").json()
    assert (changed["roadmap"], changed["edited"]) == ("/mine", ["roadmap"])
    back = send(editor_client, f"{route}give-back/", {"facts": ["roadmap"]}).json()
    assert (back["roadmap"], back["edited"]) == ("/file", [])
    assert send(editor_client, f"{route}give-back/", {"facts": ["body"]}).status_code == 400
    assert send(editor_client, f"{route}restore/", {"version": 99}).status_code == 400


def test_the_history_is_read_and_a_version_of_the_facts_restored(stage: Stage, editor_client: Client) -> None:
    route = "/api/v1/stages/create/"
    send(editor_client, route, {"roadmap": "/a", "reason": "One"}, method="patch")
    send(editor_client, route, {"roadmap": "/b", "reason": "Two"}, method="patch")
    told = editor_client.get(f"{route}history/").json()
    assert [one["why"] for one in told["happenings"]] == ["One", "Two"] or len(told["happenings"]) == 2
    versions = {one["restore"]["version"]: one["differences"][0]["after"] for one in told["happenings"]}
    assert versions == {2: "/a", 3: "/b"}
    assert send(editor_client, f"{route}restore/", {"version": 2}).json()["roadmap"] == "/a"
    assert editor_client.get(f"{route}history/?before=nonsense").status_code == 400


def test_bulk_makes_and_changes_all_or_nothing_and_twice_the_same_changes_nothing(
    stage: Stage, editor_client: Client
) -> None:
    a_stage("plan")
    rows = [
        {"key": "wiki", "name": "Wiki", "stage": "create", "focus": "Wiki GMAU"},
        {"key": "boards", "name": "Boards", "stage": "plan"},
    ]
    first = editor_client.post("/api/v1/groups/bulk/", rows, content_type=JSON)
    assert [(row["key"], row["stage"], row["version"]) for row in first.json()] == [
        ("wiki", "create", 2),
        ("boards", "plan", 1),
    ]
    assert editor_client.post("/api/v1/groups/bulk/", rows, content_type=JSON).json() == first.json()
    moved = [{"key": "wiki", "stage": "plan", "name": "Wikis"}, {"key": "new"}]
    refused = editor_client.post("/api/v1/groups/bulk/", moved, content_type=JSON)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "1.name")
    assert Group.objects.get(key="wiki").name == "Wiki"
    done = editor_client.post("/api/v1/groups/bulk/", moved[:1], content_type=JSON).json()[0]
    assert (done["name"], done["stage"], done["focus"]) == ("Wikis", "plan", "Wiki GMAU")
    stale = [{"key": "wiki", "version": 1, "focus": "x"}]
    assert editor_client.post("/api/v1/groups/bulk/", stale, content_type=JSON).status_code == 412
    assert editor_client.post("/api/v1/groups/bulk/", [{"key": "x"}] * 1001, content_type=JSON).status_code == 400


def test_people_are_written_whole_and_removed_for_good_by_administrators(
    stage: Stage, editor_client: Client, administrator_client: Client, viewer_client: Client
) -> None:
    set_people([(stage, [("pm", "Ada")])])
    route = "/api/v1/stages/create/people/"
    wrong = editor_client.put(
        route, {"people": [{"role": "a: b", "name": "Ada"}]}, content_type=JSON, headers={"If-Match": "*"}
    )
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "people.0.role")
    assert viewer_client.get(route).json() == [{"role": "pm", "name": "Ada"}]
    body = {"people": [{"role": "em", "name": "Bo"}, {"role": "pm", "name": "Ada"}]}
    assert viewer_client.put(route, body, content_type=JSON, headers={"If-Match": "*"}).status_code == 403
    assert editor_client.put(route, body, content_type=JSON).status_code == 428
    written = send(editor_client, route, body, method="put")
    assert written.json() == body["people"]
    assert editor_client.get("/api/v1/stages/create/")["ETag"].startswith(written["ETag"].rstrip('"'))
    ada = Contact.objects.get(name="Ada")
    of_ada = f"/api/v1/people/{ada.pk}/"
    assert viewer_client.get(of_ada).json()["responsible_for"] == ["pm of stage:create"]
    match = {"If-Match": viewer_client.get(of_ada)["ETag"]}
    assert editor_client.delete(of_ada, headers=match).status_code == 403
    assert administrator_client.delete(of_ada).status_code == 428
    assert administrator_client.delete(of_ada, headers=match).status_code == 204
    assert viewer_client.get(of_ada).status_code == 404
    assert viewer_client.get(route).json() == [{"role": "em", "name": "Bo"}]
