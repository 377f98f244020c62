"""The plugins of this process, loaded once the apps are ready, and what they bring, in a fixed order."""

from __future__ import annotations

import importlib
import importlib.util
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.db import connection, transaction

from portal.plugin import Plugin, SourceLink
from portal.plugins.discovery import installed_entry_points, installed_plugin_apps
from portal.plugins.duplicates import without_duplicates
from portal.plugins.problems import Problem
from portal.plugins.shape import short, well_formed
from portal.slots import Panel, Slot

logger = logging.getLogger("portal.plugins")


@dataclass(frozen=True)
class Loaded:
    """A plugin with the app that carries it."""

    app: AppConfig
    plugin: Plugin


class Registry:
    """What the host knows of its plugins. Filled by ``load`` and only read afterwards."""

    def __init__(self) -> None:
        self.loaded: tuple[Loaded, ...] = ()
        self.problems: tuple[Problem, ...] = ()

    def load(self) -> None:
        """Read ``plugin.py`` of each installed plugin app.

        What is missing or wrong is set aside and kept as a problem for the checks, so that everything else works. An
        error inside a module that is there surfaces as it is.
        """
        found: list[Loaded] = []
        problems: list[Problem] = []
        names = {point.value.replace(":", "."): name for name, point in installed_entry_points().items()}
        paths = set(installed_plugin_apps(settings.PORTAL_PLUGINS))
        for app in apps.get_app_configs():
            path = f"{type(app).__module__}.{type(app).__qualname__}"
            if path not in paths:
                continue
            name = names[path]
            plugin, wrong = read_plugin(app.name, name)
            problems += wrong
            if plugin is not None:
                found.append(Loaded(app, plugin))
        self.loaded, doubled = settled(in_order(found))
        self.problems = (*problems, *doubled)

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """All plugins, each after those it requires."""
        return tuple(loaded.plugin for loaded in self.loaded)

    def named(self, name: str) -> Plugin | None:
        """The plugin of this name, if it is loaded."""
        return next((plugin for plugin in self.plugins if plugin.name == name), None)

    def each(self, contribution: str) -> Iterator[tuple[Plugin, Any]]:
        """Every single contribution of one kind (a field name of ``Plugin``), with the plugin that brings it."""
        for plugin in self.plugins:
            for value in getattr(plugin, contribution):
                yield plugin, value

    def panels(self, slot: Slot[Any]) -> list[Panel[Any]]:
        """The panels of a slot, in their order."""
        return [panel for _, panel in self.panels_with_plugin(slot)]

    def panels_with_plugin(self, slot: Slot[Any]) -> list[tuple[Plugin, Panel[Any]]]:
        """The panels of a slot, in their order, each with the plugin that brings it."""
        found = [(plugin, panel) for plugin, panel in self.each("panels") if panel.slot is slot]
        return sorted(found, key=lambda pair: pair[1].order)

    def resolve(self, references: Iterable[str]) -> dict[str, SourceLink]:
        """The pages behind opaque source references ``name:rest``; those that no plugin knows (any more) are left out.

        A resolver that raises is logged and counts as one that knows none: the figure's page must stand.
        """
        rests: dict[str, list[str]] = defaultdict(list)
        for reference in dict.fromkeys(references):
            name, _, rest = reference.partition(":")
            rests[name].append(rest)
        found: dict[str, SourceLink] = {}
        for plugin, source in self.each("sources"):
            wanted = rests.pop(source.name, None)
            if wanted is None:
                continue
            try:
                with transaction.atomic() if connection.in_atomic_block else nullcontext():
                    links = source.resolve(wanted)
            except Exception:
                logger.exception("source resolver %r of plugin %r failed", source.name, plugin.name)
                continue
            found |= {f"{source.name}:{rest}": link for rest, link in links.items()}
        return found


def read_plugin(app_name: str, name: str) -> tuple[Plugin | None, list[Problem]]:
    """The ``Plugin`` of an app as far as it is usable, and what is wrong with it."""
    module = f"{app_name}.plugin"
    if importlib.util.find_spec(module) is None:
        hint = f"Add {module.replace('.', '/')}.py with: plugin = Plugin(name={name!r}, title=…, summary=…)."
        return None, [Problem(id="E001", plugin=name, sentence=f"The app {app_name} has no plugin.py.", hint=hint)]
    value = getattr(importlib.import_module(module), "plugin", None)
    if not isinstance(value, Plugin):
        what = "has no value named plugin" if value is None else f"has plugin = {short(value)}, which is no Plugin"
        hint = "Write: plugin = Plugin(name=…, title=…, summary=…), with Plugin from portal.plugin."
        return None, [Problem(id="E002", plugin=name, sentence=f"{module} {what}.", hint=hint)]
    problems: list[Problem] = []
    if value.name != name:
        problems.append(
            Problem(
                id="E006",
                plugin=name,
                sentence=f"{module} is named {value.name!r}, its entry point {name!r}.",
                hint="Give both the same name; PORTAL_PLUGINS and the pages use it.",
            )
        )
        value = replace(value, name=name)
    plugin, wrong = well_formed(value)
    return plugin, problems + wrong


def settled(ordered: list[Loaded]) -> tuple[tuple[Loaded, ...], list[Problem]]:
    """The plugins without what two of them both claim: the first in order keeps it."""
    plugins, problems = without_duplicates([loaded.plugin for loaded in ordered])
    return tuple(Loaded(loaded.app, plugin) for loaded, plugin in zip(ordered, plugins, strict=True)), problems


def in_order(found: list[Loaded]) -> list[Loaded]:
    """Plugins after those that they require; otherwise by name. A circle keeps the order by name."""
    remaining = {loaded.plugin.name: loaded for loaded in sorted(found, key=lambda loaded: loaded.plugin.name)}
    ordered: list[Loaded] = []
    while remaining:
        ready = [
            name
            for name, loaded in remaining.items()
            if not any(other in remaining and other != name for other in loaded.plugin.requires)
        ]
        for name in ready or list(remaining):
            ordered.append(remaining.pop(name))
    return ordered


registry = Registry()
