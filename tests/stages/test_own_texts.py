"""What the page says outside its stages: lines to start from, and its own texts. Nothing that was written is lost."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from stages.handbook.documents import page_of
from stages.handbook.exporting import export_markdown
from stages.handbook.importing import digest_of, import_page
from stages.history.own_texts import changes_of
from stages.models import Draft, PageText, Section, StartingPoint
from tests.builders import a_user
from tests.conftest import browser_of
from tests.stages.builders import a_block, a_section, a_stage
from tests.stages.test_editing import undo_on

pytestmark = pytest.mark.django_db
STARTS = "/stages/starting-points/"
TEXTS = "/stages/texts/"
SCRIPT = {"HX-Request": "true"}
ROUND_A_BULK = 9
"""Who asks and may they, the transaction, one look at all rows and one at the sections, the answer."""


def starts() -> list[str]:
    return [one.text for one in StartingPoint.objects.all()]


def a_text(heading: str = "Objectives", body: str = "One\n\nTwo", **fields: Any) -> PageText:
    return PageText.objects.create(**{"place": "top", **fields}, heading=heading, body=body)


def click(client: Client, url: str) -> Any:
    """Press the first Undo or Redo on a page."""
    offered = undo_on(client.get(url).content.decode())
    return client.post(offered.pop("url"), offered)


def test_lines_are_added_changed_moved_and_taken_away(editor_client: Client, viewer_client: Client) -> None:
    for text in ("[Docs](https://docs.example/) tell how", "Ask around"):
        editor_client.post(STARTS, {"text": text})
    first, second = StartingPoint.objects.all()
    assert (first.label, first.url) == ("Docs", "https://docs.example/")
    assert "Edit the places to start" in editor_client.get("/stages/").content.decode()
    assert "Edit the places to start" not in viewer_client.get("/stages/").content.decode()
    editor_client.post(STARTS, {"pk": second.pk, "version": "1", "text": "Ask in #data"})
    editor_client.post(STARTS, {"pk": second.pk, "action": "up"})
    assert starts() == ["Ask in #data", "[Docs](https://docs.example/) tell how"]
    editor_client.post(STARTS, {"pk": first.pk, "version": "1", "action": "remove"})
    assert starts() == ["Ask in #data"]
    page = editor_client.get(STARTS).content.decode()
    for text in ("Editor", "taken away", "tell how", "Ask around", "Ask in #data"):
        assert text in page


@pytest.mark.parametrize("change", ["added", "changed", "moved", "taken away"])
def test_every_change_of_a_line_is_undone_and_redone_from_the_message(change: str, editor_client: Client) -> None:
    for text in ("One", "Two"):
        editor_client.post(STARTS, {"text": text})
    editor_client.get(STARTS)
    two = StartingPoint.objects.get(text="Two")
    sent: dict[str, dict[str, Any]] = {
        "added": {"text": "Three"},
        "changed": {"pk": two.pk, "version": "1", "text": "Zwei"},
        "moved": {"pk": two.pk, "action": "up"},
        "taken away": {"pk": two.pk, "version": "1", "action": "remove"},
    }
    editor_client.post(STARTS, sent[change])
    after = starts()
    assert after != ["One", "Two"]
    click(editor_client, STARTS)
    assert starts() == ["One", "Two"]
    click(editor_client, STARTS)
    assert starts() == after


def test_a_line_is_not_undone_after_somebody_else_changed_it(editor_client: Client) -> None:
    editor_client.post(STARTS, {"text": "One"})
    start = StartingPoint.objects.get()
    browser_of(a_user("bea", "editor")).post(STARTS, {"pk": start.pk, "version": "1", "text": "Theirs"})
    click(editor_client, STARTS)
    assert starts() == ["Theirs"]
    assert "was not undone" in editor_client.get(STARTS).content.decode()


def test_any_version_of_a_line_comes_back_also_of_one_that_was_taken_away(editor_client: Client) -> None:
    editor_client.post(STARTS, {"text": "One"})
    start = StartingPoint.objects.get()
    editor_client.post(STARTS, {"pk": start.pk, "version": "1", "text": "Two"})
    editor_client.post(STARTS, {"pk": start.pk, "version": "2", "action": "remove"})
    history = editor_client.get(STARTS).context["history"]
    assert [one.how for one in history] == ["taken away", "changed", "added"]
    editor_client.post(STARTS, {"action": "restore", "pk": start.pk, "event": history[0].event})
    assert starts() == ["Two"]
    editor_client.post(STARTS, {"action": "restore", "pk": start.pk, "event": history[2].event})
    assert (starts(), StartingPoint.objects.get().pk) == (["One"], start.pk)


def test_two_people_who_change_one_line_see_both_and_lose_nothing(editor_client: Client) -> None:
    editor_client.post(STARTS, {"text": "One"})
    start = StartingPoint.objects.get()
    browser_of(a_user("bea", "editor")).post(STARTS, {"pk": start.pk, "version": "1", "text": "Theirs"})
    stale = editor_client.post(STARTS, {"pk": start.pk, "version": "1", "text": "Mine"})
    page = stale.content.decode()
    assert (stale.status_code, starts()) == (409, ["Theirs"])
    assert "Mine" in page
    assert "Theirs" in page
    assert "Mine" in editor_client.get(STARTS).content.decode(), "what was typed is kept as a draft"
    editor_client.post(STARTS, {"pk": start.pk, "version": stale.context["lines"][0].version, "text": "Both"})
    assert starts() == ["Both"]
    assert not Draft.objects.exists()


def test_a_line_that_was_taken_away_while_somebody_changed_it_is_kept_in_the_form(editor_client: Client) -> None:
    editor_client.post(STARTS, {"text": "One"})
    start = StartingPoint.objects.get()
    browser_of(a_user("bea", "editor")).post(STARTS, {"pk": start.pk, "version": "1", "action": "remove"})
    stale = editor_client.post(STARTS, {"pk": start.pk, "version": "1", "text": "Mine"})
    assert (stale.status_code, stale.context["added"].text) == (409, "Mine")


def test_a_hostile_line_is_refused_and_kept_in_the_form(editor_client: Client) -> None:
    for text in ("", "x" * 5001, "[x](javascript:alert(1)) y"):
        answer = editor_client.post(STARTS, {"text": text})
        assert (answer.status_code, answer.context["added"].text) == (422, text), text[:20]
    assert starts() == []


def test_drafts_of_lines_come_back_each_in_its_form(editor_client: Client) -> None:
    editor_client.post(STARTS, {"text": "One"})
    pk = StartingPoint.objects.get().pk
    for data in ({"pk": pk, "version": "1", "text": "Half"}, {"text": "Another half"}):
        assert editor_client.post(STARTS, {**data, "action": "draft"}, headers=SCRIPT).content == b"Draft kept."
    page = editor_client.get(STARTS)
    assert (page.context["lines"][0].text, page.context["added"].text) == ("Half", "Another half")
    assert page.content.decode().count("This is your draft, kept") == 2
    editor_client.post(STARTS, {"pk": pk, "action": "afresh"})
    editor_client.post(STARTS, {"text": "Another half"})
    assert (starts(), Draft.objects.count()) == (["One", "Another half"], 0)


def test_a_text_of_the_page_is_edited_from_where_it_is_shown(editor_client: Client, viewer_client: Client) -> None:
    row = a_text()
    address = f"{TEXTS}{row.pk}/"
    assert address in editor_client.get("/stages/crash-course/").content.decode()
    assert address not in viewer_client.get("/stages/crash-course/").content.decode()
    shown = editor_client.post(address, {"action": "preview", "heading": "Aims", "body": "**New**", "version": "1"})
    assert "<strong>New</strong>" in shown.content.decode()
    editor_client.post(address, {"heading": "Aims", "body": "One\n\n**New**", "version": "1", "reason": "Clearer"})
    row.refresh_from_db()
    assert (row.heading, row.body, row.version) == ("Aims", "One\n\n**New**", 2)
    click(editor_client, TEXTS)
    page = editor_client.get(address).content.decode()
    assert "Clearer" in page
    assert "Changed the heading." in page
    row.refresh_from_db()
    assert (row.heading, row.body) == ("Objectives", "One\n\nTwo")


def test_only_what_differs_of_a_long_text_is_told(editor_client: Client) -> None:
    row = a_text(body="\n".join(f"Line {number}" for number in range(1, 40)))
    editor_client.post(
        f"{TEXTS}{row.pk}/",
        {"heading": "Objectives", "body": row.body.replace("Line 20", "Line twenty"), "version": "1"},
    )
    told = editor_client.get(TEXTS).context["history"][0].differences[0].lines
    assert told == ((" ", "Line 19"), ("-", "Line 20"), ("+", "Line twenty"), (" ", "Line 21"))


def test_changes_of_heading_and_body_are_merged_and_the_same_body_is_shown_twice(editor_client: Client) -> None:
    row = a_text()
    address, other = f"{TEXTS}{row.pk}/", browser_of(a_user("bea", "editor"))
    other.post(address, {"heading": "Aims", "body": row.body, "version": "1"})
    editor_client.post(address, {"heading": "Objectives", "body": "Mine", "version": "1"})
    row.refresh_from_db()
    assert (row.heading, row.body) == ("Aims", "Mine")
    other.post(address, {"heading": "Aims", "body": "Theirs", "version": "3"})
    stale = editor_client.post(address, {"heading": "Aims", "body": "Mine too", "version": "3"})
    page = stale.content.decode()
    assert stale.status_code == 409
    assert "Theirs" in page
    assert "Mine too" in page
    editor_client.post(address, {"heading": "Aims", "body": "Mine too", "version": stale.context["version"]})
    row.refresh_from_db()
    assert row.body == "Mine too"


def test_a_text_is_added_moved_taken_away_and_brought_back(editor_client: Client) -> None:
    a_section("dev")
    a_text()
    editor_client.post(f"{TEXTS}new/?place=top", {"heading": "Why", "body": "Because"})
    editor_client.post(f"{TEXTS}new/?place=section:dev", {"body": "About Dev"})
    why = PageText.objects.get(heading="Why")
    editor_client.post(TEXTS, {"pk": why.pk, "action": "up"})
    assert [one.heading for one in PageText.objects.filter(place="top")] == ["Why", "Objectives"]
    editor_client.get(TEXTS)
    editor_client.post(f"{TEXTS}{why.pk}/", {"action": "remove", "version": "1"})
    assert not PageText.objects.filter(heading="Why").exists()
    click(editor_client, TEXTS)
    assert PageText.objects.get(heading="Why").pk == why.pk
    assert editor_client.get(f"{TEXTS}new/?place=nowhere").status_code == 404


@pytest.mark.parametrize(
    ("place", "heading", "body"),
    [
        ("top", "Create Stage", "x"),
        ("end", "Dev Section", "x"),
        ("start", "", "x"),
        ("top", "", ""),
    ],
)
def test_what_a_page_would_read_as_something_else_is_refused_with_what_was_typed(
    place: str, heading: str, body: str, editor_client: Client
) -> None:
    answer = editor_client.post(f"{TEXTS}new/?place={place}", {"heading": heading, "body": body})
    assert (answer.status_code, PageText.objects.count()) == (422, 0)
    assert answer.context["typed"]["heading"] == heading


def test_a_draft_of_a_text_is_kept_while_typing_and_gone_when_saved(editor_client: Client) -> None:
    row = a_text()
    address = f"{TEXTS}{row.pk}/"
    typed = {"heading": "Objectives", "body": "Half", "version": "1"}
    assert editor_client.post(address, {**typed, "action": "draft"}, headers=SCRIPT).content == b"Draft kept."
    page = editor_client.get(address).content.decode()
    assert "This is your draft, kept" in page
    assert "Half" in page
    editor_client.post(address, typed)
    assert not Draft.objects.exists()


def test_what_is_edited_here_is_exported_and_imports_again_without_a_change(editor_client: Client) -> None:
    a_block(a_stage("create", section=a_section("dev")), "dashboards")
    a_text(place="front", heading="Crash course", body="layout: page")
    front = PageText.objects.get()
    editor_client.post(f"{TEXTS}{front.pk}/", {"heading": "New title", "body": "layout: page", "version": "1"})
    assert editor_client.post(f"{TEXTS}{front.pk}/", {"heading": "", "version": "2"}).status_code == 422
    editor_client.post(
        f"{TEXTS}new/?place=top", {"heading": "Why", "body": "Because\n\n## Not a heading of the page\n\n* x"}
    )
    editor_client.post(f"{TEXTS}new/?place=section:dev", {"body": "About Dev"})
    editor_client.post(STARTS, {"text": "[Docs](https://docs.example/) tell how"})
    text = export_markdown()
    for part in ("title: New title", "## Why", "About Dev", "[Docs](https://docs.example/)"):
        assert part in text
    import_page(page=page_of(text, "page.md"), source="page.md", digest=digest_of(text))
    again = import_page(page=page_of(export_markdown(), "page.md"), source="page.md", digest="x")
    assert not again.wrote
    assert (PageText.objects.count(), StartingPoint.objects.count()) == (3, 1)


def test_a_place_to_start_that_comes_back_still_follows_its_source(editor_client: Client) -> None:
    start_line = "## Helpful places to start\n\n* [Docs](https://docs.example/) tell\n\n"
    page = f"---\ntitle: x\n---\n\n{start_line}#### Create Stage\n\nText\n"
    import_page(page=page_of(page, "p.md"), source="p.md", digest="1")
    start = StartingPoint.objects.get()
    editor_client.post(STARTS, {"pk": start.pk, "version": "1", "action": "remove"})
    click(editor_client, STARTS)
    newer = page.replace("tell", "say")
    import_page(page=page_of(newer, "p.md"), source="p.md", digest="2")
    assert starts() == ["[Docs](https://docs.example/) say"]


@pytest.mark.parametrize("page", [STARTS, TEXTS, f"{TEXTS}new/?place=top"])
def test_only_an_editor_of_everything_edits_them(page: str, viewer_client: Client) -> None:
    assert viewer_client.get(page).status_code == 403
    assert browser_of(a_user("bea", "editor@stage:create")).post(page, {"text": "x", "body": "x"}).status_code == 403


def test_the_title_of_the_page_is_not_taken_away_by_undoing_either(editor_client: Client) -> None:
    title = a_text("Direction", "", place="front")
    editor_client.post(TEXTS, {"action": "undo", "pk": title.pk, "version": "1"})
    assert "The page keeps its title." in editor_client.get(TEXTS).content.decode()
    answer = editor_client.post(
        f"/api/v1/page-texts/{title.pk}/undo/", headers={"If-Match": "*"}, content_type="application/json"
    )
    assert (answer.status_code, PageText.objects.count()) == (400, 1)


def test_restoring_what_stands_already_offers_nothing_to_undo(editor_client: Client) -> None:
    editor_client.post(STARTS, {"text": "One"})
    start = StartingPoint.objects.get()
    event = changes_of(StartingPoint)[0].event
    editor_client.get(STARTS)
    editor_client.post(STARTS, {"action": "restore", "pk": start.pk, "event": event})
    page = editor_client.get(STARTS).content.decode()
    assert "It says that already." in page
    assert 'value="undo"' not in page


@pytest.mark.parametrize("place", ["end", "section"])
def test_a_text_that_was_taken_away_while_somebody_changed_it_is_the_draft_of_a_new_one(
    place: str, editor_client: Client
) -> None:
    section = a_section("dev") if place == "section" else None
    text = a_text("Objectives", place=place, section=section)
    address = f"{TEXTS}{text.pk}/"
    browser_of(a_user("bea", "editor")).post(address, {"action": "remove", "version": "1"})
    sent = {"heading": "Objectives", "body": "Much typing", "version": "1"}
    again = editor_client.post(address, sent, follow=True)
    page = again.content.decode()
    assert "Somebody took this away meanwhile." in page
    assert "Much typing" in page
    editor_client.post(again.redirect_chain[-1][0], {**sent, "version": "0"})
    new = PageText.objects.get()
    assert (new.body, new.place, new.section) == ("Much typing", place, section)
    assert not Draft.objects.exists()
    assert editor_client.get(address).status_code == 404


def test_new_texts_at_two_places_have_a_draft_each(editor_client: Client) -> None:
    for place in ("top", "end"):
        sent = {"action": "draft", "heading": "", "body": f"For the {place}", "version": "0"}
        editor_client.post(f"{TEXTS}new/?place={place}", sent, headers=SCRIPT)
    for place in ("top", "end"):
        assert f"For the {place}" in editor_client.get(f"{TEXTS}new/?place={place}").content.decode()


def test_undoing_the_last_save_keeps_what_was_typed_since(editor_client: Client) -> None:
    editor_client.post(STARTS, {"text": "One"})
    start = StartingPoint.objects.get()
    editor_client.post(STARTS, {"pk": start.pk, "version": "1", "text": "Two"})
    editor_client.get(STARTS)
    editor_client.post(STARTS, {"pk": start.pk, "version": "2", "text": "Three", "action": "draft"}, headers=SCRIPT)
    editor_client.post(STARTS, {"pk": start.pk, "version": "2", "action": "undo"})
    assert starts() == ["One"]
    assert "Three" in editor_client.get(STARTS).content.decode()


def test_a_section_keeps_its_texts_and_one_of_a_section_that_is_gone_comes_back_to_the_top(
    editor_client: Client,
) -> None:
    section, text = a_section("dev"), a_text("Aims", "Long words", place="section", section=None)
    PageText.objects.update(section=section, depth=4)
    kept = editor_client.post("/sections/dev/restructure/", {"action": "delete"})
    assert (kept.status_code, "texts of the page stand in it" in kept.content.decode()) == (422, True)
    editor_client.post(f"{TEXTS}{text.pk}/", {"action": "remove", "version": "1"})
    editor_client.post("/sections/dev/restructure/", {"action": "delete"})
    assert not Section.objects.exists()
    editor_client.post(TEXTS, {"action": "undo", "pk": text.pk, "version": "1"})
    assert PageText.objects.get().place == "top"
    assert "Long words" in editor_client.get("/stages/crash-course/").content.decode()


@pytest.mark.parametrize("of", ["starting-points", "page-texts"])
def test_many_texts_at_once_cost_no_query_for_those_that_stay_and_few_for_each_other(
    of: str, editor_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    a_section("dev")
    route = f"/api/v1/{of}/bulk/"

    def rows(said: str, *numbers: int) -> list[dict[str, Any]]:
        if of == "starting-points":
            return [{"text": f"Line {number} {said}"} for number in numbers]
        where: list[dict[str, str]] = [{"place": "top"}, {"place": "section", "section": "dev"}]
        return [where[number % 2] | {"heading": f"H {number}", "body": f"T {said}"} for number in numbers]

    def send(body: list[dict[str, Any]]) -> Any:
        answer = editor_client.post(route, body, content_type="application/json")
        assert answer.status_code == 200, answer.json()
        return answer.json()

    many = range(40)
    with django_assert_max_num_queries(ROUND_A_BULK + len(many)):
        made = send(rows("one", *many))
    with django_assert_max_num_queries(ROUND_A_BULK):
        assert send(rows("one", *many)) == made
    changed = rows("two", 0, 1, 2)
    if of == "starting-points":
        changed = [{**row, "id": made[number]["id"]} for number, row in enumerate(changed)]
    with django_assert_max_num_queries(ROUND_A_BULK + 3):
        assert {row["version"] for row in send([*changed, *rows("one", *many[3:])])} == {1, 2}
    assert {row.version for row in (StartingPoint if of == "starting-points" else PageText).objects.all()} == {1, 2}
