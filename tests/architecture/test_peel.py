"""Each lower set of layers is a portal of its own: it starts, passes its checks, migrates and serves its pages.

One database is peeled upwards: what a layer needs beyond the one below is migrated into it, so that all four together
cost little more than the full portal alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.subportal import Subportal, fresh_database

SETS = ("", "stages", "stages,metrics", "stages,metrics,telemetry")

PROBE = """
from django.core import checks
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from io import StringIO
from portal.models import RoleGrant, User
from portal.plugins.registry import registry
from portal.plugins.routes import all_routes

call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)
call_command("migrate", verbosity=0)
user, made = User.objects.get_or_create(username="reader", defaults={"is_staff": True, "is_superuser": True})
client = Client(raise_request_exception=False)
client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
pages = {}
for route in all_routes():
    if "<" in route.pattern or "(" in route.pattern or "?" in route.pattern or "logout" in route.pattern:
        continue
    url = "/" + route.pattern.replace("$", "").replace(chr(92) + "Z", "").replace(chr(92), "")
    answer = client.get(url)
    pages[url] = answer.status_code
    getattr(answer, "close", lambda: None)()
navigation = {item.url_name: client.get(reverse(item.url_name), follow=True).status_code
              for _, item in registry.each("navigation")}
print(json.dumps({
    "checks": [str(message) for message in checks.run_checks()],
    "plugins": [plugin.name for plugin in registry.plugins],
    "pages": pages,
    "navigation": navigation,
}))
"""


@pytest.fixture(scope="module")
def peeled(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: Any
) -> Iterator[dict[str, Any]]:
    """What each set answers, from the bare host upwards."""
    data_dir = tmp_path_factory.mktemp("peel")
    (data_dir / "static").mkdir()
    answers: dict[str, Any] = {}
    with django_db_blocker.unblock(), fresh_database("peel") as database:
        for plugins in SETS:
            answers[plugins] = Subportal(database=database, data_dir=data_dir, plugins=plugins).answers(PROBE)
        yield answers


@pytest.mark.parametrize("plugins", SETS)
def test_a_lower_set_of_layers_starts_and_passes_its_checks(peeled: dict[str, Any], plugins: str) -> None:
    assert ",".join(peeled[plugins]["plugins"]) == plugins
    assert peeled[plugins]["checks"] == []


@pytest.mark.parametrize("plugins", SETS)
def test_a_lower_set_of_layers_serves_home_and_all_its_index_pages(peeled: dict[str, Any], plugins: str) -> None:
    pages = peeled[plugins]["pages"]
    assert pages["/"] == 200
    assert pages["/api/v1/"] == 200
    assert pages["/api/schema/"] == 200
    assert {url: status for url, status in pages.items() if status >= 500} == {}
    assert {name: status for name, status in peeled[plugins]["navigation"].items() if status != 200} == {}


def test_a_layer_without_the_one_below_is_refused_with_a_sentence(tmp_path: Path) -> None:
    lone = Subportal(database="postgresql:///nowhere", data_dir=tmp_path, plugins="metrics")
    done = lone.manage("check", ok=False)
    assert done.returncode != 0
    assert "metrics requires stages" in done.stderr
