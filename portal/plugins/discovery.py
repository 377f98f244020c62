"""Which plugins are installed: entry points of the group ``portal.plugins``, limited by ``PORTAL_PLUGINS``.

Read from settings, before Django's apps are loaded, so nothing here may import models.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

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
    return [found[name].value.replace(":", ".") for name in names]
