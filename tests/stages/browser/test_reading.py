"""Reading a stage's page in the browser: what was folded stays folded, and links into it unfold what they lead to."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from stages.content import Item
from stages.models import Placement
from tests.browser.fixtures import SignIn
from tests.browser.waiting import until
from tests.stages.builders import a_block, a_stage

pytestmark = [pytest.mark.usefixtures("everything"), pytest.mark.xdist_group("browser")]
FOLD = "#dashboards details[data-fold]"


def test_what_was_folded_stays_folded_until_a_link_leads_into_it(window: SignIn) -> None:
    a_block(a_stage("create"), "dashboards", Item(label="Weekly numbers", url="/a"))
    view = window("viewer")
    page = view.open("/stages/create/")
    page.locator("#dashboards .block-fold > summary").click()
    until(page, "localStorage.getItem('folds:/stages/create/') !== null")
    page.reload()
    page.wait_for_selector(f"{FOLD}:not([open])", state="attached")
    page.goto(page.url.split("#")[0] + f"#item-{Placement.objects.get().pk}")
    page.reload()
    page.wait_for_selector(f"{FOLD}[open]")
    page.get_by_role("button", name="Fold all").click()
    page.wait_for_selector("#slack details:not([open])", state="attached")
    page.get_by_role("button", name="Unfold all").click()
    page.wait_for_selector(f"{FOLD}[open]")
    page.evaluate("window.print = () => { document.title = 'printed'; }")
    page.get_by_role("button", name="Print").click()
    expect(page).to_have_title("printed")
