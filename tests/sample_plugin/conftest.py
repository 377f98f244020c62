"""A portal with the sample plugin installed, and the same portal after it was uninstalled."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.subportal import Subportal, fresh_database

HERE = Path(__file__).parent

# Runs inside the subportal: looks at every place where a plugin may show up.
PROBE = """
from datetime import timedelta
from django.core import checks
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from portal.celery import app, timetable
from portal.models import RoleGrant, User
from portal.plugins.registry import registry
from stages.models import Stage
from django.apps import apps

user, made = User.objects.get_or_create(username="reader", email="reader@example.com")
RoleGrant.objects.get_or_create(user=user, role="administrator", scope="")
Stage.objects.get_or_create(key="reading", defaults={"name": "Reading"})
if apps.is_installed("rota"):
    from rota.models import Duty
    today = timezone.localdate()
    Duty.objects.get_or_create(
        stage_key="reading", person="reader", starts_on=today, ends_on=today + timedelta(days=6)
    )
client = Client(raise_request_exception=False)
client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")

def page(url):
    answer = client.get(url, follow=True, headers={"Accept": "application/json" if "/api/" in url else "text/html"})
    return {"status": answer.status_code, "text": answer.content.decode(errors="replace")}

app.autodiscover_tasks(force=True)
link = registry.resolve(["rota:1"]).get("rota:1")
urls = [
    "/", "/rota/", "/stages/reading/", "/api/v1/", "/api/v1/duties/", "/api/schema/", "/search/?q=reader",
    "/status/", "/docs/", "/docs/rota/", "/plugins/", "/people/", "/attention/",
]
print(json.dumps({
    "pages": {url: page(url) for url in urls},
    "checks": [str(message) for message in checks.run_checks()],
    "timetable": list(timetable()),
    "tasks": [name for name in app.tasks if name.startswith("rota")],
    "plugins": [plugin.name for plugin in registry.plugins],
    "source": link.label if link else None,
    "scopes": [scope for _, source in registry.each("scopes") for scope, _ in source.choices()],
}))
"""


@pytest.fixture(scope="session")
def rota_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed the plugin, as it would into an environment; nothing is downloaded."""
    pytest.importorskip("flit_core", reason="flit_core builds the sample plugin; it is in requirements/test.txt")
    build = tmp_path_factory.mktemp("rota-source") / "rota"
    shutil.copytree(HERE, build, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    site = tmp_path_factory.mktemp("rota-site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run(
        [*command, "--target", str(site), str(build)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return site


@pytest.fixture(scope="session")
def rota_answers(
    rota_site: Path, tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: Any
) -> Iterator[dict[str, Any]]:
    """What the probe finds ``with`` the plugin and then, in the same database, ``without`` it."""
    data_dir = tmp_path_factory.mktemp("rota-data")
    (data_dir / "static").mkdir()
    with django_db_blocker.unblock(), fresh_database("rota", migrated=True) as database:
        portal = Subportal(database=database, data_dir=data_dir, site=rota_site)
        portal.manage("migrate", "--verbosity", "0")
        found = {"with": portal.answers(PROBE)}
        uninstalled = Subportal(database=database, data_dir=data_dir)
        found["without"] = uninstalled.answers(PROBE)
        yield found


@pytest.fixture
def installed(rota_answers: dict[str, Any]) -> Any:
    """The portal with the plugin."""
    return rota_answers["with"]


@pytest.fixture
def uninstalled(rota_answers: dict[str, Any]) -> Any:
    """The portal after the plugin was taken away."""
    return rota_answers["without"]
