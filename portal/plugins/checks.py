"""System checks of the plugin door: each mistake has an id, names the plugin, and says how to mend it.

Shape and duplicates are found at load (``portal.plugins.shape``, ``portal.plugins.duplicates``); here they are told,
together with what can only be seen once URLs, templates and tasks are there.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register
from django.template import TemplateDoesNotExist, TemplateSyntaxError
from django.template.loader import get_template
from django.urls import NoReverseMatch, include, path, reverse

from portal.plugin import ApiRoute, ApiUrls, Plugin
from portal.plugins.problems import Problem
from portal.plugins.registry import Registry, registry
from portal.plugins.routes import Route, all_routes
from portal.roles import Role

TAG = "portal"
SLUG = re.compile(r"[a-z0-9]+(?:[-/][a-z0-9]+)*")
CODENAME = re.compile(r"[a-z_]+\.[a-z]+(?:_[a-z]+)+")
TEMPLATE_PATH = re.compile(r"[\w-]+(?:/[\w.-]+)+\.(?:html|txt)")


@register(TAG)
def check_plugins(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """All mistakes of all plugins."""
    return [as_message(problem) for problem in all_problems(registry)]


def as_message(problem: Problem) -> CheckMessage:
    """A problem as Django shows it."""
    return Error(problem.sentence, hint=problem.hint, obj=f"plugin {problem.plugin}", id=problem.full_id)


def all_problems(registry: Registry) -> list[Problem]:
    """What was found at load and what is found now."""
    return [
        *registry.problems,
        *requirements(registry),
        *navigation(registry),
        *slots(registry),
        *templates(registry),
        *docs(registry),
        *schedules(registry),
        *permissions(registry),
        *roles_of_pages(registry),
        *roles_of_api(registry),
    ]


def requirements(registry: Registry) -> Iterator[Problem]:
    """Plugins that are required and not there, and circles."""
    names = {plugin.name: plugin for plugin in registry.plugins}
    for plugin in registry.plugins:
        for other in plugin.requires:
            if other not in names:
                yield Problem(
                    id="E007",
                    plugin=plugin.name,
                    sentence=f"It requires the plugin {other!r}, which is not loaded.",
                    hint=f"Install {other!r} and, where PORTAL_PLUGINS is set, name it there; loaded are "
                    f"{', '.join(names) or 'none'}.",
                )
        if requires_itself(plugin, names):
            yield Problem(
                id="E008",
                plugin=plugin.name,
                sentence="It requires itself, by way of the plugins that it requires.",
                hint="Let one of them go without the other: layers know only those below them.",
            )


def requires_itself(plugin: Plugin, names: dict[str, Plugin]) -> bool:
    """Whether following ``requires`` leads back."""
    seen: set[str] = set()
    waiting = list(plugin.requires)
    while waiting:
        name = waiting.pop()
        if name == plugin.name:
            return True
        if name not in seen and name in names:
            seen.add(name)
            waiting += names[name].requires
    return False


def navigation(registry: Registry) -> Iterator[Problem]:
    """Lines of the navigation that lead nowhere."""
    for plugin, item in registry.each("navigation"):
        try:
            reverse(item.url_name)
        except NoReverseMatch:
            yield Problem(
                id="E009",
                plugin=plugin.name,
                sentence=f"The navigation line {item.label!r} leads to {item.url_name!r}, which no URL without "
                "arguments has as its name.",
                hint="Name it with its namespace, as in 'myplugin:index', and mount its URLconf in urls=(Mount(…),).",
            )


def slots(registry: Registry) -> Iterator[Problem]:
    """Panels for places that are on no page."""
    known = {slot for _, slot in registry.each("slots")}
    for plugin, panel in registry.each("panels"):
        if panel.slot not in known:
            yield Problem(
                id="E015",
                plugin=plugin.name,
                sentence=f"The panel {panel.name!r} fills the slot {panel.slot.name!r}, which no loaded plugin offers.",
                hint="The plugin whose page has the slot lists it in Plugin(slots=(…,)).",
            )


def templates(registry: Registry) -> Iterator[Problem]:
    """Templates that the code of a plugin names and that are not there."""
    for loaded in registry.loaded:
        for file, name in template_names(loaded.app.path):
            try:
                get_template(name)
            except TemplateDoesNotExist as missing:
                chain = "" if str(missing) == name else f" (through {name!r})"
                yield Problem(
                    id="E016",
                    plugin=loaded.plugin.name,
                    sentence=f"{file} names the template {str(missing)!r}{chain}, which does not exist.",
                    hint=f"Put it under {loaded.app.label}/templates/, or mend its name.",
                )
            except TemplateSyntaxError as error:
                yield Problem(
                    id="E027",
                    plugin=loaded.plugin.name,
                    sentence=f"{file} names the template {name!r}, which cannot be read: {first_line(error)}",
                    hint="Mend the template (or one that it extends); the message says what Django expected.",
                )


def first_line(error: Exception) -> str:
    """An error without the list of everything that would have been right."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__


@cache
def template_names(folder: str) -> tuple[tuple[str, str], ...]:
    """Each literal in the Python files of an app that looks like the path of a template, with its file."""
    root = Path(folder)
    found: dict[str, str] = {}
    for file in sorted(root.rglob("*.py")):
        inside = file.relative_to(root)
        if "migrations" in inside.parts:
            continue
        text = file.read_text(encoding="utf-8")
        if ".html" not in text and ".txt" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and TEMPLATE_PATH.fullmatch(node.value):
                found.setdefault(node.value, f"{root.name}/{inside.as_posix()}")
    return tuple((file, name) for name, file in found.items())


def docs(registry: Registry) -> Iterator[Problem]:
    """Docs pages without a file or without a plain address."""
    for plugin, page in registry.each("docs"):
        if not page.path.is_file():
            yield Problem(
                id="E017",
                plugin=plugin.name,
                sentence=f"The docs page {page.slug!r} reads {page.path}, which is no file.",
                hint="Say it from the plugin's own folder: Path(__file__).parent / 'docs' / 'page.md'; "
                "and list it as package data, so that it is installed.",
            )
        if not SLUG.fullmatch(page.slug):
            yield Problem(
                id="E018",
                plugin=plugin.name,
                sentence=f"The docs page {page.title!r} has the slug {page.slug!r}.",
                hint="Use small letters, digits, hyphens and slashes between them, as in 'figures/passport'.",
            )


def schedules(registry: Registry) -> Iterator[Problem]:
    """Periodic tasks that would not run, or far too often."""
    found = list(registry.each("schedules"))
    if not found:
        return
    from celery.schedules import crontab

    from portal.celery import QUEUES, app

    # Not import_default_modules(): Celery's side for Django answers that with all system checks, this one among them.
    app.autodiscover_tasks(force=True)
    for plugin, schedule in found:
        if schedule.task not in app.tasks:
            yield Problem(
                id="E019",
                plugin=plugin.name,
                sentence=f"The schedule {schedule.name!r} runs the task {schedule.task!r}, which is not registered.",
                hint="Name the task by its dotted path, as in 'myplugin.tasks.sweep', and decorate it with "
                "celery's @shared_task in the tasks.py of the app.",
            )
        if schedule.queue not in QUEUES:
            yield Problem(
                id="E020",
                plugin=plugin.name,
                sentence=f"The schedule {schedule.name!r} sends to the queue {schedule.queue!r}, which has no worker.",
                hint=f"The queues are {', '.join(QUEUES)}.",
            )
        # crontab(hour=3) means every minute from 3:00 to 3:59; the original text tells it from minute="0-59".
        if isinstance(schedule.when, crontab) and str(getattr(schedule.when, "_orig_minute", "")) == "*":
            yield Problem(
                id="E021",
                plugin=plugin.name,
                sentence=f"The schedule {schedule.name!r} names no minute, so it runs sixty times an hour.",
                hint="Write crontab(minute=0, hour=3); for every minute say timedelta(minutes=1).",
            )
        if not schedule.words.strip():
            yield Problem(
                id="E022",
                plugin=plugin.name,
                sentence=f"The schedule {schedule.name!r} does not say in words when it runs.",
                hint="Write words='every night at 3:00 UTC'.",
            )


def permissions(registry: Registry) -> Iterator[Problem]:
    """Permissions with odd names or held by no role."""
    for plugin, permission in registry.each("permissions"):
        if not CODENAME.fullmatch(permission.codename):
            yield Problem(
                id="E023",
                plugin=plugin.name,
                sentence=f"The permission {permission.codename!r} is not named app.verb_noun.",
                hint="Write it like 'myplugin.edit_book'.",
            )
        if not permission.roles or not all(isinstance(role, Role) for role in permission.roles):
            yield Problem(
                id="E024",
                plugin=plugin.name,
                sentence=f"The permission {permission.codename!r} is held by no role.",
                hint="Give roles=(Role.EDITOR, …) with Role from portal.plugin; administrators hold every role anyway.",
            )


def roles_of_pages(registry: Registry) -> Iterator[Problem]:
    """Pages that do not say who may see them."""
    for plugin, mount in registry.each("urls"):
        for route in all_routes([path(mount.prefix, include(mount.urlconf))]):
            if route.api_class is not None:
                yield from roles_of_view(plugin, route)
            elif route.page_role is None:
                yield Problem(
                    id="E025",
                    plugin=plugin.name,
                    sentence=f"The page /{route.pattern} ({view_name(route)}) does not state the role it needs.",
                    hint="Put @requires(Role.VIEWER) from portal.permissions on the view; Role.ANONYMOUS opens it to "
                    "everyone.",
                )


def roles_of_api(registry: Registry) -> Iterator[Problem]:
    """API views that do not say who may read or write."""
    for plugin, route in registry.each("api"):
        if isinstance(route, ApiRoute):
            yield from missing_roles(plugin, f"/api/v1/{route.prefix}/", route.viewset)
        elif isinstance(route, ApiUrls):
            for inner in all_routes([path(route.prefix, include(route.urlconf))]):
                yield from roles_of_view(plugin, inner)


def roles_of_view(plugin: Plugin, route: Route) -> Iterator[Problem]:
    """The same for one DRF view among the URLs."""
    if route.api_class is not None:
        yield from missing_roles(plugin, f"/{route.pattern}", route.api_class)
    elif route.page_role is None:
        yield Problem(
            id="E025",
            plugin=plugin.name,
            sentence=f"The API view /{route.pattern} ({view_name(route)}) does not state the role it needs.",
            hint="Make it a DRF view with read_role and write_role, or put @requires(…) on it.",
        )


def missing_roles(plugin: Plugin, address: str, view: type[Any]) -> Iterator[Problem]:
    """``read_role`` is for every view, ``write_role`` for those that take more than GET."""
    wanted = ["read_role"]
    writes = {"post", "put", "patch", "delete", "create", "update", "partial_update", "destroy"}
    if any(hasattr(view, method) for method in writes):
        wanted.append("write_role")
    missing = [name for name in wanted if not isinstance(getattr(view, name, None), Role)]
    if missing:
        yield Problem(
            id="E026",
            plugin=plugin.name,
            sentence=f"The API view {view.__module__}.{view.__qualname__} at {address} does not state "
            f"{' and '.join(missing)}.",
            hint="Write read_role = Role.VIEWER (and write_role = …) on the class, with Role from portal.plugin.",
        )


def view_name(route: Route) -> str:
    """The view as one would import it."""
    return f"{route.module}.{getattr(route.view, '__qualname__', type(route.view).__qualname__)}"
