"""Blocks of one's own, told apart by their headings; and queries, which are more than their addresses."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from portal.models import User
from stages.content import BlockContent, Item
from stages.editing import content_of, find_block, save_block
from stages.models import BlockRevision, Resource, Stage, Suggestion
from tests.stages.builders import a_block, a_stage

pytestmark = pytest.mark.django_db
PAGE = "/stages/create/edit/other/"
ROUTE = "/api/v1/stages/create/blocks/other/"
TAKEN = "There is a block with this heading already."


@pytest.fixture
def stage() -> Stage:
    return a_stage("create")


@pytest.fixture
def renamed(stage: Stage) -> BlockRevision:
    """The first version of a block that has another heading now, while another block has the first one."""
    first = a_block(stage, "other", heading="A", body="first").block
    content = BlockContent(heading="B", body="first")
    save_block(stage=stage, kind="other", heading="A", content=content, base_version=1, actor=None, how="edit")
    a_block(stage, "other", heading="A", body="second")
    return first.revisions.get(version=1)


def bodies(stage: Stage) -> dict[str, str]:
    return dict(stage.blocks.values_list("heading", "body"))


def test_the_longest_heading_there_may_be_is_found_again(stage: Stage, editor_client: Client) -> None:
    heading = "Rituals " * 62
    editor_client.post(PAGE, {"action": "save", "heading": heading, "body": "Mondays", "base_version": "0"})
    heading = heading.strip()
    assert bodies(stage) == {heading: "Mondays"}
    form = editor_client.get(PAGE, {"heading": heading})
    assert form.context["form"].content.body == "Mondays"
    editor_client.post(
        f"{PAGE}?heading={heading}", {"action": "save", "heading": heading, "body": "Tuesdays", "base_version": "1"}
    )
    assert bodies(stage) == {heading: "Tuesdays"}
    asked = {"stage": "create", "kind": "other", "heading": heading, "base_version": 2,
             "content": {"heading": heading, "body": "Fridays"}}  # fmt: skip
    answer = editor_client.post("/api/v1/suggestions/", asked, content_type="application/json")
    assert answer.status_code == 201, answer.content


def test_a_version_whose_heading_is_another_one_s_by_now_is_not_brought_back(
    stage: Stage, renamed: BlockRevision, editor_client: Client
) -> None:
    stands = {"A": "second", "B": "first"}
    restored = editor_client.post("/stages/create/history/", {"revision": renamed.pk}, follow=True)
    assert f"Nothing was restored. {TAKEN}" in restored.content.decode()
    undone = {"action": "undo", "heading": "B", "version": "2"}
    told = editor_client.post("/stages/create/tool/other/", undone, follow=True).content.decode()
    assert "there is another block with the heading of before by now" in told
    match: Any = {"content_type": "application/json", "headers": {"If-Match": "*"}}
    for answer in (
        editor_client.post(f"{ROUTE}restore/?heading=B", {"version": 1}, **match),
        editor_client.post(f"{ROUTE}undo/?heading=B", {}, **match),
        editor_client.put(f"{ROUTE}?heading=B", {"heading": "A", "body": "mine"}, **match),
    ):
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "heading")
    assert bodies(stage) == stands


def test_a_suggested_heading_that_another_block_has_is_not_accepted(
    stage: Stage, viewer: User, editor_client: Client
) -> None:
    for heading in ("A", "B"):
        a_block(stage, "other", heading=heading, body=heading)
    content = {"heading": "B", "body": "mine", "items": []}
    asked = Suggestion.objects.create(
        stage=stage, kind="other", heading="A", base_version=1, content=content, author=viewer
    )
    answer = editor_client.post(f"/stages/suggestions/{asked.pk}/", {"action": "accept"}, follow=True)
    assert TAKEN in answer.content.decode()
    asked.refresh_from_db()
    assert (asked.state, bodies(stage)) == ("open", {"A": "A", "B": "B"})


@pytest.mark.parametrize(
    ("heading", "sentence"),
    [
        ("Slack channels", "On the handbook page this is the heading of"),
        ("**Rituals**", "The handbook page would read this heading as “Rituals”."),
        ("Rituals {: .big}", "The handbook page would read this heading as “Rituals”."),
        ("Rituals #", "The handbook page would read this heading as “Rituals”."),
        ("Rituals:", "The handbook page would read this heading as “Rituals”."),
    ],
)
def test_a_heading_that_the_handbook_page_takes_for_another_one_is_refused(
    stage: Stage, editor_client: Client, heading: str, sentence: str
) -> None:
    typed = {"action": "save", "heading": heading, "body": "Mondays", "base_version": "0"}
    answer = editor_client.post(PAGE, typed)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not bodies(stage)


def query(text: str, **more: Any) -> Item:
    return Item(label="Users", url="https://q.example/1", text=text, dialect="sql", **more)


def asked_of(stage: Stage) -> list[tuple[str, str]]:
    return [(item.text, item.doc_label) for item in content_of(find_block(stage, "data_docs")).items]


def test_another_query_under_an_address_that_another_stage_uses_is_kept(stage: Stage) -> None:
    plan = a_stage("plan")
    a_block(stage, "data_docs", query("SELECT 1"))
    a_block(plan, "data_docs", query("SELECT 2", doc_label="smau"))
    assert (asked_of(stage), asked_of(plan)) == ([("SELECT 1", "")], [("SELECT 2", "smau")])


def test_a_shared_query_is_changed_for_the_stage_that_changes_it_alone(stage: Stage) -> None:
    plan = a_stage("plan")
    for one in (stage, plan):
        a_block(one, "data_docs", query("SELECT 1"))
    assert Resource.objects.count() == 1
    a_block(stage, "data_docs", query("SELECT 3"))
    assert (asked_of(stage), asked_of(plan)) == ([("SELECT 3", "")], [("SELECT 1", "")])
    a_block(stage, "data_docs", query("SELECT 1"))
    assert asked_of(stage) == [("SELECT 1", "")]


def test_a_block_that_was_saved_since_the_page_was_loaded_is_not_given_back(
    stage: Stage, editor_client: Client
) -> None:
    Stage.objects.update(slack_channel="s_create")
    a_block(stage, "slack", Item(label="#mine"))
    assert '<input type="hidden" name="version" value="1">' in editor_client.get("/stages/create/").content.decode()
    a_block(stage, "slack", Item(label="#other"))
    gone = editor_client.post("/stages/create/tool/slack/", {"action": "give-back", "version": "1"}, follow=True)
    assert "Somebody saved this block meanwhile, so it was not given back." in gone.content.decode()
    assert [item.label for item in content_of(find_block(stage, "slack")).items] == ["#other"]
