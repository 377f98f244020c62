"""The API of what is one's own: drafts of facts, people and texts, and what changed since the last visit."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.models import User
from stages.contacts import set_people
from stages.content import Item
from stages.models import BlockRevision, Draft, PageText, Stage, StartingPoint, Visit
from tests.builders import a_user
from tests.conftest import browser_of
from tests.stages.builders import a_block, a_group, a_section, a_stage

pytestmark = pytest.mark.django_db
JSON = "application/json"
STAGE = "/api/v1/stages/create/"


@pytest.fixture(autouse=True)
def stage() -> Stage:
    stage = a_stage("create", section=a_section("dev"), slack_channel="s_create", established=2011, marketing=True)
    set_people([(stage, [("pm", "Ada")])])
    a_block(stage, "dashboards", Item(label="A", url="/a"))
    return stage


def put(client: Client, route: str, body: Any) -> Any:
    return client.put(route, body, content_type=JSON)


def test_a_draft_of_facts_is_the_one_that_the_page_offers_again(editor_client: Client, viewer_client: Client) -> None:
    route = f"{STAGE}draft/"
    assert editor_client.get(route).status_code == 404
    body = {"base_version": 1, "facts": {"slack_channel": "#half", "established": 1999, "marketing": False,
                                         "related_keys": ["plan", "x"]}, "reason": "Later"}  # fmt: skip
    kept = put(editor_client, route, body).json()
    assert {name: kept["facts"][name] for name in body["facts"]} == {  # type: ignore[attr-defined]
        "slack_channel": "#half", "established": "1999", "marketing": "", "related_keys": "plan, x",
    }  # fmt: skip
    assert (kept["reason"], kept["base_version"], kept["saved_at"] is not None) == ("Later", 1, True)
    assert editor_client.get(route).json() == kept
    form = editor_client.get("/stages/create/facts/").content.decode()
    assert 'value="#half"' in form
    assert Draft.objects.get().form["established"] == "1999"
    assert put(viewer_client, route, body).status_code == 403
    assert viewer_client.get(route).status_code == 404
    as_it_stands = put(editor_client, route, {"facts": {"marketing": True, "established": 2011}})
    assert (as_it_stands.json()["saved_at"], Draft.objects.exists()) == (None, False)
    assert put(editor_client, route, {"facts": {"name": "X"}}).status_code == 400
    put(editor_client, route, body)
    assert editor_client.delete(route).status_code == 204
    assert not Draft.objects.exists()


@pytest.mark.parametrize("kind", ["sections/dev", "groups/wiki"])
def test_every_entry_has_drafts_of_its_facts_and_people(kind: str, stage: Stage, editor_client: Client) -> None:
    a_group(stage, "wiki")
    facts, people = f"/api/v1/{kind}/draft/", f"/api/v1/{kind}/people/draft/"
    assert put(editor_client, facts, {"facts": {"description": "Half"}}).json()["facts"]["description"] == "Half"
    assert put(editor_client, people, {"people": "Designer: Bo"}).json()["saved_at"]
    assert {one.subject.split(":")[0] for one in Draft.objects.all()} == {"facts", "people"}


def test_a_draft_of_people_is_the_one_that_the_page_offers_again(editor_client: Client) -> None:
    route = f"{STAGE}people/draft/"
    body = {"base_version": 1, "people": "Product manager: Ada\nnobody knows", "reason": "Later"}
    assert put(editor_client, route, body).json()["people"] == body["people"]
    assert "nobody knows" in editor_client.get("/stages/create/people/").content.decode()
    editor_client.post("/stages/create/people/", {"action": "draft", "people": "Mine", "version": "1"})
    assert editor_client.get(route).json()["people"] == "Mine"
    assert put(editor_client, route, {"people": "Product manager: Ada"}).json()["saved_at"] is None
    assert editor_client.get(route).status_code == 404


def test_drafts_of_starting_points_are_those_of_the_page(editor_client: Client, viewer_client: Client) -> None:
    start = StartingPoint.objects.create(order=1, text="One")
    route, new = f"/api/v1/starting-points/{start.pk}/draft/", "/api/v1/starting-points/draft/"
    assert put(editor_client, route, {"text": "Half a li", "base_version": 1}).json()["text"] == "Half a li"
    assert put(editor_client, new, {"text": "Another"}).json()["text"] == "Another"
    page = editor_client.get("/stages/starting-points/").content.decode()
    assert "Half a li" in page
    assert "Another" in page
    assert put(viewer_client, new, {"text": "Another"}).status_code == 403
    assert put(editor_client, route, {"text": " One "}).json()["saved_at"] is None
    assert editor_client.delete(new).status_code == 204
    assert not Draft.objects.exists()
    assert put(editor_client, "/api/v1/starting-points/0/draft/", {"text": "x"}).status_code == 404


def test_drafts_of_page_texts_are_those_of_the_page(editor_client: Client) -> None:
    text = PageText.objects.create(place="top", heading="Objectives", body="One")
    route, new = f"/api/v1/page-texts/{text.pk}/draft/", "/api/v1/page-texts/draft/"
    body = {"heading": "Objectives", "body": "One and", "reason": "Later", "base_version": 1}
    assert put(editor_client, route, body).json()["body"] == "One and"
    assert "One and" in editor_client.get(f"/stages/texts/{text.pk}/").content.decode()
    assert put(editor_client, f"{new}?place=section&section=dev", {"body": "Of Dev"}).status_code == 200
    assert put(editor_client, f"{new}?place=top", {"body": "On top"}).status_code == 200
    assert "Of Dev" in editor_client.get("/stages/texts/new/?place=section:dev").content.decode()
    assert editor_client.get(f"{new}?place=top").json()["body"] == "On top"
    for wrong in ("", "?place=front", "?place=section", "?place=section&section=x", "?place=top&section=dev"):
        assert put(editor_client, f"{new}{wrong}", {"body": "x"}).status_code == 400, wrong


def test_what_changed_since_the_last_visit_is_told_as_on_the_page(
    stage: Stage, viewer: User, viewer_client: Client
) -> None:
    route = f"{STAGE}visit/"
    assert viewer_client.get(route).json() == {"last_visit": None, "changed": []}
    assert not Visit.objects.exists(), "reading is no visit"
    assert viewer_client.put(route).json() == {"last_visit": None, "changed": []}
    BlockRevision.objects.update(at=timezone.now() - timedelta(days=3))
    Visit.objects.update(seen_at=timezone.now() - timedelta(days=1), before_at=timezone.now() - timedelta(days=9))
    a_block(stage, "slack", Item(label="#s_create"), actor=a_user("bea"))
    a_block(stage, "okrs", Item(label="Mine", url="/m"), actor=viewer)
    told = viewer_client.put(route).json()
    assert [(one["kind"], one["title"], one["changed_by"]) for one in told["changed"]] == [
        ("slack", "Slack channels", "Bea")
    ]
    assert told["last_visit"].startswith((timezone.now() - timedelta(days=1)).date().isoformat())
    assert viewer_client.get(route).json() == told, "it is still the same visit"
    page = viewer_client.get("/stages/create/").content.decode()
    assert page.count("changed since your last visit") == 1
    assert browser_of(a_user("cem")).get(route).json()["changed"] == []
