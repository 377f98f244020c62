"""Waiting for what a page's scripts do."""

from __future__ import annotations

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
