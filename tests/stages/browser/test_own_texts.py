"""The page's own texts and places to start in two windows at once, and a refused form of the structure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from stages.models import Draft, PageText, Stage, StartingPoint
from tests.browser.fixtures import SignIn
from tests.stages.builders import a_group, a_stage

if TYPE_CHECKING:
    from playwright.sync_api import Page

# One worker has the browser, as for the tests of the host.
pytestmark = [pytest.mark.usefixtures("everything"), pytest.mark.xdist_group("browser")]
TEXT = "Text (Markdown)"


def save(page: Page, name: str = "Save") -> None:
    """Press the button that people see; another one stands first for the Enter key."""
    page.get_by_role("button", name=name, exact=True).last.click()


def test_two_people_editing_one_text_of_the_page_lose_nothing(window: SignIn) -> None:
    text = PageText.objects.create(place="top", heading="Objectives", body="Grow.")
    views = [window(role) for role in ("editor", "administrator")]
    first, second = (view.open(f"/stages/texts/{text.pk}/") for view in views)
    first.get_by_label(TEXT).fill("Grow faster.")
    save(first)
    first.wait_for_url("**/stages/texts/#text-*")
    expect(first.get_by_role("main")).to_contain_text("Saved.")
    # Whoever changes something else keeps what the first changed.
    second.get_by_label("Heading").fill("Our objectives")
    save(second)
    second.wait_for_url("**/stages/texts/#text-*")
    text.refresh_from_db()
    assert (text.heading, text.body, text.version) == ("Our objectives", "Grow faster.", 3)
    # Whoever changes the same sees both.
    first, second = (view.open(f"/stages/texts/{text.pk}/") for view in views)
    first.get_by_label(TEXT).fill("Grow twice as fast.")
    save(first)
    first.wait_for_url("**/stages/texts/#text-*")
    second.get_by_label(TEXT).fill("Grow slowly.")
    save(second)
    both = second.get_by_role("alert")
    expect(both).to_contain_text("Nothing is lost")
    expect(both).to_contain_text("twice as fast")
    expect(both).to_contain_text("slowly")
    expect(second.get_by_label(TEXT)).to_have_value("Grow slowly.")
    assert [told for told in views[1].taken() if "409 (Conflict)" not in told] == []
    second.get_by_label(TEXT).fill("Grow twice as fast, then slowly.")
    save(second)
    second.wait_for_url("**/stages/texts/#text-*")
    text.refresh_from_db()
    assert text.body == "Grow twice as fast, then slowly."
    assert not Draft.objects.exists()


def test_two_people_editing_one_place_to_start_lose_nothing(window: SignIn) -> None:
    start, other = (StartingPoint.objects.create(order=number, text=f"Line {number}") for number in (1, 2))
    views = [window(role) for role in ("editor", "administrator")]
    first, second = (view.open("/stages/starting-points/") for view in views)
    first.get_by_label("Line 1", exact=True).last.fill("From the first")
    save(first, "Save line 1")
    expect(first.get_by_role("main")).to_contain_text("Saved.")
    # Another line is nobody else's.
    second.get_by_label("Line 2", exact=True).last.fill("From the second")
    save(second, "Save line 2")
    expect(second.get_by_role("main")).to_contain_text("Saved.")
    other.refresh_from_db()
    assert other.text == "From the second"
    second.get_by_label("Line 1", exact=True).last.fill("From the second as well")
    first.get_by_label("Line 1", exact=True).last.fill("From the first again")
    save(first, "Save line 1")
    expect(first.get_by_label("Line 1", exact=True).last).to_have_value("From the first again")
    expect(first.locator(f"#start-{start.pk} input[name=version]")).to_have_value("3")
    save(second, "Save line 1")
    form = second.locator(f"#start-{start.pk}")
    expect(form.get_by_role("alert")).to_contain_text("Nothing is lost")
    expect(form.get_by_role("alert")).to_contain_text("From the first again")
    expect(form.get_by_role("textbox")).to_have_value("From the second as well")
    form.get_by_role("textbox").fill("From both")
    save(second, "Save line 1")
    expect(second.locator(f"#start-{start.pk} input[name=version]")).to_have_value("4")
    start.refresh_from_db()
    assert start.text == "From both"
    assert not Draft.objects.exists()


@pytest.mark.parametrize("script", [True, False])
def test_a_refused_change_of_the_structure_has_the_focus_where_it_is_wrong(window: SignIn, script: bool) -> None:
    stage = a_stage("create")
    a_group(stage, "wiki")
    a_stage("plan")
    view = window("editor", java_script_enabled=script)
    page = view.open("/stages/create/restructure/")
    form = page.locator("form", has=page.get_by_role("heading", name="Split off a new stage"))
    form.get_by_label("Name").fill("Planning")
    form.get_by_label("Key in addresses").fill("plan")
    form.get_by_label("Wiki").check()
    form.get_by_label("Slack channels").check()
    form.get_by_label("From").fill("2026-11-20")
    form.get_by_label("Why").fill("Too large")
    form.get_by_role("button", name="Split off").click()
    key = form.get_by_label("Key in addresses")
    expect(key).to_have_attribute("aria-invalid", "true")
    expect(key).to_have_accessible_description(re.compile("There is a stage with the key plan already."))
    expect(key).to_be_focused()
    expect(form.get_by_label("Wiki")).to_be_checked()
    expect(form.get_by_label("Slack channels")).to_be_checked()
    expect(form.get_by_label("From")).to_have_value("2026-11-20")
    expect(form.get_by_label("Why")).to_have_value("Too large")
    key.fill("planning")
    form.get_by_role("button", name="Split off").click()
    page.wait_for_url("**/stages/planning/")
    assert set(Stage.objects.values_list("key", flat=True)) == {"create", "plan", "planning"}
    assert [told for told in view.taken() if "422 (Unprocessable" not in told] == []
