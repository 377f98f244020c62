"""The shell with keyboard and pointer: search, skip link, menus, colours, charts that wake up."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.fixtures import SignIn
from tests.browser.waiting import until


def test_control_k_goes_to_the_search_box_and_arrows_walk_the_suggestions(window: SignIn) -> None:
    view = window("viewer")
    page = view.open("/docs/")
    page.keyboard.press("Control+k")
    until(page, "document.activeElement.name === 'q'")
    page.keyboard.type("plugin", delay=5)
    page.wait_for_selector("#search-results a")
    page.keyboard.press("ArrowDown")
    first = page.evaluate("document.activeElement.href")
    assert first
    until(page, "document.activeElement.closest('#search-results') !== null")
    page.keyboard.press("Escape")
    until(page, "document.activeElement.name === 'q'")
    expect(page.locator("#search-results")).to_be_hidden()
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=plugin")
    expect(page.locator("mark").first).to_be_visible()
    assert view.taken() == []


def test_the_first_tab_reaches_the_skip_link_and_it_skips(window: SignIn) -> None:
    page = window("viewer").open("/docs/")
    page.keyboard.press("Tab")
    until(page, "document.activeElement.className === 'skip-link'")
    page.keyboard.press("Enter")
    until(page, "document.activeElement.id === 'content'")


def test_menus_open_by_keyboard_and_close_with_escape(window: SignIn) -> None:
    page = window("viewer").open("/docs/")
    menu = page.locator("header details[data-menu]")
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(menu).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    until(page, "document.activeElement.tagName === 'SUMMARY'")


def test_the_chosen_colours_stay_on_the_next_page(window: SignIn) -> None:
    page = window("viewer", color_scheme="light").open("/docs/")
    page.locator("header details[data-menu] summary").click()
    page.get_by_role("button", name="Dark").click()
    until(page, "document.documentElement.dataset.theme === 'dark'")
    page.reload()
    until(page, "document.documentElement.dataset.theme === 'dark'")
    until(page, "getComputedStyle(document.body.parentElement).colorScheme === 'dark'")


def test_colours_and_menus_work_without_a_script(window: SignIn) -> None:
    page = window("viewer", java_script_enabled=False).open("/docs/")
    page.locator("header details[data-menu] summary").click()
    page.get_by_role("button", name="Dark").click()
    page.wait_for_url("**/docs/")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_on_a_narrow_screen_the_navigation_opens_over_the_page_and_closes_again(window: SignIn) -> None:
    page = window("viewer", viewport={"width": 360, "height": 800}).open("/docs/")
    side = page.locator("#navigation")
    expect(side).to_be_hidden()
    page.locator("[data-nav-open]").click()
    expect(side).to_be_visible()
    page.keyboard.press("Escape")
    expect(side).to_be_hidden()


def test_a_chart_turned_to_shows_the_month_under_the_pointer(window: SignIn) -> None:
    view = window("administrator")
    page = view.open("/styleguide/")
    figure = page.locator("figure[data-chart]").first
    figure.locator(".chart-canvas").hover(position={"x": 200, "y": 100})
    page.wait_for_selector("figure[data-awake=yes]")
    figure.locator(".chart-canvas").hover(position={"x": 205, "y": 105})
    tooltip = page.locator("#vg-tooltip-element")
    tooltip.wait_for(state="visible")
    expect(tooltip).to_contain_text("Recorded")
    assert view.taken() == []


def test_a_series_can_be_switched_off_by_its_name(window: SignIn) -> None:
    view = window("administrator")
    page = view.open("/styleguide/")
    figure = page.locator("figure[data-chart]", has_text="Six stages")
    figure.locator(".chart-canvas").hover(position={"x": 200, "y": 100})
    button = figure.get_by_role("button", name="Plan")
    button.wait_for()
    before = figure.locator(".chart-wide path").count()
    button.click()
    until(page, "count => document.querySelectorAll('figure[data-awake] .chart-wide path').length < count", before)
    expect(button).to_have_attribute("aria-pressed", "false")
    assert view.taken() == []


def places_of(page: Page, title: str) -> list[str]:
    """The places of the axis over which the drawing that is seen has tooltips, from the first to the last."""
    names: list[str] = page.evaluate(
        """title => [...document.querySelectorAll("figure[data-chart]")]
            .find(figure => figure.querySelector(".chart-title").textContent.startsWith(title))
            .chart.views.wide.view.scale("x").domain()""",
        title,
    )
    return names


def test_a_part_of_a_long_time_is_shown_by_dragging_and_by_keyboard_and_all_of_it_again(window: SignIn) -> None:
    view = window("administrator")
    page = view.open("/styleguide/")
    title = "Five years"
    figure = page.locator("figure[data-chart]", has_text=title)
    whole = """() => [...document.querySelectorAll("figure.is-part")].length === 0"""
    partial = """() => [...document.querySelectorAll("figure.is-part")].length === 1"""

    # By keyboard: the ends are ordinary fields.
    figure.get_by_label("From", exact=True).select_option("Jan 2025")
    until(page, partial)
    places = places_of(page, title)
    assert (places[0], places[-1], len(places)) == ("Jan 2025", "Nov 2026", 23)
    figure.get_by_role("button", name="Whole time").click()
    until(page, whole)
    assert len(places_of(page, title)) == 60
    expect(figure.get_by_label("From", exact=True)).to_have_value("Dec 2021")

    # By pointer: from a third to two thirds of the drawing.
    canvas = figure.locator(".chart-canvas")
    box = canvas.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 2 / 3, box["y"] + 60, steps=3)
    expect(figure.locator(".chart-brush")).to_have_count(1)
    page.mouse.up()
    until(page, partial)
    places = places_of(page, title)
    assert 15 < len(places) < 25
    expect(figure.get_by_label("From", exact=True)).to_have_value(places[0])
    expect(figure.get_by_label("To", exact=True)).to_have_value(places[-1])
    canvas.dblclick(position={"x": 300, "y": 60})
    until(page, whole)
    assert len(places_of(page, title)) == 60

    # Ends that are the wrong way round, or too close, are put right.
    figure.get_by_label("To", exact=True).select_option("Dec 2021")
    until(page, partial)
    assert places_of(page, title) == ["Dec 2021", "Jan 2022", "Feb 2022"]
    assert view.taken() == []


def test_a_chart_is_had_as_picture_drawing_numbers_and_table(window: SignIn) -> None:
    view = window("administrator")
    page = view.open("/styleguide/")
    figure = page.locator("figure[data-chart]").first
    for name, beginning in (("PNG", b"\x89PNG"), ("SVG", b"<svg"), ("CSV", b"Month,Recorded,Estimated,Predicted")):
        figure.locator("summary", has_text="Download").click()
        with page.expect_download() as begun:
            figure.get_by_role("link", name=name).click()
        assert beginning in Path(begun.value.path()).read_bytes()[:200]
        if figure.locator("details.chart-menu").get_attribute("open") is not None:
            page.keyboard.press("Escape")
    figure.get_by_text("Show as table").click()
    table = figure.get_by_role("table")
    assert table.get_by_role("columnheader").all_inner_texts()[:3] == ["Month", "Recorded", "Estimated"]
    assert table.get_by_role("row").count() > 14
    assert view.taken() == []


def test_code_can_be_copied_and_tables_sorted(window: SignIn) -> None:
    view = window("administrator", permissions=["clipboard-read", "clipboard-write"])
    page = view.open("/styleguide/")
    table = page.locator("table[data-sortable]")
    table.get_by_role("button", name="Estimated").click()
    expect(table.locator("tbody th").first).to_have_text("Plan")
    expect(table.locator("th[aria-sort=ascending]")).to_have_count(1)
    page.locator("[data-copy-button]").last.click()
    page.get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").startswith("SELECT date_trunc")
    assert view.taken() == []
