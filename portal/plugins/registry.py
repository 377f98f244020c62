"""The plugins of this process, loaded once the apps are ready, and what they bring, in a fixed order."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings

from portal.plugin import Plugin, SourceLink
from portal.plugins.discovery import installed_plugin_apps
from portal.slots import Panel, Slot


@dataclass(frozen=True)
class Loaded:
    """A plugin with the app that carries it."""

    app: AppConfig
    plugin: Plugin


class Registry:
    """What the host knows of its plugins. Filled by ``load`` and only read afterwards."""

    def __init__(self) -> None:
        self.loaded: tuple[Loaded, ...] = ()
        self.problems: tuple[tuple[str, object], ...] = ()

    def load(self) -> None:
        """Read ``plugin.py`` of each installed plugin app; what is missing is kept as a problem for the checks.

        A module that is not there is a problem; an error inside a module that is there surfaces as it is.
        """
        found: list[Loaded] = []
        problems: list[tuple[str, object]] = []
        paths = set(installed_plugin_apps(settings.PORTAL_PLUGINS))
        for app in apps.get_app_configs():
            if f"{type(app).__module__}.{type(app).__qualname__}" not in paths:
                continue
            name = f"{app.name}.plugin"
            if importlib.util.find_spec(name) is None:
                problems.append((app.name, None))
                continue
            value = getattr(importlib.import_module(name), "plugin", None)
            if isinstance(value, Plugin):
                found.append(Loaded(app, value))
            else:
                problems.append((app.name, value))
        self.loaded = tuple(in_order(found))
        self.problems = tuple(problems)

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """All plugins, each after those it requires."""
        return tuple(loaded.plugin for loaded in self.loaded)

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

    def resolve(self, reference: str) -> SourceLink | None:
        """The page behind an opaque source reference ``name:rest``; ``None`` where no plugin knows it (any more)."""
        name, _, rest = reference.partition(":")
        for _, source in self.each("sources"):
            if source.name == name:
                link: SourceLink | None = source.resolve(rest)
                return link
        return None


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
