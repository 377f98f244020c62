"""The cast, their browsers, the clock, and the promise that no test leaves plugins behind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from hypothesis import HealthCheck, settings
from pytest_django.plugin import DjangoDbBlocker

from tests.builders import a_user
from tests.databases import test_database
from tests.workers import OneWorkerForEachGroup, turn_of

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.test import Client

    from portal.models import User
    from portal.plugin import Plugin

# One browser for the tests of all apps: its fixtures have one home, since each copy would start a browser of its own.
pytest_plugins = ["tests.browser.fixtures"]

# No test asserts a duration, generated ones neither: a busy machine fails nothing.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """What takes longest begins first. Within each part of the suite the order stays the random one."""
    yield
    items.sort(key=lambda item: turn_of(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneWorkerForEachGroup | None:
    """For ``--dist loadgroup``: what shares something runs on one worker, so that it is made once."""
    if config.getvalue("dist") != "loadgroup":
        return None
    config.option.loadscopereorder = False
    return OneWorkerForEachGroup(config, log)


@pytest.fixture(scope="session", autouse=True)
def _static_files_as_before_the_first_start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An empty folder of collected files, whatever ``make demo`` left in the checkout.

    The browser tests' server finds files by their plain names; collected ones bear a checksum and may be older than the
    code. WhiteNoise warns where there is no folder at all.
    """
    from django.test import override_settings

    with override_settings(STATIC_ROOT=tmp_path_factory.mktemp("static")):
        yield


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_modify_db_settings: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """The test database, for whoever asks for this fixture.

    pytest-django's own makes it only where one of the tests that run carries its mark or its fixtures. The browser
    tests reach the database by fixtures of ours; run alone, they would work on, and clear, the real one.
    """
    kept = ExitStack()
    with django_db_blocker.unblock():
        kept.enter_context(test_database())
    yield
    with django_db_blocker.unblock():
        kept.close()


@pytest.fixture(scope="session", autouse=True)
def _urls_of_the_installed_plugins() -> None:
    """Build the real routes before any test runs.

    They are built once per process, by its first request. Were that the request of a test with plugins of its own,
    every later test would live with that test's routes.
    """
    from django.urls import get_resolver

    assert get_resolver().url_patterns
    import portal.api.urls  # noqa: F401


@pytest.fixture(autouse=True)
def _no_plugin_is_left_behind() -> Iterator[None]:
    """Fail the test that changes the registry without putting it back, and put it back."""
    from django.urls import clear_url_caches, set_urlconf

    from portal.plugins.registry import registry

    loaded, problems = registry.loaded, registry.problems
    yield
    changed = registry.loaded is not loaded or registry.problems is not problems
    if changed:
        registry.loaded, registry.problems = loaded, problems
        set_urlconf(None)
        clear_url_caches()
    assert not changed, "this test left plugins of its own in the registry; use the fixture with_plugins"


WithPlugins = Callable[..., AbstractContextManager[None]]


@pytest.fixture
def with_plugins() -> WithPlugins:
    """``with with_plugins(plugin, …):`` a portal with these plugins beside the installed ones (``only=True``: alone).

    Its routes live in a URLconf of their own, so the real one is neither changed nor imported anew.
    """
    return portal_with


@contextmanager
def portal_with(*plugins: Plugin, only: bool = False) -> Iterator[None]:
    """The portal with plugins of a test; what was before stands again afterwards."""
    from django.apps import apps
    from django.test import override_settings
    from django.urls import include, path

    import portal.api.urls
    import portal.urls
    from portal.plugins.registry import Loaded, in_order, registry

    before = registry.loaded
    carrier = apps.get_app_config("portal")
    mine = [Loaded(carrier, plugin) for plugin in plugins]
    registry.loaded = tuple(in_order([*([] if only else before), *mine]))
    try:
        routes = ModuleType("routes_of_a_test")
        routes.urlpatterns = [  # type: ignore[attr-defined]
            *portal.urls.host_urlpatterns,
            path("api/", include(portal.api.urls.api_patterns())),
            *portal.urls.plugin_urlpatterns(),
        ]
        with override_settings(ROOT_URLCONF=routes):
            yield
    finally:
        registry.loaded = before


@pytest.fixture
def administrator(db: None) -> User:
    """Holds every role."""
    return a_user("administrator", "administrator", is_staff=True)


@pytest.fixture
def analyst(db: None) -> User:
    """Reviewer of definitions and figures, and owner of metrics."""
    return a_user("analyst", "reviewer", "metric_owner")


@pytest.fixture
def reviewer(analyst: User) -> User:
    """The analyst by the name of the role."""
    return analyst


@pytest.fixture
def owner(db: None) -> User:
    """Owns metrics: proposes definitions."""
    return a_user("owner", "metric_owner")


@pytest.fixture
def editor(db: None) -> User:
    """Edits the whole catalog."""
    return a_user("editor", "editor")


@pytest.fixture
def viewer(db: None) -> User:
    """Is signed in and holds no role beyond that."""
    return a_user("viewer")


def browser_of(user: User) -> Client:
    """A client signed in as ``user``."""
    from django.test import Client

    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def browser() -> Callable[[User], Client]:
    """``browser(user)``: a client signed in as anyone."""
    return browser_of


@pytest.fixture
def administrator_client(administrator: User) -> Client:
    return browser_of(administrator)


@pytest.fixture
def analyst_client(analyst: User) -> Client:
    return browser_of(analyst)


@pytest.fixture
def reviewer_client(analyst: User) -> Client:
    return browser_of(analyst)


@pytest.fixture
def owner_client(owner: User) -> Client:
    return browser_of(owner)


@pytest.fixture
def editor_client(editor: User) -> Client:
    return browser_of(editor)


@pytest.fixture
def viewer_client(viewer: User) -> Client:
    return browser_of(viewer)


@pytest.fixture
def anonymous_client(db: None) -> Client:
    from django.test import Client

    return Client()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout; tests that read it are skipped where it is not there."""
    folder = Path(os.environ.get("STAGEBOARD_SHARED_DATA") or CHECKOUT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder} (STAGEBOARD_SHARED_DATA names another folder)")
    return folder


class Clock:
    """A clock that tests set. It stands still between moves."""

    def __init__(self) -> None:
        self._traveller: time_machine.travel | None = None
        self._coordinates: Any = None

    def at(self, moment: str | datetime) -> datetime:
        """Set it, to ``"2026-11-02"``, ``"2026-11-02 09:30"`` (UTC) or a datetime; returns that moment."""
        when = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        self.stop()
        self._traveller = time_machine.travel(when, tick=False)
        self._coordinates = self._traveller.start()
        return when

    def move(self, step: timedelta) -> None:
        """Move it on (or back)."""
        assert self._coordinates is not None, "set the clock with clock.at(…) first"
        self._coordinates.shift(step)

    def stop(self) -> None:
        """Back to the real time."""
        if self._traveller is not None:
            self._traveller.stop()
        self._traveller = self._coordinates = None


@pytest.fixture
def clock() -> Iterator[Clock]:
    """``clock.at("2026-11-02 12:00")``, ``clock.move(timedelta(days=1))``."""
    kept = Clock()
    yield kept
    kept.stop()


class Queries:
    """The statements that ran; savepoints do not count, since only a test's transaction makes them."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        from django.test.utils import CaptureQueriesContext

        self.context = CaptureQueriesContext(connection)

    @property
    def statements(self) -> list[str]:
        """Each statement as sent."""
        ran = [query["sql"] for query in self.context.captured_queries]
        return [sql for sql in ran if not sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK TO"))]

    def __len__(self) -> int:
        return len(self.statements)


@pytest.fixture
def queries(db: None) -> Callable[[], AbstractContextManager[Queries]]:
    """``with queries() as ran: …; assert len(ran) <= 15``."""
    from django.db import connection

    @contextmanager
    def capture() -> Iterator[Queries]:
        ran = Queries(connection)
        with ran.context:
            yield ran

    return capture
