"""Every page there is: a silent console, no barrier that axe knows, nothing wider than the screen, light and dark."""

from __future__ import annotations

import os
import re

from playwright.sync_api import ViewportSize, expect

from tests.browser.barriers import Barriers, Look
from tests.browser.fixtures import SignIn, Window, a_person
from tests.browser.pages import OF_STRANGERS, plain_addresses, samples
from tests.conftest import browser_of

WIDE: ViewportSize = {"width": 1600, "height": 900}
NARROW: ViewportSize = {"width": 360, "height": 800}


# Every page in two looks that have nothing in common; one page of each kind in the other two as well.
ALWAYS = (Look("light", WIDE), Look("dark", NARROW))
OFTEN = (Look("light", NARROW), Look("dark", WIDE))
IN_EVERY_LOOK = re.compile(
    "/|/styleguide/|/metrics/|/stages/create/|/groups/[^/]+/|/figures/smau[^/?]+/|/telemetry/pings/[0-9]+/|/explore/"
    "|/docs/users/first-tour/|/status/|/admin/|/admin/telemetry/ping/|/accounts/login/"
)
# The one exception that is named: Swagger's script sets inline styles, which the content policy refuses.
SWAGGER = "/api/docs/"
INLINE_STYLE = ("inline style", "style-src", "Content Security Policy directive")
# Mark-up that the portal styles but does not write: all of Swagger's, and two widgets of Django's admin.
NOT_OURS: dict[str, list[str]] = {
    "/api/docs/": ["#swagger-ui"],
    "/admin/": [".selector", ".vDateField", ".vTimeField"],
}


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
    barriers = Barriers(view.page)
    problems = [problem for address in addresses for problem in problems_of(view, barriers, address)]
    assert not problems, "\n".join(problems)


def test_every_page_for_strangers_is_silent_accessible_and_fits(window: SignIn) -> None:
    view = window(None)
    barriers = Barriers(view.page)
    problems = [problem for address in OF_STRANGERS for problem in problems_of(view, barriers, address)]
    assert not problems, "\n".join(problems)


def problems_of(view: Window, barriers: Barriers, address: str) -> list[str]:
    """What is wrong with one page, in sentences that name it. It is loaded once and looked at in several ways."""
    page = view.page
    ALWAYS[0].set(page)
    answer = page.goto(f"{view.base}{address}")
    if address == SWAGGER:
        # It fetches its document after the page has loaded, and what is not there yet when it is left is a complaint.
        expect(page.locator("#swagger-ui .opblock").first).to_be_visible(timeout=60_000)
    status = answer.status if answer is not None else 0
    found = [f"{address}: answered {status}"] if status >= 400 else []
    foreign = [part for prefix, parts in NOT_OURS.items() if address.startswith(prefix) for part in parts]
    for look in (*ALWAYS, *(OFTEN if IN_EVERY_LOOK.fullmatch(address) else ())):
        look.take(page)
        found += overflow(view, address)
        found += [f"{address} ({look}): {barrier}" for barrier in barriers.found(look, foreign)]
    # Hints of the browser that its console shows only when asked for are not counted.
    said = [message for message in view.taken() if not message.startswith("verbose:")]
    if address == SWAGGER:
        said = [message for message in said if not any(part in message for part in INLINE_STYLE)]
    return found + [f"{address}: console: {message}" for message in said]


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
