"""The side navigation: the host's own lines and those of each plugin, for one reader and one page."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import NoReverseMatch, reverse

from portal.permissions import has_role
from portal.plugin import NavGroup, NavItem
from portal.plugins.registry import registry
from portal.roles import Role

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.models import User

log = logging.getLogger(__name__)

HOST_ITEMS = (
    NavItem(group=NavGroup.DOCS, label="Documentation", url_name="portal:docs", order=10),
    NavItem(group=NavGroup.DOCS, label="API", url_name="api-docs", order=20),
    NavItem(group=NavGroup.ADMIN, label="Tasks", url_name="portal:tasks", order=10),
    NavItem(group=NavGroup.ADMIN, label="Status", url_name="portal:status", order=20),
    NavItem(group=NavGroup.ADMIN, label="People", url_name="portal:people", order=25, role=Role.ADMINISTRATOR),
    NavItem(group=NavGroup.ADMIN, label="Plugins", url_name="portal:plugins", order=30),
    NavItem(group=NavGroup.ADMIN, label="Style guide", url_name="portal:styleguide", order=80, role=Role.ADMINISTRATOR),
    NavItem(group=NavGroup.ADMIN, label="Admin", url_name="admin:index", order=90, role=Role.ADMINISTRATOR),
)


@dataclass(frozen=True)
class Line:
    """One link of the navigation; ``current`` marks the page that the reader is on, or the list it belongs to."""

    label: str
    url: str
    current: bool = False


@dataclass(frozen=True)
class Group:
    """The lines of one job, under its heading."""

    title: str
    lines: tuple[Line, ...]


def navigation(user: User | AnonymousUser, path: str) -> tuple[Group, ...]:
    """What this user may open, by job; of all lines that the path lies under, the longest is the current one."""
    items = [*HOST_ITEMS, *(item for _, item in registry.each("navigation"))]
    links = [(item, url) for item in items if has_role(user, item.role) and (url := address(item)) is not None]
    here = current((url for _, url in links), path)
    groups = []
    for group in NavGroup:
        own = sorted(
            (pair for pair in links if pair[0].group is group), key=lambda pair: (pair[0].order, pair[0].label)
        )
        if own:
            groups.append(Group(group.value, tuple(Line(item.label, url, url == here) for item, url in own)))
    return tuple(groups)


def address(item: NavItem) -> str | None:
    """Where a line leads; one whose URL name does not exist is left out and logged, since the page must stand."""
    try:
        return reverse(item.url_name)
    except NoReverseMatch:
        log.warning("The navigation line %r names %r, which is no URL.", item.label, item.url_name)
        return None


def current(urls: Iterable[str], path: str) -> str | None:
    """The longest of the addresses that ``path`` lies under."""
    return max((url for url in urls if path.startswith(url)), key=len, default=None)
