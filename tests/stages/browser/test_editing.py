"""Filling a stage's page in the browser: by keyboard alone, without a script, and two people at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from stages.editing import content_of, find_block
from stages.models import Draft, Stage
from tests.browser.fixtures import SignIn
from tests.browser.waiting import came_true, settled, until
from tests.stages.builders import a_block, a_stage

if TYPE_CHECKING:
    from playwright.sync_api import Page

# One worker has the browser, as for the tests of the host.
pytestmark = [pytest.mark.usefixtures("everything"), pytest.mark.xdist_group("browser")]

LINKS = {
    "dashboards": "Top dashboards referenced by this team",
    "research": "Helpful user research and demos",
    "roadmap": "Product roadmap link",
    "okrs": "OKRs",
    "key_pages": "Key handbook pages",
    "team": "Team hierarchy",
}


def tab_to(page: Page, name: str) -> None:
    """Press Tab until something of that name has the focus."""
    settled(page)
    for _ in range(250):
        page.keyboard.press("Tab")
        said = page.evaluate("(document.activeElement.innerText || '').replace(/\\s+/g, ' ').trim()")
        if said == name:
            return
    raise AssertionError(f"{name} cannot be reached with Tab")


def fill(page: Page, kind: str, title: str, *texts: str) -> None:
    """Open the form of a block, type into its fields in order, save with Ctrl-Enter."""
    tab_to(page, f"Add {title}" if kind == "description" else f"Fill in {title}")
    page.keyboard.press("Enter")
    anchor = kind.replace("_", "-")
    page.wait_for_selector(f"#{anchor} [data-draft-form]")
    until(page, "document.activeElement.matches('input, textarea')")
    for number, text in enumerate(texts):
        if number:
            page.keyboard.press("Tab")
        page.keyboard.type(text)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(f"#{anchor} [role=status]")
    settled(page)


def test_a_newcomer_fills_an_empty_stage_with_the_keyboard_alone(window: SignIn) -> None:
    a_stage("create")
    view = window("editor")
    page = view.open("/stages/create/")
    expect(page.locator("#stage-head")).to_contain_text("0 % complete")
    fill(page, "description", "About this stage", "Create is where code is written and reviewed.")
    fill(page, "dashboards", LINKS["dashboards"], "Code review", "https://x.example/1", "Who reviews what")
    fill(page, "data_docs", "Important data documentation", "SELECT count(*) FROM events")
    for kind in ("research", "roadmap", "okrs", "key_pages"):
        fill(page, kind, LINKS[kind], f"About {kind}", f"https://x.example/{kind}")
    fill(page, "slack", "Slack channels", "s_create")
    fill(page, "team", LINKS["team"], "The team", "https://x.example/team")
    expect(page.locator("#stage-head")).to_contain_text("100 % complete")
    page.reload()
    expect(page.locator("#stage-head")).to_contain_text("100 % complete")
    expect(page.get_by_text("#s_create", exact=True)).to_have_count(1)
    assert view.taken() == []


def test_the_same_is_done_without_a_script(window: SignIn) -> None:
    a_stage("create")
    page = window("editor", java_script_enabled=False).open("/stages/create/")

    def add(title: str, **fields: str) -> None:
        word = "Add" if title == "About this stage" else "Fill in"
        page.get_by_role("link", name=f"{word} {title}", exact=True).click()
        for label, text in fields.items():
            page.get_by_label(label, exact=True).first.fill(text)
        page.get_by_role("button", name="Save", exact=True).last.click()

    add("About this stage", **{"In one sentence": "Create is where code is written."})
    for title in LINKS.values():
        add(title, Name="A page", Link="https://x.example/")
    add("Important data documentation", **{"Query or prose": "SELECT 1"})
    add("Slack channels", Channel="#s_create")
    expect(page.locator("#stage-head")).to_contain_text("100 % complete")
    page.get_by_role("link", name="Edit Slack channels", exact=True).click()
    page.get_by_role("button", name="Add another").click()
    page.get_by_label("Channel", exact=True).nth(1).fill("#s_create_pm")
    page.get_by_role("button", name="Move up item 2").click()
    expect(page.get_by_label("Channel", exact=True).first).to_have_value("#s_create_pm")
    page.get_by_role("button", name="Save", exact=True).last.click()
    page.wait_for_url("**/stages/create/#slack")
    block = find_block(Stage.objects.get(key="create"), "slack")
    assert [item.label for item in content_of(block).items] == ["#s_create_pm", "#s_create"]


def test_two_people_editing_one_block_lose_nothing(window: SignIn) -> None:
    from stages.content import Item

    a_block(a_stage("create"), "dashboards", Item(label="A", url="https://x.example/a"))
    pages = [window(role).open("/stages/create/") for role in ("editor", "administrator")]
    for page in pages:
        page.get_by_role("link", name=f"Edit {LINKS['dashboards']}").click()
        page.wait_for_selector("#dashboards [data-draft-form]")
    first, second = pages
    first.get_by_label("Description").fill("From the first")
    first.get_by_role("button", name="Save", exact=True).last.click()
    first.wait_for_selector("#dashboards [role=status]")
    second.get_by_label("Description").fill("From the second")
    second.get_by_role("button", name="Save", exact=True).last.click()
    merge = second.locator("#dashboards-merge")
    merge.wait_for()
    expect(merge).to_contain_text("From the first")
    expect(second.get_by_label("Description")).to_have_value("From the second")
    second.get_by_label("Description").fill("From the first and the second")
    second.get_by_role("button", name="Save", exact=True).last.click()
    second.wait_for_selector("#dashboards [role=status]")
    block = find_block(Stage.objects.get(key="create"), "dashboards")
    assert content_of(block).items[0].description == "From the first and the second"
    assert block is not None
    assert block.revisions.count() == 3


def test_a_closed_browser_loses_no_draft(window: SignIn) -> None:
    a_stage("create")
    page = window("editor").open("/stages/create/edit/dashboards/")
    page.get_by_label("Name").fill("Half typed")
    page.get_by_text("Draft kept.").wait_for()
    page.context.close()
    again = window("editor").open("/stages/create/edit/dashboards/")
    expect(again.get_by_label("Name")).to_have_value("Half typed")


def test_a_stage_is_filled_by_pasting_and_following_what_helps_most(window: SignIn) -> None:
    a_stage("create")
    view = window("editor")
    page = view.open("/stages/create/")
    page.locator("#stage-head").get_by_role("link", name="Add dashboards (+20)").click()
    until(page, "document.activeElement.id == 'dashboards-0-label'")
    page.keyboard.type("https://x.example/app/Code-Review")
    page.keyboard.press("Control+Enter")
    page.locator("#dashboards [role=status]").wait_for()
    page.locator("#dashboards").get_by_role("link", name="Add data documentation (+20)").click()
    until(page, "document.activeElement.id == 'data-docs-0-text'")
    page.keyboard.type("SELECT 1")
    page.keyboard.press("Control+Enter")
    page.locator("#data-docs [role=status]").wait_for()
    for kind in ("research", "roadmap", "okrs", "key-pages", "team"):
        page.locator(f"#quick-{kind}").fill(f"https://x.example/About-{kind}")
        page.keyboard.press("Enter")
        page.locator(f"#{kind} [role=status]").wait_for()
        until(page, f"document.activeElement.id == '{kind}'")
    page.locator("#quick-slack").fill("#s_create")
    page.keyboard.press("Enter")
    page.locator("#slack [role=status]").wait_for()
    expect(page.locator("#stage-head")).to_contain_text("85 % complete")
    expect(page.get_by_role("link", name="Code Review", exact=True)).to_have_count(1)
    assert view.taken() == []


def test_a_save_is_undone_without_a_script_where_the_eye_is(window: SignIn) -> None:
    a_stage("create")
    page = window("editor", java_script_enabled=False).open("/stages/create/edit/slack/")
    page.get_by_label("Channel", exact=True).fill("#s_create")
    page.get_by_role("button", name="Save", exact=True).last.click()
    page.locator("#slack").get_by_role("button", name="Undo").click()
    page.locator("#slack").get_by_role("button", name="Redo").wait_for()
    assert content_of(find_block(Stage.objects.get(key="create"), "slack")).is_empty


def test_people_saved_by_keyboard_are_undone_from_the_message(window: SignIn) -> None:
    stage = a_stage("create")
    page = window("editor").open("/stages/create/people/")
    page.keyboard.type("Product manager: Ada")
    page.keyboard.press("Control+Enter")
    page.get_by_text("The people are saved.").wait_for()
    assert stage.people.count() == 1
    tab_to(page, "Undo")
    page.keyboard.press("Enter")
    page.get_by_text("Undone.").wait_for()
    assert stage.people.count() == 0


def test_a_draft_of_facts_is_kept_when_the_window_closes_at_once_and_offered_in_place(window: SignIn) -> None:
    a_stage("create")
    page = window("editor").open("/stages/create/facts/")
    page.get_by_label("Roadmap", exact=True).fill("/typed")
    page.goto("about:blank")
    # What a closing window sends is on its way a moment longer than the window.
    came_true(page, Draft.objects.exists)
    again = window("editor").open("/stages/create/")
    offer = again.locator("#facts").get_by_text("You have a draft, kept")
    offer.wait_for()
    again.get_by_role("link", name="Continue with the draft: facts").click()
    again.get_by_text("This is your draft, kept").wait_for()
    expect(again.get_by_label("Roadmap", exact=True)).to_have_value("/typed")
    again.get_by_role("button", name="Save", exact=True).last.click()
    again.locator("#facts [role=status]").wait_for()
    again.reload()
    expect(again.get_by_text("You have a draft, kept")).to_have_count(0)
    assert Stage.objects.get(key="create").roadmap == "/typed"


def test_rows_are_dragged_into_another_order(window: SignIn) -> None:
    from stages.content import Item

    a_block(a_stage("create"), "slack", Item(label="#a"), Item(label="#b"))
    page = window("editor").open("/stages/create/edit/slack/")
    rows = page.locator("[data-item]")
    rows.nth(1).locator(".handle").drag_to(rows.nth(0), target_position={"x": 20, "y": 4})
    page.get_by_role("button", name="Save", exact=True).last.click()
    page.wait_for_url("**/stages/create/#slack")
    block = find_block(Stage.objects.get(key="create"), "slack")
    assert [item.label for item in content_of(block).items] == ["#b", "#a"]
