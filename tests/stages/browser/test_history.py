"""Taking changes of the structure back in the browser: by keyboard, and without a script."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from stages.models import Stage
from stages.restructuring import rename
from tests.browser.fixtures import SignIn
from tests.browser.waiting import settled
from tests.stages.browser.test_editing import tab_to
from tests.stages.browser.test_facts import to_field
from tests.stages.builders import a_group, a_section, a_stage
from tests.stages.test_history import THEN, all_of_it_was

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.usefixtures("everything"), pytest.mark.xdist_group("browser")]


def test_a_rename_is_undone_from_its_message_with_the_keyboard(window: SignIn) -> None:
    a_stage("create", section=a_section("dev"))
    view = window("editor")
    page = view.open("/stages/create/restructure/")
    to_field(page, "r-name")
    retype(page, "Build")
    to_field(page, "r-key")
    retype(page, "build")
    page.keyboard.press("Enter")
    page.wait_for_url("**/stages/build/")
    tab_to(page, "Undo")
    page.keyboard.press("Enter")
    page.wait_for_url("**/stages/create/")
    page.get_by_text("Taken back.").wait_for()
    assert Stage.objects.get().name == "Create"
    assert view.taken() == []


def test_the_page_of_a_day_is_restored_with_the_keyboard_and_one_change_left_out(window: SignIn) -> None:
    stage = a_stage("create", section=a_section("dev"))
    group = a_group(stage, "wiki")
    all_of_it_was(THEN)
    day = date(2026, 11, 10)
    rename(entry=stage, name="Creation", key=None, actor=None, on=day)
    rename(entry=group, name="Wikis", key=None, actor=None, on=day)
    page = window("editor").open("/stages/create/history/?as_of=2026-11-05")
    to_box(page, f"rename-group-{group.pk}")
    page.keyboard.press("Space")
    page.on("dialog", lambda asked: asked.accept())
    tab_to(page, "Restore the page of that day")
    page.keyboard.press("Enter")
    page.get_by_text("The page of 5 Nov 2026 is back").wait_for()
    stage.refresh_from_db()
    group.refresh_from_db()
    assert (stage.name, group.name) == ("Create", "Wikis")


def retype(page: Page, text: str) -> None:
    """Replace what the field says."""
    page.keyboard.press("Control+a")
    page.keyboard.type(text)


def to_box(page: Page, value: str) -> None:
    """Press Tab until the box of that value has the focus."""
    settled(page)
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.value") == value:
            return
    raise AssertionError(f"{value} cannot be reached with Tab")
