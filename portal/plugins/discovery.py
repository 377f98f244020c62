"""Which plugins are installed: entry points of the group ``portal.plugins``, limited by ``PORTAL_PLUGINS``.

Read from settings, before Django's apps are loaded, so nothing here may import models.
"""

from __future__ import annotations

import ast
import importlib.util
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

GROUP = "portal.plugins"


def installed_entry_points() -> dict[str, EntryPoint]:
    """All entry points of the group by name. Two packages that claim one name are refused."""
    found: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        known = found.get(point.name)
        if known is not None and known.value != point.value:
            raise ImproperlyConfigured(
                f"Two packages bring a plugin named {point.name!r}: {known.value} and {point.value}. Uninstall one."
            )
        found[point.name] = point
    return found


def installed_plugin_apps(allowed: list[str] | None) -> list[str]:
    """The app config of each plugin to load, as dotted paths for ``INSTALLED_APPS``.

    ``allowed`` is ``PORTAL_PLUGINS``: ``None`` = all that are installed, a list = these only; a name in it that is
    not installed is an error, since a portal that silently lacks a plugin would look empty rather than wrong.
    """
    found = installed_entry_points()
    names = list(found) if allowed is None else allowed
    missing = [name for name in names if name not in found]
    if missing:
        raise ImproperlyConfigured(
            f"PORTAL_PLUGINS names {', '.join(missing)}, but only {', '.join(found) or 'no plugins'} are installed."
        )
    if allowed is not None:
        refuse_incomplete(found, names)
    return [found[name].value.replace(":", ".") for name in names]


def refuse_incomplete(found: dict[str, EntryPoint], names: list[str]) -> None:
    """Refuse a list that names a plugin without one that it requires.

    The check for this (portal.E007) comes too late here: the models of the one import those of the other.
    """
    for name in names:
        lacking = [other for other in stated_requirements(found[name]) if other not in names]
        if lacking:
            raise ImproperlyConfigured(
                f"PORTAL_PLUGINS is {','.join(names)!r}, but {name} requires {', '.join(lacking)}. Name it too."
            )


def stated_requirements(point: EntryPoint) -> tuple[str, ...]:
    """``requires=(…)`` as written in a plugin's ``plugin.py``, read without importing it (models cannot load yet)."""
    try:
        package = importlib.util.find_spec(point.module.partition(".")[0])
    except ValueError:
        return ()
    folders = list(package.submodule_search_locations or ()) if package is not None else []
    inside = point.module.split(".")[1:-1]
    for folder in folders:
        file = Path(folder, *inside, "plugin.py")
        if not file.is_file():
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "requires" and isinstance(node.value, ast.Tuple):
                return tuple(
                    part.value
                    for part in node.value.elts
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                )
    return ()
