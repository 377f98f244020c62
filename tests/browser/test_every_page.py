"""Every page there is: a silent console, no barrier that axe knows, nothing wider than the screen, light and dark."""

from __future__ import annotations

import os
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ViewportSize

from tests.browser.fixtures import SignIn, Window, a_person
from tests.browser.pages import OF_STRANGERS, plain_addresses, samples
from tests.conftest import browser_of

WIDE: ViewportSize = {"width": 1600, "height": 900}
NARROW: ViewportSize = {"width": 360, "height": 800}
# The one exception that is named: Swagger's script sets inline styles, which the content policy refuses.
SWAGGER = "/api/docs/"
INLINE_STYLE = ("inline style", "style-src", "Content Security Policy directive")
# Mark-up that the portal styles but does not write: all of Swagger's, and two widgets of Django's admin.
NOT_OURS: dict[str, list[str]] = {
    "/api/docs/": ["#swagger-ui"],
    "/admin/": [".selector", ".vDateField", ".vTimeField"],
}
# What may differ in other colours and at another width.
WITH_THE_LOOK: dict[str, Any] = {
    "resultTypes": ["violations"],
    "preload": False,
    "runOnly": {"type": "rule", "values": ["color-contrast", "scrollable-region-focusable"]},
}
# axe loads style sheets anew to look into them unless told not to, by inline styles that our policy refuses.
ALL: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}


def test_every_page_is_silent_accessible_and_fits(window: SignIn, everything: None) -> None:
    view = window("administrator")
    # While working on a page: STAGEBOARD_WALK=/telemetry/ walks only addresses that begin so.
    start = os.environ.get("STAGEBOARD_WALK", "/")
    client = browser_of(a_person("administrator"))
    made = [make() for _, make in samples()]
    # Some take forms only, and to some lists of the admin nothing can be added by hand.
    plain = [address for address in plain_addresses() if address.startswith(start) and address not in OF_STRANGERS]
    addresses = [address for address in plain if client.get(address).status_code not in {403, 405}]
    addresses += [address for address in made if address.startswith(start)]
    problems = [problem for address in addresses for problem in problems_of(view, address)]
    assert not problems, "\n".join(problems)


def test_every_page_for_strangers_is_silent_accessible_and_fits(window: SignIn) -> None:
    view = window(None)
    problems = [problem for address in OF_STRANGERS for problem in problems_of(view, address)]
    assert not problems, "\n".join(problems)


def problems_of(view: Window, address: str) -> list[str]:
    """What is wrong with one page, in sentences that name it."""
    page = view.page
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(WIDE)
    answer = page.goto(f"{view.base}{address}", wait_until="load")
    status = answer.status if answer is not None else 0
    found = [f"{address}: answered {status}"] if status >= 400 else []
    found += violations(view, address, "light and wide", ALL)
    found += overflow(view, address)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size(NARROW)
    found += overflow(view, address)
    found += violations(view, address, "dark and narrow", WITH_THE_LOOK)
    # Hints of the browser that its console shows only when asked for are not counted.
    said = [message for message in view.taken() if not message.startswith("verbose:")]
    if address == SWAGGER:
        said = [message for message in said if not any(part in message for part in INLINE_STYLE)]
    return found + [f"{address}: console: {message}" for message in said]


def violations(view: Window, address: str, how: str, options: dict[str, Any]) -> list[str]:
    """What axe finds."""
    foreign = [
        [part]
        for prefix, parts in NOT_OURS.items()
        if address.startswith(prefix)
        for part in parts
        if view.page.locator(part).count()
    ]
    results = Axe().run(view.page, context={"exclude": foreign} if foreign else None, options=options)
    return [
        f"{address} ({how}): {violation['id']}: {violation['help']}: {node['html'][:160]} {contrast(node)}"
        for violation in results.response["violations"]
        for node in violation["nodes"][:3]
    ]


def contrast(node: dict[str, Any]) -> str:
    """The measured contrast, where that is what is wrong."""
    data = [check.get("data") for check in node.get("any", []) if isinstance(check.get("data"), dict)]
    return " ".join(
        f"{one.get('fgColor')} on {one.get('bgColor')} is {one.get('contrastRatio')}"
        for one in data
        if "fgColor" in one
    )


def overflow(view: Window, address: str) -> list[str]:
    """Whether the page is wider than the screen, and what makes it so."""
    wide = view.page.evaluate(
        """() => {
            const room = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= room) return null;
            const beyond = [...document.querySelectorAll("main *, header *")].filter(
                (one) => one.getBoundingClientRect().right > room + 1 && !one.closest(".table-wrap, .code, .tabs"));
            return beyond.slice(0, 3).map((one) => one.outerHTML.slice(0, 120));
        }"""
    )
    size = view.page.viewport_size or {"width": 0}
    return [] if wide is None else [f"{address}: wider than {size['width']} px: {wide}"]
