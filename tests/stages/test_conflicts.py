"""What an import and the portal both changed is decided item by item, kept in the history, and taken back."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.models import User
from stages.conflicts import decide_all, in_dispute
from stages.content import BlockContent, Item, merge
from stages.contributions import attention, health
from stages.editing import content_of, find_block, save_block
from stages.forgetting import forget_on_pages
from stages.handbook.importing import digest_of, import_page
from stages.handbook.parsing import parse_page
from stages.handbook.report import HandbookReport
from stages.models import Block, BlockRevision, ConflictDecision, ImportConflict, ImportRun, Stage
from stages.settling import Disagreement, Take, disagreements, settle, told_apart, unnumbered

pytestmark = pytest.mark.django_db
JSON = "application/json"
FIRST = """\
#### Create Stage

##### Dashboards

_What we look at_

[A](https://x.example/a)
_Why A_

[B](https://x.example/b)
_Why B_

[C](https://x.example/c)
_Why C_
"""
SECOND = FIRST.replace("Why A", "Source A").replace("x.example/b", "x.example/source-b").replace("Why C", "Source C")


def bring(text: str) -> HandbookReport:
    return import_page(page=parse_page(text), source="page.md", digest=digest_of(text))


def the_block() -> Block:
    found = find_block(Stage.objects.get(), "dashboards")
    assert found is not None
    return found


def said() -> list[tuple[str, str, str]]:
    return [(item.label, item.url.removeprefix("https://x.example"), item.description) for item in now().items]


def now() -> BlockContent:
    return content_of(the_block())


def write(content: BlockContent, actor: User | None = None) -> int:
    block = the_block()
    return save_block(
        stage=block.stage, kind=block.kind, content=content, base_version=None, actor=actor, how="edit"
    ).block.version


def edit(at: int, **fields: Any) -> int:
    content = now()
    items = tuple(replace(item, **fields) if n == at else item for n, item in enumerate(content.items))
    return write(replace(content, items=items))


@pytest.fixture
def conflict() -> ImportConflict:
    """Of three items A got another description here and in the source, B another link, and C was taken away here."""
    bring(FIRST)
    edit(0, description="Our A")
    edit(1, url="https://x.example/our-b")
    write(replace(now(), items=now().items[:2]))
    bring(SECOND)
    return ImportConflict.objects.get()


def names(conflict: ImportConflict) -> set[str]:
    return {*ids(conflict)}


def ids(conflict: ImportConflict) -> dict[str, str]:
    return {one.what.strip("“”"): one.id for one in in_dispute(ImportConflict.objects.get(pk=conflict.pk))}


def page_of(conflict: ImportConflict) -> str:
    return f"/stages/conflicts/{conflict.pk}/"


def test_each_is_shown_with_what_both_sides_say_and_what_both_said_before(
    conflict: ImportConflict, viewer_client: Client, editor_client: Client
) -> None:
    shown = editor_client.get(page_of(conflict)).content.decode()
    for text in ("Our A", "Source A", "Why A", "/our-b", "/source-b", "(removed)", "Source C"):
        assert text in shown
    fieldsets = re.findall(r"<fieldset.*?</fieldset>", shown, re.DOTALL)
    assert [("Keep both" in one, re.search(r"<legend>“(.)”", one)[1]) for one in fieldsets] == [  # type: ignore[index]
        (False, "A"), (True, "B"), (False, "C"),
    ]  # fmt: skip
    assert "<fieldset" in (seen := viewer_client.get(page_of(conflict)).content.decode())
    assert 'type="radio"' not in seen
    assert viewer_client.post(page_of(conflict), {"action": "all-source"}).status_code == 403
    waits = "stands until somebody decides."
    assert waits in shown
    editor_client.post(page_of(conflict), {"action": "all-source"})
    assert waits not in editor_client.get(page_of(conflict)).content.decode()


def test_each_is_decided_by_itself_and_the_rest_waits(
    conflict: ImportConflict, editor: User, editor_client: Client
) -> None:
    known = ids(conflict)
    data = {
        f"decide-{known['A']}": "source",
        f"decide-{known['B']}": "both",
        f"decide-{known['C']}": "",
        "reason": "Both run",
    }
    answer = editor_client.post(page_of(conflict), {"action": "decide", **data}, follow=True).content.decode()
    assert "Decided: 2 items. 1 still to decide." in answer
    assert said() == [("A", "/a", "Source A"), ("B", "/our-b", "Why B"), ("B", "/source-b", "Why B")]
    assert (names(conflict), len(attention(editor))) == ({"C"}, 1)
    editor_client.post(page_of(conflict), {"action": "decide", f"decide-{ids(conflict)['C']}": "source"})
    assert said()[-1] == ("C", "/c", "Source C")
    conflict.refresh_from_db()
    assert (conflict.state, conflict.decided_by, attention(editor)) == ("mixed", editor, [])
    history = editor_client.get("/stages/create/history/").content.decode()
    assert "“A”: the source&#x27;s was taken; “B”: both were kept" in history
    assert "Both run" in history
    assert BlockRevision.objects.filter(how="decision", actor=editor).count() == 2


@pytest.mark.parametrize("take", ["portal", "source"])
def test_all_of_a_block_is_decided_at_once(conflict: ImportConflict, editor_client: Client, take: str) -> None:
    before = said()
    answer = editor_client.post(page_of(conflict), {"action": f"all-{take}"}, follow=True)
    assert answer.redirect_chain[-1][0] == "/stages/create/#dashboards"
    assert ("Kept the portal" if take == "portal" else "Took the source") in answer.content.decode()
    taken = [("A", "/a", "Source A"), ("B", "/source-b", "Why B"), ("C", "/c", "Source C")]
    assert said() == (before if take == "portal" else taken)
    conflict.refresh_from_db()
    assert conflict.state == take


@pytest.mark.parametrize("take", list(Take))
def test_the_same_source_does_not_ask_again_and_a_different_one_does(
    conflict: ImportConflict, editor: User, take: Take
) -> None:
    for one in in_dispute(conflict):
        chosen = take if take in one.choices else Take.PORTAL
        decide(conflict, {one.id: chosen}, editor)
    after, runs = said(), ImportRun.objects.count()
    assert (bring(SECOND).changes, said(), ImportRun.objects.count()) == ([], after, runs)
    edit(0, description="Ours again")
    third = bring(SECOND.replace("Source A", "Third A"))
    assert [one.what for one in third.changes[0].conflicts] == ["the description of “A”"]
    assert ImportConflict.objects.get(state="open") != conflict


def decide(conflict: ImportConflict, takes: dict[str, Take], actor: User) -> None:
    from stages.conflicts import decide as decide_

    decide_(conflict=conflict, takes=takes, actor=actor)


def test_what_nobody_decided_waits_through_later_imports(conflict: ImportConflict, editor: User) -> None:
    edit(1, description="Ours, too")
    again = bring(SECOND.replace("Why B", "Source of B"))
    assert [[one.what for one in change.conflicts] for change in again.changes] == [
        ["the link of “B”", "the description of “B”"]
    ]
    assert (ImportConflict.objects.get(), names(conflict)) == (conflict, {"A", "B", "C"})
    assert "Why A" in str([one.readings for one in in_dispute(ImportConflict.objects.get())])


def test_a_source_that_goes_back_or_has_it_no_more_disputes_nothing(conflict: ImportConflict) -> None:
    before = said()
    bring(FIRST)
    conflict.refresh_from_db()
    assert (conflict.state, said()) == ("settled", before)
    bring(SECOND)
    again = ImportConflict.objects.get(state="open")
    bring("#### Create Stage\n##### Slack\n**#s_create**\n")
    again.refresh_from_db()
    assert (again.state, said()) == ("settled", before)


def test_an_edit_that_says_what_the_source_says_settles_it_until_it_is_undone(
    conflict: ImportConflict, editor: User, editor_client: Client
) -> None:
    decide(conflict, {ids(conflict)["B"]: Take.PORTAL, ids(conflict)["C"]: Take.PORTAL}, editor)
    version = edit(0, description="Source A")
    conflict.refresh_from_db()
    assert (conflict.state, in_dispute(conflict), "conflict" in health().sentence) == ("settled", (), False)
    undo = {"action": "undo", "version": str(version)}
    editor_client.post("/stages/create/tool/dashboards/", undo)
    assert (said()[0][2], names(conflict)) == ("Our A", {"A"})


def test_a_form_that_was_opened_before_something_changed_decides_nothing(
    conflict: ImportConflict, editor_client: Client
) -> None:
    known, before = ids(conflict), said()
    edit(0, description="Newer A")
    old = editor_client.post(
        page_of(conflict), {f"decide-{known['A']}": "source", f"decide-{known['B']}": "source", "reason": "My words"}
    )
    assert (old.status_code, said()[1]) == (422, before[1])
    assert "was changed meanwhile. Nothing was written" in old.content.decode()
    assert 'value="My words"' in old.content.decode()
    none = editor_client.post(page_of(conflict), {"action": "decide"})
    assert (none.status_code, "Choose what to keep." in none.content.decode()) == (422, True)
    for take in ("both", "nobody"):
        wrong = editor_client.post(page_of(conflict), {f"decide-{ids(conflict)['A']}": take})
        assert wrong.status_code == 422
    assert not ConflictDecision.objects.exists()


def offered(answer: str) -> dict[str, str]:
    """The fields of the button that a message offers."""
    form = re.search(r'said"[^>]*>.*?<form(.*?)</form>', answer, re.DOTALL)
    assert form, answer
    return dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form[1]))


@pytest.mark.parametrize("take", ["portal", "source"])
def test_a_decision_is_undone_from_the_message_and_made_again(
    conflict: ImportConflict, editor_client: Client, take: str
) -> None:
    before, known = said(), ids(conflict)
    told = editor_client.post(page_of(conflict), {"action": f"all-{take}", "reason": "So"}, follow=True)
    after = said()
    undone = editor_client.post(page_of(conflict), offered(told.content.decode()), follow=True).content.decode()
    assert "Undone. It waits for a decision again." in undone
    assert (said(), ids(conflict)) == (before, known)
    editor_client.post(page_of(conflict), offered(undone))
    conflict.refresh_from_db()
    assert (said(), conflict.state) == (after, take)
    history = editor_client.get("/stages/create/history/").content.decode()
    assert "waits for a decision again" in history


def test_undoing_refuses_where_something_newer_would_be_lost(
    conflict: ImportConflict, editor: User, editor_client: Client
) -> None:
    decide(conflict, {ids(conflict)["A"]: Take.SOURCE}, editor)
    first = ConflictDecision.objects.get()

    def undo(decision: ConflictDecision) -> str:
        data = {"action": "undo", "decision": decision.pk}
        return editor_client.post(page_of(conflict), data, follow=True).content.decode()

    decide(conflict, {ids(conflict)["C"]: Take.PORTAL}, editor)
    assert "something else was decided about it since" in undo(first)
    assert "Undone." in undo(ConflictDecision.objects.get(told__0__take="portal"))
    edit(1, label="Renamed")
    assert "somebody changed the block since" in undo(first)
    assert (said()[0][2], said()[1][0]) == ("Source A", "Renamed")
    bring(SECOND.replace("Source C", "Third C"))
    assert "imported with something else here since" in undo(first)
    first.refresh_from_db()
    assert first.undone_at is None


def test_a_text_of_the_block_is_decided_like_an_item(editor: User) -> None:
    bring("#### Create Stage\n_It makes things._\n\nMore of it.\n")
    stage = Stage.objects.get()
    save_block(
        stage=stage, kind="description", content=BlockContent(note="We make.", body="Ours."), base_version=None,
        actor=None, how="edit",
    )  # fmt: skip
    bring("#### Create Stage\n_It creates._\n\nTheirs.\n")
    conflict = ImportConflict.objects.get()
    assert [(one.what, one.choices) for one in in_dispute(conflict)] == [
        ("the note", (Take.PORTAL, Take.SOURCE)), ("the text", tuple(Take)),
    ]  # fmt: skip
    note, text = in_dispute(conflict)
    decide(conflict, {note.id: Take.SOURCE, text.id: Take.BOTH}, editor)
    content = content_of(find_block(stage, "description"))
    assert (content.note, content.body) == ("It creates.", "Ours.\n\nTheirs.")


def test_the_api_shows_decides_and_takes_back_item_by_item(
    conflict: ImportConflict, editor_client: Client, viewer_client: Client
) -> None:
    route = f"/api/v1/import-conflicts/{conflict.pk}/"

    def send(path: str, body: dict[str, Any], **match: str) -> Any:
        headers = match or {"If-Match": editor_client.get(route)["ETag"]}
        return editor_client.post(f"{route}{path}/", body, content_type=JSON, headers=headers)

    told = {one["what"]: one for one in viewer_client.get(route).json()["disagreements"]}
    link = {"what": "link", "base": "https://x.example/b", "portal": "https://x.example/our-b"}
    assert told["“B”"]["readings"] == [{**link, "source": "https://x.example/source-b"}]
    assert (told["“A”"]["choices"], told["“B”"]["choices"][2]) == (["portal", "source"], "both")
    assert viewer_client.post(f"{route}decide/", {"take": "source"}, content_type=JSON).status_code == 403
    for body in (
        {},
        {"take": "both"},
        {"take": "source", "items": {told["“A”"]["id"]: "source"}},
        {"items": {"x": "source"}},
    ):
        assert send("decide", body).status_code == 400
    stale = editor_client.get(route)["ETag"]
    some = {told["“A”"]["id"]: "source", told["“B”"]["id"]: "portal"}
    done = send("decide", {"items": some, "reason": "Newer"})
    assert (done.status_code, done.json()["state"], [one["what"] for one in done.json()["disagreements"]]) == (
        200, "open", ["“C”"],
    )  # fmt: skip
    assert send("undo", {}, **{"If-Match": stale}).status_code == 412
    assert done.json()["decisions"][0]["reason"] == "Newer"
    assert (send("decide", {"take": "portal"}).json()["state"], said()[0][2]) == ("mixed", "Source A")
    assert send("decide", {"take": "portal"}).status_code == 409
    for left in (1, 3):
        assert len(send("undo", {}).json()["disagreements"]) == left
    assert (send("undo", {}).status_code, said()[0][2]) == (409, "Our A")


def test_a_name_that_is_removed_on_request_is_in_no_conflict_either(editor: User) -> None:
    page = "#### Create Stage\n##### Team members\n[Ada](/ada)\n\n[Bo](/bo)\n"
    bring(page)
    stage = Stage.objects.get()
    block = find_block(stage, "team")
    items = tuple(replace(item, url=f"{item.url}-ours") for item in content_of(block).items)
    save_block(stage=stage, kind="team", content=BlockContent(items=items), base_version=None, actor=None, how="edit")
    bring(page.replace("/ada", "/ada-new").replace("/bo", "/bo-new"))
    conflict = ImportConflict.objects.get()
    decide_all(conflict=conflict, take=Take.PORTAL, actor=editor)
    assert "Ada" in str(ConflictDecision.objects.values()) + str(ImportConflict.objects.values())
    forget_on_pages("Ada")
    kept = str(ConflictDecision.objects.values()) + str(ImportConflict.objects.values())
    assert ("Ada" in kept, "/ada" in kept, "Bo" in kept) == (False, False, True)


WORDS = st.sampled_from(["", "one", "two", "three"])
ITEMS = st.builds(
    Item, label=st.sampled_from(["A", "B", "C"]), url=st.sampled_from(["/a", "/b", ""]), description=WORDS
)  # fmt: skip
CONTENTS = st.builds(BlockContent, note=WORDS, body=WORDS, items=st.lists(ITEMS, max_size=4).map(tuple))


def placed(content: BlockContent) -> BlockContent:
    """With a number for each item that has none, as the portal gives them."""
    last = max((item.id or 0 for item in content.items), default=0)
    items = [replace(item, id=item.id or last + at) for at, item in enumerate(content.items, start=1)]
    return replace(content, items=tuple(items))


@settings(max_examples=300, deadline=None, suppress_health_check=[*HealthCheck])
@given(base=CONTENTS, ours=CONTENTS, source=CONTENTS, how=st.lists(st.sampled_from(list(Take)), min_size=1, max_size=9))
def test_what_was_decided_is_never_asked_again_and_loses_nothing(
    base: BlockContent, ours: BlockContent, source: BlockContent, how: list[Take]
) -> None:
    ours = placed(ours)
    merged = merge(base, ours, source)
    agreed, source = told_apart(base, ours, source, merged)
    content, asked = placed(merged.content), 0
    open_: tuple[Disagreement, ...] = disagreements(agreed, content, source)
    assert {reading.theirs for one in open_ for reading in one.readings} == {one.theirs for one in merged.conflicts}
    while open_:
        one, take = open_[0], how[asked % len(how)]
        take, asked = take if take in one.choices else Take.PORTAL, asked + 1
        settled = settle(agreed, content, source, {one.id: take})
        if take == Take.PORTAL:
            assert settled.content == content
        if take == Take.BOTH:
            assert set(content.items) <= set(settled.content.items)
        assert len(settled.content.items) >= len(content.items)
        agreed, content = settled.agreed, placed(settled.content)
        left = disagreements(agreed, content, source)
        assert len(left) < len(open_)
        open_ = left
    source = unnumbered(source)
    again = merge(source, content, source)
    assert (again.content, again.conflicts) == (content, ()), "the same source changes nothing"
