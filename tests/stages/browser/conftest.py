"""The host's browser, for the catalog's own pages."""

from tests.browser.conftest import assets, chromium, everything, people, server, window

__all__ = ["assets", "chromium", "everything", "people", "server", "window"]
