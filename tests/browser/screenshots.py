"""Pictures of a running portal, to judge by eye: ``.venv/bin/python -m tests.browser.screenshots /stages/``.

Writes into ``screenshots/`` (not kept by git) at 360, 1024 and 1600 px, light and dark, and tells what the console
said and which pages are wider than the screen.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

CHROMIUM = os.environ.get("STAGEBOARD_CHROMIUM", "/usr/bin/chromium")
DEFAULT = ["/", "/stages/", "/metrics/", "/figures/months/", "/telemetry/", "/docs/", "/tasks/", "/status/"]


def tell(words: str) -> None:
    """What the browser had to say."""
    sys.stderr.write(f"  {words}\n")


def main() -> None:
    """Understand the command line, open the browser, take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", default=DEFAULT, help="addresses such as /stages/create/")
    parser.add_argument("--base", default="http://localhost:8000", help="where the portal runs")
    parser.add_argument("--user", default="admin", help="a user of the demo; empty for a stranger")
    parser.add_argument("--widths", default="360,1024,1600")
    parser.add_argument("--schemes", default="light,dark")
    parser.add_argument("--folder", type=Path, default=Path("screenshots"))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for scheme in options.schemes.split(","):
            page = browser.new_context(color_scheme=scheme).new_page()
            if options.user:
                sign_in(page, options.base, options.user)
            page.on("console", lambda message: tell(f"console: {message.text[:300]}"))
            page.on("pageerror", lambda error: tell(f"error: {error}"))
            for path in options.paths:
                for width in options.widths.split(","):
                    shoot(page, f"{options.base}{path}", int(width), options.folder / name_of(path, width, scheme))
        browser.close()


def sign_in(page: Page, base: str, user: str) -> None:
    """Sign in as one of the demo's people."""
    page.goto(f"{base}/accounts/login/")
    page.fill("[name=login]", user)
    page.fill("[name=password]", f"{user}-demo-pass")
    page.press("[name=password]", "Enter")
    page.wait_for_load_state()


def shoot(page: Page, url: str, width: int, target: Path) -> None:
    """One picture of the whole page."""
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(url, wait_until="load")
    page.wait_for_timeout(200)
    beyond = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    page.screenshot(path=target, full_page=True)
    sys.stdout.write(f"{target}{f'  wider than the screen by {beyond} px' if beyond > 0 else ''}\n")


def name_of(path: str, width: str, scheme: str) -> str:
    """A file name for an address."""
    return f"{re.sub(r'[^a-z0-9]+', '_', path.lower()).strip('_') or 'home'}-{width}-{scheme}.png"


if __name__ == "__main__":
    main()
