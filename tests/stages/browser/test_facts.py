"""Facts and keepers in the browser: in place, by keyboard, taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from stages.models import Category
from tests.browser.fixtures import SignIn
from tests.browser.waiting import settled, until
from tests.stages.browser.test_editing import tab_to
from tests.stages.builders import a_group, a_section, a_stage

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.usefixtures("everything"), pytest.mark.xdist_group("browser")]


def test_facts_are_edited_in_place_with_the_keyboard_and_undone(window: SignIn) -> None:
    stage = a_stage("create", section=a_section("dev"))
    category = Category.objects.create(
        key="wiki", name="Wiki", stage=stage, maturity="viable", imported={"maturity": "viable"}
    )
    category.groups.add(a_group(stage, "pages"))
    view = window("editor")
    page = view.open("/categories/wiki/")
    tab_to(page, "Edit facts")
    page.keyboard.press("Enter")
    form = page.locator("#facts form")
    form.wait_for()
    to_field(page, "id_maturity")
    page.keyboard.type("Minimal")
    page.keyboard.press("Control+Enter")
    page.get_by_text("Lowering the maturity needs a reason.").first.wait_for()
    # The sentence stands at the top of a long form: the focus goes there, so that it is seen and read out.
    until(page, "document.activeElement.getAttribute('role') === 'alert'")
    to_field(page, "id_reason")
    page.keyboard.type("It broke")
    page.keyboard.press("Control+Enter")
    page.locator("#facts [role=status]").wait_for()
    expect(page.locator("#facts")).to_contain_text("Minimal")
    expect(page.locator("#facts")).to_contain_text("The structure files say: Viable")
    assert view.taken() == []
    tab_to(page, "Undo")
    page.keyboard.press("Enter")
    page.get_by_text("Undone.").wait_for()
    category.refresh_from_db()
    assert (category.maturity, category.origin("maturity")) == ("viable", "imported")


def test_a_keeper_is_named_in_place(window: SignIn) -> None:
    a_stage("create")
    page = window("editor").open("/stages/create/")
    page.locator("#slack .block-tools summary").press("Enter")
    page.get_by_role("link", name="Who keeps it? Slack channels", exact=True).click()
    page.get_by_label("Who keeps it up to date").fill("editor")
    page.get_by_label("A review holds for how many days").fill("30")
    page.keyboard.press("Enter")
    page.get_by_text("Kept by Editor").wait_for()


def to_field(page: Page, wanted: str) -> None:
    """Press Tab until the field of that id has the focus."""
    settled(page)
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == wanted:
            return
    raise AssertionError(f"{wanted} cannot be reached with Tab")
