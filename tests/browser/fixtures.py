"""A real browser on a live server: one browser a session, a fresh window for each person, nothing from the network."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pytest_django.live_server_helper import LiveServer
from pytest_django.plugin import DjangoDbBlocker

from tests.builders import a_user
from tests.conftest import browser_of

if TYPE_CHECKING:
    from playwright._impl._api_structures import SetCookieParam
    from playwright.sync_api import Browser, BrowserContext, Page

    from portal.models import User

CHROMIUM = os.environ.get("STAGEBOARD_CHROMIUM", "/usr/bin/chromium")
# Playwright keeps an event loop in this thread, in which Django would otherwise refuse to ask the database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium without a window. Not there: skipped, or failed where STAGEBOARD_REQUIRE_BROWSER=1."""
    if not Path(CHROMIUM).exists():
        reason = f"no Chromium at {CHROMIUM} (apt install chromium; STAGEBOARD_CHROMIUM names another place)"
        if os.environ.get("STAGEBOARD_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost, EXCLUDE 127.0.0.1"],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def assets() -> None:
    """The chart script, as set-up builds it."""
    from django.core.management import call_command

    call_command("build_assets", verbosity=0)


@dataclass
class Window:
    """A page of the browser, and everything that its console and its requests have complained of."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Go there and wait until nothing is being loaded any more."""
        self.page.goto(f"{self.base}{path}", wait_until="networkidle")
        return self.page

    def taken(self) -> list[str]:
        """What was complained of since the last time of asking."""
        found, self.complaints[:] = list(self.complaints), []
        return found


SignIn = Callable[..., Window]


@pytest.fixture(scope="session")
def server(django_db_setup: None, assets: None) -> Iterator[LiveServer]:
    """The portal on a port. Unlike pytest-django's it does not empty the whole database after each test."""
    running = LiveServer("localhost")
    yield running
    running.stop()


@pytest.fixture
def people(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The database as the server sees it. Only people and their sessions are made here, and go again."""
    from django.contrib.sessions.models import Session

    from portal.models import RoleGrant, User

    with django_db_blocker.unblock():
        yield
        for model in (Session, RoleGrant, User):
            model.objects.all().delete()


@pytest.fixture
def everything(transactional_db: None) -> None:
    """The database for tests that fill it with things of every app; it is emptied after them."""


@pytest.fixture
def window(chromium: Browser, server: LiveServer, request: pytest.FixtureRequest) -> Iterator[SignIn]:
    """``window("administrator")``: a window signed in with that role; ``window(None)``: of a stranger."""
    request.getfixturevalue("everything" if "everything" in request.fixturenames else "people")
    opened: list[BrowserContext] = []

    def open_as(role: str | None = "administrator", **options: Any) -> Window:
        # Without motion: colours on their way from light to dark are neither's.
        usual = {"viewport": {"width": 1600, "height": 900}, "reduced_motion": "reduce"}
        context = chromium.new_context(**{**usual, **options})
        opened.append(context)
        if role is not None:
            context.add_cookies([session_of(a_person(role), server.url)])
        page = context.new_page()
        made = Window(page, server.url)
        page.on("console", lambda message: made.complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: made.complaints.append(f"error: {error}"))
        page.on("requestfailed", lambda request: made.complaints.append(f"not loaded: {request.url} {request.failure}"))
        return made

    yield open_as
    for context in opened:
        context.close()


def a_person(role: str) -> User:
    """Someone with a role; the administrator may use the admin as well."""
    from portal.models import User

    known = User.objects.filter(username=role).first()
    if known is not None:
        return known
    roles = () if role == "viewer" else (role,)
    is_administrator = role == "administrator"
    return a_user(role, *roles, is_staff=is_administrator, is_superuser=is_administrator)


def session_of(user: User, url: str) -> SetCookieParam:
    """The cookie of a session of this user."""
    from django.conf import settings

    cookie = browser_of(user).cookies[settings.SESSION_COOKIE_NAME]
    return {"name": settings.SESSION_COOKIE_NAME, "value": cookie.value, "url": url}
