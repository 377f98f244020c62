"""Editing a page block by block, with and without a script; nobody's work is lost."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client

from portal.models import User
from stages.content import BlockContent, Item
from stages.editing import content_of, find_block
from stages.models import Block, BlockRevision, Draft, Follow, Group, Placement, Stage, Suggestion
from stages.restructuring import create as create_entry
from stages.restructuring import rename
from tests.builders import a_user
from tests.conftest import browser_of
from tests.stages.builders import a_block, a_group, a_section, a_stage

pytestmark = pytest.mark.django_db
EDIT = "/stages/create/edit/dashboards/"


@pytest.fixture
def create() -> Stage:
    return a_stage("create", section=a_section("dev"))


def row(number: int, **values: Any) -> dict[str, Any]:
    return {f"item-{number}-{name}": value for name, value in values.items()}


def send(client: Client, action: str, *rows: dict[str, Any], url: str = EDIT, base: int = 0, **more: Any) -> Any:
    data: dict[str, Any] = {"action": action, "base_version": base, "order": [str(n) for n in range(len(rows))], **more}
    for one in rows:
        data |= one
    return client.post(url, data)


def items(stage: Stage, kind: str = "dashboards") -> list[tuple[str, str, str]]:
    found = content_of(find_block(stage, kind)).items
    return [(item.label, item.url, item.description) for item in found]


def test_an_editor_saves_a_block_with_a_plain_form_and_the_reason_is_kept(create: Stage, editor_client: Client) -> None:
    assert "Which dashboards does this team really open?" in editor_client.get(EDIT).content.decode()
    answer = send(editor_client, "save", row(0, label="A", url="/a", description="Why"), reason="First one")
    assert (answer.status_code, answer["Location"]) == (302, "/stages/create/#dashboards")
    assert items(create) == [("A", "/a", "Why")]
    revision = BlockRevision.objects.get()
    assert (revision.actor_name, revision.reason, revision.how) == ("Editor", "First one", "edit")
    page = editor_client.get("/stages/create/history/").content.decode()
    assert "Added “A”." in page
    assert "First one" in page


def test_rows_are_added_moved_and_removed_without_saving_or_losing_anything(
    create: Stage, editor_client: Client
) -> None:
    rows = [row(0, label="A", url="/a"), row(1, label="B", url="/b")]
    added = send(editor_client, "add", *rows)
    assert added.context["form"].content.items[2] == Item()
    moved = send(editor_client, "up-1", *rows).context["form"]
    assert [item.label for item in moved.content.items] == ["B", "A"]
    removed = send(editor_client, "remove-0", *rows).context["form"]
    assert [item.label for item in removed.content.items] == ["B"]
    assert not Block.objects.filter(version__gt=0).exists()
    send(editor_client, "save", *rows, order=["1", "0"])
    assert [label for label, _, _ in items(create)] == ["B", "A"]


@pytest.mark.parametrize(
    ("kind", "paste", "expected"),
    [
        ("dashboards", "https://x.example/app/9/Manage:-Compliance-Dashboard", ("Manage: Compliance Dashboard", "")),
        ("dashboards", "[A](https://x.example/a) – Why", ("A", "Why")),
        ("slack", "#s_create", ("#s_create", "")),
    ],
)
def test_what_is_pasted_becomes_an_item(
    create: Stage, editor_client: Client, kind: str, paste: str, expected: tuple[str, str]
) -> None:
    url = f"/stages/create/edit/{kind}/"
    send(editor_client, "save", row(0, label=""), url=url, paste=paste)
    assert [(label, description) for label, _, description in items(create, kind)] == [expected]


@pytest.mark.parametrize(
    "typed", ["https://x.example/app/Code-Review", "[Code Review](https://x.example/app/Code-Review)"]
)
def test_an_address_typed_as_a_name_is_taken_for_what_it_is(create: Stage, editor_client: Client, typed: str) -> None:
    send(editor_client, "save", row(0, label=typed), row(1, url="https://x.example/Value-Stream"))
    assert items(create) == [
        ("Code Review", "https://x.example/app/Code-Review", ""),
        ("Value Stream", "https://x.example/Value-Stream", ""),
    ]


def test_a_link_pasted_on_the_page_is_added_at_once_and_leaves_the_draft_alone(
    create: Stage, editor_client: Client
) -> None:
    assert "Paste a link" in editor_client.get("/stages/create/").content.decode()
    send(editor_client, "draft", row(0, label="Half typed", url=""))
    for paste in ("https://x.example/app/Code-Review", "[Second](/second) – for reviewers"):
        editor_client.post(EDIT, {"action": "quick", "paste": paste})
    assert items(create) == [
        ("Code Review", "https://x.example/app/Code-Review", ""), ("Second", "/second", "for reviewers"),
    ]  # fmt: skip
    assert Draft.objects.exists()
    assert undo_on(editor_client.get("/stages/create/").content.decode())
    refused = editor_client.post(EDIT, {"action": "quick", "paste": "javascript:alert(1)"})
    assert refused.status_code == 422
    assert len(items(create)) == 2


def test_a_viewer_suggests_a_link_by_pasting_it(create: Stage, viewer: User) -> None:
    browser_of(viewer).post(EDIT, {"action": "quick", "paste": "https://x.example/a"})
    assert (items(create), Suggestion.objects.count()) == ([], 1)


def test_what_raises_the_score_most_is_one_click_away_before_and_after_a_save(
    create: Stage, editor_client: Client
) -> None:
    page = editor_client.get("/stages/create/").content.decode()
    head = page[page.index('id="stage-head"') : page.index('id="blocks"')]
    assert re.search(r'href="/stages/create/edit/dashboards/"[^>]*>Add dashboards \(\+20\)', head)
    done = editor_client.post(
        EDIT, {"action": "quick", "paste": "https://x.example/a"}, headers={"HX-Request": "true"}
    ).content.decode()
    card = done[: done.index("hx-swap-oob")]
    assert re.search(r'href="/stages/create/edit/data_docs/"[^>]*>Add data documentation \(\+20\)', card)


def test_a_pasted_query_becomes_a_query(create: Stage, editor_client: Client) -> None:
    text = "``` sql\nSELECT 1\n```\n_SMAU_"
    send(editor_client, "save", row(0, text="", dialect="sql"), url="/stages/create/edit/data_docs/", paste=text)
    item = content_of(find_block(create, "data_docs")).items[0]
    assert (item.text, item.doc_label) == ("SELECT 1", "smau")


def test_an_error_keeps_what_was_typed_and_says_what_to_do(create: Stage, editor_client: Client) -> None:
    answer = send(editor_client, "save", row(0, label="A", url="javascript:alert(1)"))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Links of the kind javascript: are not allowed" in page
    assert 'value="javascript:alert(1)"' in page
    assert not items(create)


def test_two_people_changing_different_things_are_merged(create: Stage, editor_client: Client) -> None:
    a_block(create, "dashboards", Item(label="A", url="/a"), Item(label="B", url="/b"))
    ids = [item.id for item in content_of(find_block(create, "dashboards")).items]
    other = browser_of(a_user("bea", "editor"))
    both = [row(0, id=ids[0], label="A", url="/a"), row(1, id=ids[1], label="B", url="/b")]
    send(other, "save", {**both[0], "item-0-description": "Bea's"}, both[1], base=1)
    done = send(editor_client, "save", both[0], {**both[1], "item-1-description": "Mine"}, base=1)
    assert done.status_code == 302
    assert items(create) == [("A", "/a", "Bea's"), ("B", "/b", "Mine")]


def test_two_people_changing_the_same_thing_get_a_merge_view(create: Stage, editor_client: Client) -> None:
    a_block(create, "dashboards", Item(label="A", url="/a"))
    number = content_of(find_block(create, "dashboards")).items[0].id
    send(browser_of(a_user("bea", "editor")), "save", row(0, id=number, label="A", url="/bea"), base=1)
    answer = send(editor_client, "save", row(0, id=number, label="A", url="/mine"), base=1)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Bea saved this block while you were editing" in page
    assert "/bea" in page
    assert 'value="/mine"' in page
    assert items(create) == [("A", "/bea", "")]
    version = answer.context["form"].base_version
    send(editor_client, "save", row(0, id=number, label="A", url="/mine"), base=version)
    assert items(create) == [("A", "/mine", "")]
    assert BlockRevision.objects.count() == 3


def test_undo_takes_back_a_save_unless_somebody_saved_after_it(create: Stage, editor_client: Client) -> None:
    a_block(create, "dashboards", Item(label="A", url="/a"))
    send(editor_client, "save", row(0, label="B", url="/b"), base=1)
    tool = "/stages/create/tool/dashboards/"
    editor_client.post(tool, {"action": "undo", "version": "2"})
    assert items(create) == [("A", "/a", "")]
    editor_client.post(tool, {"action": "undo", "version": "2"})
    assert items(create) == [("A", "/a", "")]


def undo_on(page: str) -> dict[str, str]:
    """The fields of the first Undo (or Redo) on a page, and where it posts (``url``)."""
    form = re.search(r'<form method="post" action="([^"]+)"[^>]*>((?:<input[^>]*>)+)<button[^>]*>(Undo|Redo)<', page)
    assert form, "no Undo on the page"
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[2]))
    fields.pop("csrfmiddlewaretoken", None)
    return {**fields, "url": form[1], "label": form[3]}


def test_without_a_script_the_block_offers_to_undo_the_save_and_to_redo_it(
    create: Stage, editor_client: Client
) -> None:
    send(editor_client, "save", row(0, label="A", url="/a"))
    page = editor_client.get("/stages/create/").content.decode()
    card = page[page.index('id="dashboards"') : page.index('id="data-docs"')]
    assert "Saved." in card
    offered = undo_on(card)
    editor_client.post(offered.pop("url"), offered)
    assert items(create) == []
    offered = undo_on(editor_client.get("/stages/create/").content.decode())
    assert offered["label"] == "Redo"
    editor_client.post(offered.pop("url"), offered)
    assert items(create) == [("A", "/a", "")]


def test_the_page_offers_the_draft_of_the_reader_and_of_nobody_else(create: Stage, editor_client: Client) -> None:
    send(editor_client, "draft", row(0, label="Half typed", url=""))
    page = editor_client.get("/stages/create/").content.decode()
    assert "You have a draft, kept" in page
    assert "You have a draft" not in browser_of(a_user("bea", "editor")).get("/stages/create/").content.decode()
    send(editor_client, "discard")
    assert "You have a draft" not in editor_client.get("/stages/create/").content.decode()


def test_what_says_just_what_the_page_says_is_no_draft(create: Stage, editor_client: Client) -> None:
    """As one that was under way while its form was saved, and comes in after it."""
    send(editor_client, "save", row(0, label="A", url="/a"))
    send(editor_client, "draft", row(0, label="A", url="/a"))
    assert not Draft.objects.exists()


def test_a_draft_can_be_thrown_away_in_its_form(create: Stage, editor_client: Client) -> None:
    a_block(create, "dashboards", Item(label="A", url="/a"))
    send(editor_client, "draft", row(0, label="Half typed", url=""), base=1)
    a_block(create, "dashboards", Item(label="B", url="/b"))
    assert "Somebody saved after you began" in editor_client.get(EDIT).content.decode()
    fresh = send(editor_client, "afresh", row(0, label="Half typed", url=""), base=1)
    assert ([item.label for item in fresh.context["form"].content.items], fresh.context["form"].base_version) == (
        ["B"],
        2,
    )
    assert not Draft.objects.exists()


def test_a_draft_survives_a_closed_browser(create: Stage, editor: User, editor_client: Client) -> None:
    send(editor_client, "draft", row(0, label="Half typed", url=""))
    again = browser_of(editor).get(EDIT).content.decode()
    assert "Half typed" in again
    assert "This is your draft, kept" in again
    send(editor_client, "discard")
    assert not Draft.objects.exists()
    assert "Half typed" not in editor_client.get(EDIT).content.decode()


def test_a_viewer_suggests_and_an_editor_accepts(create: Stage, viewer: User, editor_client: Client) -> None:
    a_block(create, "dashboards", Item(label="A", url="/a"))
    send(browser_of(viewer), "save", row(0, label="A", url="/a"), row(1, label="B", url="/b"), base=1, reason="New")
    assert items(create) == [("A", "/a", "")]
    suggestion = Suggestion.objects.get()
    page = f"/stages/suggestions/{suggestion.pk}/"
    assert "Added “B”." in editor_client.get(page).content.decode()
    assert browser_of(viewer).post(page, {"action": "accept"}).status_code == 403
    editor_client.post(page, {"action": "accept"})
    assert [label for label, _, _ in items(create)] == ["A", "B"]
    assert viewer.notifications.get().sentence == "Editor accepted your suggestion for Create."
    assert "Editor accepted it" in editor_client.get(page).content.decode()


def test_a_suggestion_without_a_reason_names_its_author_in_the_history(create: Stage, editor_client: Client) -> None:
    a_block(create, "dashboards", Item(label="A", url="/a"))
    victor = User.objects.create_user("victor", first_name="Victor", last_name="Viewer")
    send(browser_of(victor), "save", row(0, label="A", url="/a"), row(1, label="B", url="/b"), base=1)
    editor_client.post(f"/stages/suggestions/{Suggestion.objects.get().pk}/", {"action": "accept"})
    assert create.blocks.get().revisions.latest("version").reason == "Suggested by Victor Viewer"


def test_a_suggestion_can_be_changed_first_or_declined(create: Stage, viewer: User, editor_client: Client) -> None:
    for label in ("B", "C"):
        send(browser_of(viewer), "suggest", row(0, label=label, url="/x"))
    first, second = Suggestion.objects.all()
    form = editor_client.get(f"{EDIT}?suggestion={first.pk}")
    assert 'value="B"' in form.content.decode()
    send(editor_client, "save", row(0, label="Better", url="/x"), suggestion=str(first.pk))
    assert items(create) == [("Better", "/x", "")]
    editor_client.post(f"/stages/suggestions/{second.pk}/", {"action": "decline", "answer": "We have it"})
    states = {one.pk: one.state for one in Suggestion.objects.all()}
    assert states == {first.pk: "changed", second.pk: "declined"}


def test_the_answer_to_a_suggestion_goes_along_when_it_is_changed_first(
    create: Stage, viewer: User, editor_client: Client
) -> None:
    send(browser_of(viewer), "suggest", row(0, label="B", url="/x"))
    suggestion = Suggestion.objects.get()
    page = f"/stages/suggestions/{suggestion.pk}/"
    form = editor_client.post(page, {"action": "change", "answer": "Shorter & better"}, follow=True)
    assert 'value="Shorter &amp; better"' in form.content.decode()
    done = send(
        editor_client,
        "save",
        row(0, label="Better", url="/x"),
        suggestion=str(suggestion.pk),
        reason="Shorter & better",
    )
    author = str(viewer)
    assert f"accepted with your changes, and {author} is told." in editor_client.get(done["Location"]).content.decode()
    decided = browser_of(viewer).get(page).content.decode()
    assert "Editor accepted it with changes" in decided
    assert "Shorter &amp; better" in decided
    # What was asked for stands there, not what would change on the page of today.
    assert "Added “B”." in decided
    assert "Better</p>" not in decided
    assert viewer.notifications.get().sentence == "Editor accepted your suggestion for Create with changes."


def test_the_list_of_contents_is_kept_up_to_date_when_a_part_is_saved(create: Stage, editor_client: Client) -> None:
    page = editor_client.get("/stages/create/").content.decode()
    assert '<span class="toc-empty" id="toc-dashboards">empty</span>' in page
    data = {"action": "save", "base_version": 0, "order": ["0"], **row(0, label="A", url="/a")}
    saved = editor_client.post(EDIT, data, headers={"HX-Request": "true"})
    assert '<span class="toc-empty" id="toc-dashboards" hx-swap-oob="true"></span>' in saved.content.decode()


def test_a_changed_suggestion_overwrites_nobody(create: Stage, viewer: User, editor_client: Client) -> None:
    a_block(create, "dashboards", Item(label="A", url="/a"))
    number = content_of(find_block(create, "dashboards")).items[0].id
    both = [row(0, id=number, label="A", url="/a"), row(1, label="B", url="/b")]
    send(browser_of(viewer), "suggest", *both, base=1)
    suggestion = Suggestion.objects.get()
    send(
        browser_of(a_user("bea", "editor")), "save", row(0, id=number, label="A", url="/a", description="Bea's"), base=1
    )
    done = send(editor_client, "save", both[0], row(1, label="Better", url="/b"), base=1, suggestion=str(suggestion.pk))
    assert done.status_code == 302
    assert items(create) == [("A", "/a", "Bea's"), ("Better", "/b", "")]
    suggestion.refresh_from_db()
    assert suggestion.state == "changed"


def test_an_editor_of_another_stage_only_suggests(create: Stage) -> None:
    send(browser_of(a_user("cem", "editor@stage:plan")), "save", row(0, label="A", url="/a"))
    assert (items(create), Suggestion.objects.count()) == ([], 1)
    send(browser_of(a_user("dan", "editor@section:dev")), "save", row(0, label="A", url="/a"))
    assert items(create) == [("A", "/a", "")]


def test_the_page_of_any_day_comes_back(create: Stage, editor_client: Client) -> None:
    with time_machine.travel(datetime(2026, 11, 1, 12, tzinfo=UTC), tick=False):
        a_block(create, "dashboards", Item(label="Old", url="/old"))
    with time_machine.travel(datetime(2026, 11, 10, 12, tzinfo=UTC), tick=False):
        a_block(create, "dashboards", Item(label="New", url="/new"))
        a_block(create, "slack", Item(label="#s_create"))
    BlockRevision.objects.filter(version=1, block__kind="dashboards").update(at=datetime(2026, 11, 1, 12, tzinfo=UTC))
    BlockRevision.objects.exclude(version=1, block__kind="dashboards").update(at=datetime(2026, 11, 10, tzinfo=UTC))
    page = "/stages/create/history/"
    assert "Old" in editor_client.get(f"{page}?as_of=2026-11-05").content.decode()
    editor_client.post(page, {"as_of": "2026-11-05"})
    assert (items(create), items(create, "slack")) == ([("Old", "/old", "")], [])
    editor_client.post(page, {"as_of": "2026-11-20"})
    assert (items(create), items(create, "slack")) == ([("New", "/new", "")], [("#s_create", "", "")])


def test_one_version_of_one_block_comes_back(create: Stage, editor_client: Client, viewer_client: Client) -> None:
    a_block(create, "dashboards", Item(label="Old", url="/old"))
    a_block(create, "dashboards", Item(label="New", url="/new"))
    first = BlockRevision.objects.get(version=1)
    history = "/stages/create/history/"
    assert viewer_client.post(history, {"revision": str(first.pk)}).status_code == 403
    editor_client.post(history, {"revision": str(first.pk)})
    assert items(create) == [("Old", "/old", "")]
    assert BlockRevision.objects.count() == 3


def test_derived_facts_are_shown_as_such_and_can_be_confirmed(create: Stage, editor_client: Client) -> None:
    create.slack_channel = "s_create"
    create.save()
    a_group(create, "editor", slack_channel="g_editor")
    page = editor_client.get("/stages/create/").content.decode()
    assert "#g_editor" in page
    assert "From the structure files" in page
    editor_client.post("/stages/create/tool/slack/", {"action": "confirm"})
    assert [label for label, _, _ in items(create, "slack")] == ["#s_create", "#g_editor"]
    a_block(create, "slack", Item(label="#mine"))
    assert "Give back to the structure files" in editor_client.get("/stages/create/").content.decode()
    editor_client.post("/stages/create/tool/slack/", {"action": "give-back"})
    assert items(create, "slack") == []
    page = editor_client.get("/stages/create/").content.decode()
    assert "#g_editor" in page
    assert "#mine" not in page
    editor_client.post("/stages/create/tool/slack/", {"action": "undo", "version": "3"})
    assert items(create, "slack") == [("#mine", "", "")]


def test_saving_by_htmx_answers_with_the_block_alone(create: Stage, editor_client: Client) -> None:
    data = {"action": "save", "base_version": "0", "order": "0", **row(0, label="A", url="/a")}
    page = editor_client.post(EDIT, data, headers={"HX-Request": "true"}).content.decode()
    assert page.lstrip().startswith("<section")
    assert "Undo" in page
    assert "<html" not in page


def test_followers_are_told_of_changes_by_others(create: Stage, viewer: User, editor_client: Client) -> None:
    browser_of(viewer).post("/stages/create/follow/")
    assert Follow.objects.filter(user=viewer, stage=create).exists()
    send(editor_client, "save", row(0, label="A", url="/a"))
    assert "Editor changed" in viewer.notifications.get().sentence


def test_a_block_of_ones_own_has_a_heading_and_only_one_of_each(create: Stage, editor_client: Client) -> None:
    url = "/stages/create/edit/other/"
    assert send(editor_client, "save", url=url, body="Mondays").status_code == 422
    send(editor_client, "save", url=url, heading="Rituals", body="**Mondays**")
    assert "<strong>Mondays</strong>" in editor_client.get("/stages/create/").content.decode()
    assert send(editor_client, "save", url=url, heading="Rituals", body="x").status_code == 422


def test_hostile_text_is_kept_and_shown_harmlessly(create: Stage, viewer_client: Client) -> None:
    evil = "<script>alert(1)</script>"
    a_block(
        create, "dashboards",
        Item(label=evil, url="javascript:alert(1)", description="\u202egnp.exe"),
        body=f"{evil} [x](javascript:alert(1)) ![x](http://evil.example/x.png)",
    )  # fmt: skip
    page = viewer_client.get("/stages/create/").content.decode()
    assert "<script>alert" not in page
    assert 'href="javascript' not in page
    assert "\u202e" not in page
    assert Placement.objects.get(block__stage=create).resource.url == "javascript:alert(1)"


def test_saving_what_is_there_makes_no_version(create: Stage, editor_client: Client) -> None:
    saved = a_block(create, "dashboards", Item(label="A", url="/a"))
    send(editor_client, "save", row(0, label="A", url="/a"), base=1)
    saved.block.refresh_from_db()
    assert saved.block.version == 1
    assert content_of(saved.block) == BlockContent(items=(Item(label="A", url="/a"),))


def test_a_group_that_a_description_names_is_linked_and_followed(
    create: Stage, editor_client: Client, viewer_client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    group = a_group(create, "code_review", name="Code Review")
    send(editor_client, "save", row(0, label="A", url="/a", description="Create : Code Review"))
    assert Placement.objects.get().group == group
    rename(entry=group, name="Reviewing", key="reviewing", actor=None, on=date(2026, 11, 28))
    assert "Create:Reviewing" in viewer_client.get("/stages/create/").content.decode()
    assert "Create : Code Review" in viewer_client.get("/groups/reviewing/").content.decode()
    other = row(0, id=content_of(find_block(create, "dashboards")).items[0].id, label="A", url="/a", description="All")
    send(editor_client, "save", other, base=1)
    assert Placement.objects.get().group is None
    send(editor_client, "save", {**other, "item-0-description": "create: wiki pages"}, base=2)
    with django_capture_on_commit_callbacks(execute=True):
        create_entry(kind="group", key="wiki", name="Wiki", parents=[create], actor=None, on=date(2026, 11, 28))
    assert Placement.objects.get().group == Group.objects.get(key="wiki")
