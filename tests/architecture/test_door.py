"""What of the host plugins may import: one list for people, one for the import checker, none with gaps."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest
from django.test import Client
from django.utils.html import escape

from portal.plugins.registry import registry
from tests.architecture.references import CHECKOUT, LAYERS

SAMPLE = CHECKOUT / "tests" / "sample_plugin" / "rota"


def public() -> set[str]:
    """The modules that the reference for plugin authors names."""
    text = (CHECKOUT / "docs/developers/plugins.md").read_text(encoding="utf-8")
    section = text.partition("## What may be imported")[2].partition("\n## ")[0]
    return set(re.findall(r"`(portal\.\w+)`", section))


def private() -> set[str]:
    """The modules that import-linter keeps plugins from."""
    contracts = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (protected,) = (contract for contract in contracts if contract["type"] == "protected")
    return set(protected["protected_modules"])


def test_every_module_of_the_host_is_either_public_or_private() -> None:
    there = {
        f"portal.{path.stem}"
        for path in (CHECKOUT / "portal").iterdir()
        if path.stem != "__init__" and (path.suffix == ".py" or (path / "__init__.py").exists())
    }
    assert public() & private() == set()
    assert public() | private() == there


def imported(file: Path) -> set[str]:
    """The modules of the host that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {node.module} if node.module != "portal" else {f"portal.{alias.name}" for alias in node.names}
    return {".".join(name.split(".")[:2]) for name in found if name.startswith("portal.")}


@pytest.mark.parametrize("plugin", [*LAYERS[1:], "rota"])
def test_a_plugin_imports_only_what_is_public(plugin: str) -> None:
    folder = SAMPLE if plugin == "rota" else CHECKOUT / plugin
    files = [file for file in folder.rglob("*.py") if "migrations" not in file.parts]
    assert len(files) > 5
    assert {str(file): found for file in files if (found := imported(file) - public())} == {}


@pytest.mark.django_db
def test_the_page_of_people_says_what_each_role_may_do_by_every_plugin_of_ours(administrator_client: Client) -> None:
    page = administrator_client.get("/people/").content.decode()
    for plugin in registry.plugins:
        assert plugin.permissions, plugin.name
        for permission in plugin.permissions:
            assert permission.codename in page
            assert escape(permission.sentence) in page
