"""Plugins are found, read and put in order; a broken import inside one is never mistaken for a missing module."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured

from portal.plugin import Plugin, SourceLink, SourceResolver
from portal.plugins import discovery
from portal.plugins.registry import Loaded, in_order, read_plugin
from portal.sources import source_link, source_links
from tests.conftest import WithPlugins


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path whose modules are forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]


def package(folder: Path, name: str, **files: str) -> None:
    (folder / name).mkdir()
    for file in ("__init__", *files):
        (folder / name / f"{file}.py").write_text(files.get(file, ""))


def test_a_plugin_without_plugin_py_is_a_problem_with_a_hint(folder: Path) -> None:
    package(folder, "bare_plugin")
    plugin, (problem,) = read_plugin("bare_plugin", "bare")
    assert plugin is None
    assert problem.full_id == "portal.E001"
    assert "bare_plugin/plugin.py" in problem.hint


def test_a_value_that_is_no_plugin_is_a_problem(folder: Path) -> None:
    package(folder, "odd_plugin", plugin="plugin = {'name': 'odd'}")
    package(folder, "empty_plugin", plugin="")
    for app in ("odd_plugin", "empty_plugin"):
        plugin, (problem,) = read_plugin(app, "odd")
        assert plugin is None
        assert problem.full_id == "portal.E002"


def test_a_broken_import_inside_a_plugin_surfaces_as_itself(folder: Path) -> None:
    package(folder, "broken_plugin", plugin="import no_such_library")
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        read_plugin("broken_plugin", "broken")


def test_another_name_than_that_of_the_entry_point_is_a_problem(folder: Path) -> None:
    text = "from portal.plugin import Plugin\nplugin = Plugin(name='other', title='T', summary='S')"
    package(folder, "named_plugin", plugin=text)
    plugin, (problem,) = read_plugin("named_plugin", "named")
    assert plugin is not None
    assert (plugin.name, problem.full_id) == ("named", "portal.E006")


def loaded(name: str, *requires: str) -> Loaded:
    return Loaded(apps.get_app_config("portal"), Plugin(name=name, title=name, summary="", requires=requires))


def test_plugins_stand_after_those_they_require() -> None:
    found = in_order([loaded("a", "c"), loaded("b"), loaded("c", "b")])
    assert [one.plugin.name for one in found] == ["b", "c", "a"]


def test_a_circle_of_requirements_ends() -> None:
    found = in_order([loaded("a", "b"), loaded("b", "a")])
    assert sorted(one.plugin.name for one in found) == ["a", "b"]


def points(*pairs: tuple[str, str]) -> list[EntryPoint]:
    return [EntryPoint(name=name, value=value, group=discovery.GROUP) for name, value in pairs]


def test_two_packages_that_claim_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    found = points(("a", "one.apps:A"), ("a", "two.apps:A"))
    monkeypatch.setattr(discovery, "entry_points", lambda group: found)
    with pytest.raises(ImproperlyConfigured, match=r"one\.apps:A and two\.apps:A"):
        discovery.installed_entry_points()


def test_a_name_that_is_not_installed_is_refused_with_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "entry_points", lambda group: points(("a", "one.apps:A")))
    with pytest.raises(ImproperlyConfigured, match="names b, but only a are installed"):
        discovery.installed_plugin_apps(["b"])


def test_an_empty_list_loads_none_and_no_list_loads_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "entry_points", lambda group: points(("a", "one.apps:A")))
    assert discovery.installed_plugin_apps([]) == []
    assert discovery.installed_plugin_apps(None) == ["one.apps.A"]


def test_a_list_without_what_a_plugin_requires_is_refused_before_its_models_load(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "from portal.plugin import Plugin\nplugin = Plugin(name='top', title='T', summary='S', requires=('base',))"
    package(folder, "top_plugin", plugin=text)
    monkeypatch.setattr(discovery, "entry_points", lambda group: points(("top", "top_plugin.apps:A"), ("base", "x:B")))
    with pytest.raises(ImproperlyConfigured, match="top requires base"):
        discovery.installed_plugin_apps(["top"])


def test_a_link_leads_to_a_value_where_the_record_has_a_place_for_it() -> None:
    plain = SourceLink(url="/records/7/", label="Record 7")
    assert plain.to_key("counts.issues") == "/records/7/"
    placed = SourceLink(url="/records/7/", label="Record 7", key_url="/records/7/?leaf={key}#body")
    assert placed.to_key("counts.a & b") == "/records/7/?leaf=counts.a%20%26%20b#body"
    assert placed.to_key("") == "/records/7/"


def test_a_source_reference_leads_to_the_page_of_its_plugin(with_plugins: WithPlugins) -> None:
    asked: list[list[str]] = []

    def resolve(rests: Sequence[str]) -> dict[str, SourceLink]:
        asked.append(list(rests))
        if "broken" in rests:
            raise ValueError("no such record")
        return {rest: SourceLink(url=f"/records/{rest}/", label=f"Record {rest}") for rest in rests if rest.isdecimal()}

    plugin = Plugin(name="a", title="A", summary="", sources=(SourceResolver(name="records", resolve=resolve),))
    with with_plugins(plugin):
        assert source_link("records:7") == SourceLink(url="/records/7/", label="Record 7")
        assert source_link("records:x") is None
        assert source_link("records:broken") is None, "a resolver that fails must not take the figure's page"
        assert source_link("nowhere:7") is None
        asked.clear()
        found = source_links(["records:7", "records:8", "nowhere:7", "records:x", "records:7"])
        assert {reference: link.url for reference, link in found.items()} == {
            "records:7": "/records/7/",
            "records:8": "/records/8/",
        }
        assert asked == [["7", "8", "x"]], "a plugin is asked once for a whole list"
