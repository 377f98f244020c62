"""The examples of the reference run as they stand, and its table names every route of the catalog."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from portal.models import TokenScope
from portal.plugins.registry import registry
from stages.models import Group, Resource, Stage, StartingPoint
from tests.builders import a_token, a_user

PAGE = Path(__file__).parents[2] / "docs/reference/catalog-api.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="the examples need curl and jq")
def test_the_examples_run_one_after_the_other(
    transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stages.api.links.wake", lambda queue, task: True)
    secret, _ = a_token(a_user("bea", "editor"), TokenScope.READ, TokenScope.WRITE)
    examples = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert len(examples) > 15
    server = LiveServer("localhost")
    try:
        done = subprocess.run(
            ["bash", "-euxo", "pipefail", "-c", "\n".join(examples)],
            cwd=tmp_path, capture_output=True, text=True, check=False,
            env={"PATH": "/usr/bin:/bin", "API": f"{server.url}/api/v1", "TOKEN": secret, "no_proxy": "localhost"},
        )  # fmt: skip
    finally:
        server.stop()
    assert done.returncode == 0, done.stderr[-1500:] + done.stdout[-1500:]
    create = Stage.objects.get(key="create")
    assert (create.slack_channel, Group.objects.get().stage.key) == ("s_create", "create")
    assert Resource.objects.get(label="Usage").access == "internal"
    assert StartingPoint.objects.get().label == "The data handbook"


def test_the_table_names_every_route_of_the_catalog() -> None:
    text = PAGE.read_text(encoding="utf-8")
    prefixes = [route.prefix for plugin, route in registry.each("api") if plugin.name == "stages"]
    assert len(prefixes) > 15
    assert [prefix for prefix in prefixes if f"`{prefix}/" not in text and f"{prefix}," not in text] == []
