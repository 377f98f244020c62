"""What is installed and what each plugin adds, in words: one answer for the page, the command and its JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from typing import Any

from portal.plugin import ApiRoute, Plugin
from portal.plugins.checks import all_problems
from portal.plugins.discovery import installed_entry_points
from portal.plugins.problems import Problem
from portal.plugins.registry import Loaded, Registry


@dataclass(frozen=True, kw_only=True)
class Addition:
    """One kind of contribution with a line for each."""

    kind: str
    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Description:
    """A plugin as people see it."""

    name: str
    title: str
    summary: str
    version: str
    app: str
    package: str
    requires: tuple[str, ...]
    additions: tuple[Addition, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, kw_only=True)
class Overview:
    """All plugins that are loaded, those installed but not loaded, and the problems of plugins that could not be."""

    plugins: tuple[Description, ...]
    not_loaded: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def all_problems(self) -> tuple[Problem, ...]:
        """Every problem, wherever it is shown."""
        return (*self.problems, *(problem for plugin in self.plugins for problem in plugin.problems))


KINDS: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("navigation", "Navigation", lambda item: f"{item.group.value}: {item.label} ({item.url_name})"),
    ("urls", "Pages", lambda item: f"/{item.prefix} ({item.urlconf})"),
    ("api", "API", lambda item: f"/api/v1/{f'{item.prefix}/'.lstrip('/').replace('//', '/')} ({api_target(item)})"),
    ("slots", "Slots for others", lambda item: f"{item.name}: {item.description}"),
    ("panels", "Panels", lambda item: f"{item.title}, in the slot {item.slot.name}"),
    ("home_panels", "Panels on the home page", lambda item: item.title),
    ("schedules", "Schedules", lambda item: f"{item.name}: {item.words}, queue {item.queue} ({item.task})"),
    ("search", "Search", lambda item: item.name),
    ("health", "Health checks", lambda item: item.name),
    ("docs", "Documentation", lambda item: f"{item.title} (/docs/{item.slug}/)"),
    (
        "permissions",
        "Permissions",
        lambda item: f"{item.codename}: {item.sentence} ({', '.join(role.value for role in item.roles)})",
    ),
    ("scopes", "Scopes for roles", lambda item: item.title),
    ("sources", "Sources of reports", lambda item: item.name),
    ("attention", "What needs me", lambda item: item.name),
    ("demo", "Demo data", lambda item: item.name),
)


def api_target(item: Any) -> str:
    """The viewset or the URLconf behind an API prefix."""
    return item.viewset.__name__ if isinstance(item, ApiRoute) else str(item.urlconf)


def overview(registry: Registry) -> Overview:
    """The plugins of this portal."""
    problems = all_problems(registry)
    loaded = {plugin.name for plugin in registry.plugins}
    return Overview(
        plugins=tuple(describe(one, problems) for one in registry.loaded),
        not_loaded=tuple(name for name in installed_entry_points() if name not in loaded),
        problems=tuple(problem for problem in problems if problem.plugin not in loaded),
    )


def describe(loaded: Loaded, problems: list[Problem]) -> Description:
    """One plugin."""
    plugin = loaded.plugin
    package, package_version = package_of(loaded.app.name)
    return Description(
        name=plugin.name,
        title=plugin.title,
        summary=plugin.summary,
        version=plugin.version if plugin.version != "0" else package_version,
        app=loaded.app.name,
        package=package,
        requires=plugin.requires,
        additions=tuple(additions(plugin)),
        problems=tuple(problem for problem in problems if problem.plugin == plugin.name),
    )


def additions(plugin: Plugin) -> Iterator[Addition]:
    """The kinds of contribution that the plugin has, each with its lines."""
    for kind, title, line in KINDS:
        items = getattr(plugin, kind)
        if items:
            yield Addition(kind=kind, title=title, lines=tuple(line(item) for item in items))


def package_of(app_name: str) -> tuple[str, str]:
    """The installed package that an app came with, and its version."""
    for package in packages_distributions().get(app_name.partition(".")[0], []):
        try:
            return package, version(package)
        except PackageNotFoundError:
            continue
    return "", ""


def as_json(shown: Overview) -> dict[str, Any]:
    """The overview as one JSON document."""

    def of_problem(problem: Problem) -> dict[str, str]:
        return {
            "id": problem.full_id,
            "plugin": problem.plugin,
            "sentence": problem.sentence,
            "hint": problem.hint,
        }

    return {
        "plugins": [
            {
                "name": plugin.name,
                "title": plugin.title,
                "summary": plugin.summary,
                "version": plugin.version,
                "app": plugin.app,
                "package": plugin.package,
                "requires": list(plugin.requires),
                "adds": {addition.kind: list(addition.lines) for addition in plugin.additions},
                "problems": [of_problem(problem) for problem in plugin.problems],
            }
            for plugin in shown.plugins
        ],
        "not_loaded": list(shown.not_loaded),
        "problems": [of_problem(problem) for problem in shown.problems],
    }
