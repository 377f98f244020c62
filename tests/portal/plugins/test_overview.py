"""What is installed is told by the command and by the page, problems included."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from portal.plugin import Health, HealthCheck, HealthState, Plugin
from tests.conftest import WithPlugins

SHELVES = Plugin(
    name="shelves",
    title="Shelves",
    summary="A plugin of this test.",
    version="3.1",
    health=(HealthCheck(name="disk", check=lambda: Health(state=HealthState.OK, sentence="Fine.")),),
)


def told(*arguments: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("plugins", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_the_command_lists_each_plugin_with_what_it_adds(with_plugins: WithPlugins) -> None:
    with with_plugins(SHELVES):
        out, err = told()
    assert "shelves 3.1" in out
    assert "Health checks\n    disk" in out
    assert err == ""


def test_the_json_of_the_command_is_one_document(with_plugins: WithPlugins) -> None:
    with with_plugins(SHELVES):
        out, _ = told("--json")
    by_name = {plugin["name"]: plugin for plugin in json.loads(out)["plugins"]}
    assert by_name["shelves"]["adds"] == {"health": ["disk"]}
    assert by_name["shelves"]["problems"] == []


def test_the_command_ends_with_1_and_names_the_problem(
    with_plugins: WithPlugins, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = Plugin(name="shelves", title="Shelves", summary="…", requires=("nowhere",))
    err = StringIO()
    with with_plugins(wrong), pytest.raises(SystemExit) as ended:
        call_command("plugins", stdout=StringIO(), stderr=err)
    assert ended.value.code == 1
    assert "portal.E007 shelves" in err.getvalue()


def test_a_portal_without_plugins_says_so(with_plugins: WithPlugins) -> None:
    with with_plugins(only=True):
        out, _ = told()
    assert out.startswith("No plugins are loaded.")


def test_the_page_shows_the_same_problems_included(viewer_client: Client, with_plugins: WithPlugins) -> None:
    wrong = Plugin(name="shelves", title="Shelves", summary="A plugin of this test.", requires=("nowhere",))
    with with_plugins(wrong):
        text = viewer_client.get("/plugins/").content.decode()
    assert "A plugin of this test." in text
    assert "portal.E007" in text
    assert "Install &#x27;nowhere&#x27;" in text
