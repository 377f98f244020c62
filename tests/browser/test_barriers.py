"""Faults put into a page by hand are found, also where nearly everything on it was judged on pages before."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Route

from tests.browser.barriers import Barriers
from tests.browser.fixtures import Window
from tests.browser.test_every_page import problems_of

CLEAN = """<!doctype html>
<html lang="en"><head><title>Things</title><link rel="icon" href="data:,"><style>
  body { margin: 0; background: white; color: black; }
  @media (prefers-color-scheme: dark) { body { background: black; color: white; } }
  .quiet { color: #666; }
  @media (prefers-color-scheme: dark) { .quiet { color: #aaa; } }
</style></head>
<body><main><h1>Things</h1><p>All of them.</p><p class="quiet">Of late.</p>
<label for="name">Name</label> <input id="name"></main></body></html>"""
DARK_NARROW = "@media (prefers-color-scheme: dark) and (max-width: 400px)"
FAULTS = {
    "of one element in one look": (
        f"<style>{DARK_NARROW} {{ .faint {{ color: #444; }} }}</style><p class='faint'>Some.</p>",
        ["(dark, 360 px): color-contrast: ... <p class='faint'> ... #444444 on #000000"],
    ),
    "by what the text stands in": (
        "<div style='background: gray'><p class='quiet'>Of late.</p></div>",
        [
            "(light, 1600 px): color-contrast: ... #666666 on #808080",
            "(dark, 360 px): color-contrast: ... #aaaaaa on #808080",
        ],
    ),
    "by what lies below the text": (
        "<div style='position: relative'><div style='position: absolute; inset: 0; background: #777'></div>"
        "<p class='quiet' style='position: relative'>Of late.</p></div>",
        [
            "(light, 1600 px): color-contrast: ... #666666 on #777777",
            "(dark, 360 px): color-contrast: ... #aaaaaa on #777777",
        ],
    ),
    "without a label": ("<input id='age'>", ["(light, 1600 px): label: ", "(dark, 360 px): label: "]),
    "without a label where the screen is narrow": (
        "<style>@media (min-width: 400px) { #age { display: none; } }</style><input id='age'>",
        ["(dark, 360 px): label: "],
    ),
    "wider than the screen": ("<div style='width: 500px'>Wide.</div>", [": wider than 360 px: "]),
    "a complaint in the console": ("<script>console.warn('Alas.')</script>", [": console: warning: Alas."]),
}


@pytest.fixture
def pages(chromium: Browser) -> Iterator[tuple[Window, dict[str, str]]]:
    """A window, and the pages that it finds by their addresses."""
    there: dict[str, str] = {}

    def answer(route: Route) -> None:
        route.fulfill(body=there[urlsplit(route.request.url).path], content_type="text/html")

    context = chromium.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.route("**/*", answer)
    window = Window(page, "http://localhost")
    page.on("console", lambda message: window.complaints.append(f"{message.type}: {message.text}"))
    yield window, there
    context.close()


def test_planted_faults_are_found_after_pages_that_have_none(pages: tuple[Window, dict[str, str]]) -> None:
    window, there = pages
    barriers = Barriers(window.page)
    there["/clean/"] = CLEAN
    assert problems_of(window, barriers, "/clean/") == []
    for fault, (markup, expected) in FAULTS.items():
        there["/faulty/"] = CLEAN.replace("</main>", f"{markup}</main>")
        found = problems_of(window, barriers, "/faulty/")
        assert len(found) == len(expected), (fault, found)
        for problem, words in zip(found, expected, strict=True):
            for part in words.replace("'", '"').split(" ... "):
                assert part in problem, (fault, problem)
    assert problems_of(window, barriers, "/clean/") == []


def test_what_was_judged_once_is_not_measured_again(pages: tuple[Window, dict[str, str]]) -> None:
    window, there = pages
    barriers = Barriers(window.page)
    faint = CLEAN.replace("</main>", "<p style='color: #eee'>Faint.</p></main>")
    there |= {"/first/": faint, "/second/": faint}
    (found,) = problems_of(window, barriers, "/first/")
    assert "/first/ (light, 1600 px): color-contrast: " in found
    assert problems_of(window, barriers, "/second/") == []
