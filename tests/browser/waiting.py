"""Waiting for what a page's scripts do."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page


def until(page: Page, expression: str, argument: Any = None, *, patience: float = 10.0) -> None:
    """Wait until an expression holds in the page.

    Playwright's ``wait_for_function`` asks again from within the page by ``eval``, which our content policy refuses:
    it works only where the first look succeeds.
    """
    end = monotonic() + patience
    while not page.evaluate(expression, argument):
        assert monotonic() < end, f"It never came to hold: {expression}"
        page.wait_for_timeout(25)


def settled(page: Page) -> None:
    """Wait until htmx has put in what came, and the focus is where the page wants it.

    New text is in the page a moment before that: whoever presses a key in between loses the focus again.
    """
    until(page, "!document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling, .htmx-added')")


def came_true(page: Page, holds: Callable[[], bool], *, patience: float = 10.0) -> None:
    """Wait until the server has done what was sent to it without anything to see in the page."""
    end = monotonic() + patience
    while not holds():
        assert monotonic() < end, "The server never did it."
        page.wait_for_timeout(25)
