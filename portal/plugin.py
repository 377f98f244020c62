"""The door for plugins: everything that a plugin may say, as frozen values.

A plugin is a Django app named in the entry-point group ``portal.plugins``. Its ``plugin.py`` holds one value,
``plugin = Plugin(...)``. The host's own three apps use this door and no other. What else of the host plugin authors may
import stands in ``docs/developers/plugins.md``; the rest is private.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from portal.roles import Role
from portal.slots import Panel, PanelContent, Slot

if TYPE_CHECKING:
    from celery.schedules import crontab
    from django.contrib.auth.models import AnonymousUser
    from django.http import HttpRequest

    from portal.models import User

__all__ = [
    "ApiRoute",
    "ApiUrls",
    "Attention",
    "DemoStep",
    "DocsPage",
    "Health",
    "HealthCheck",
    "HealthState",
    "HomePanel",
    "Mount",
    "NavGroup",
    "NavItem",
    "Panel",
    "PanelContent",
    "Permission",
    "Plugin",
    "Role",
    "Schedule",
    "ScopeSource",
    "SearchHit",
    "SearchSource",
    "Slot",
    "SourceLink",
    "SourceResolver",
]


class NavGroup(Enum):
    """The jobs by which the side navigation is ordered."""

    CATALOG = "Catalog"
    METRICS = "Metrics"
    FIGURES = "Figures"
    TELEMETRY = "Telemetry"
    DOCS = "Docs"
    ADMIN = "Administration"


@dataclass(frozen=True, kw_only=True)
class NavItem:
    """One line of the side navigation. ``url_name`` is reversed without arguments; lower ``order`` stands higher."""

    group: NavGroup
    label: str
    url_name: str
    order: int = 100
    role: Role = Role.VIEWER


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A URLconf of the plugin, included at ``prefix`` (no leading slash, ends in a slash, or empty for the root).

    ``early`` is for a few exact paths that are called very often, as senders call theirs: they are asked for before
    everything else, so keep such a URLconf short. Their answers bear the headers that the middleware in front leaves
    on an empty answer at that path; what differs from request to request a view has to say itself.
    """

    prefix: str
    urlconf: str
    early: bool = False


@dataclass(frozen=True, kw_only=True)
class ApiRoute:
    """A DRF viewset under ``/api/v1/<prefix>/``; ``viewset`` is the class itself."""

    prefix: str
    viewset: type[Any]
    basename: str


@dataclass(frozen=True, kw_only=True)
class ApiUrls:
    """A URLconf included under ``/api/v1/<prefix>``, for routes that are not viewsets."""

    prefix: str
    urlconf: str


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A periodic task. ``when`` is an interval or a crontab that names its minute; ``words`` says it in words.

    ``queue`` is one of the queues of DESIGN 9 (ingest, rollup, catalog, default) or ``sweep``.
    """

    name: str
    task: str
    when: timedelta | crontab
    words: str
    queue: str = "default"


@dataclass(frozen=True, kw_only=True)
class SearchHit:
    """One result: ``score`` from 0 to 100, ``kind`` as shown on the badge, ``snippet`` plain text.

    Hits of all sources stand in the order in which their titles fit the query: the same, beginning with it, with its
    words, with words like them, and the rest. The score decides among those whose titles fit alike.

    ``words`` are marked in it beside those of the query: what a word with a typing error was taken for.
    """

    title: str
    url: str
    kind: str
    snippet: str = ""
    score: float = 0.0
    facets: tuple[tuple[str, str], ...] = ()
    words: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SearchSource:
    """Answers the portal's search box. ``search(query, user, limit)`` returns hits that this user may see."""

    name: str
    search: Callable[[str, User | AnonymousUser, int], Sequence[SearchHit]]


class HealthState(Enum):
    """How a check went: fine, worth a look, broken."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Health:
    """The result of a check, with a sentence that a person understands."""

    state: HealthState
    sentence: str


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """A named check for ``/status/`` and ``/health/prometheus``."""

    name: str
    check: Callable[[], Health]


@dataclass(frozen=True, kw_only=True)
class DocsPage:
    """A Markdown file rendered under ``/docs/<slug>/``; ``group`` is the kind of reader, as a heading."""

    slug: str
    title: str
    path: Path
    group: str = "Reference"
    order: int = 100


@dataclass(frozen=True, kw_only=True)
class Permission:
    """A right that the plugin brings: its codename ``app.verb_noun``, a sentence, and the roles that hold it."""

    codename: str
    sentence: str
    roles: tuple[Role, ...]


@dataclass(frozen=True, kw_only=True)
class ScopeSource:
    """Scopes within which roles can be given: ``choices()`` returns pairs of scope and label in the order to show.

    A scope is ``<name>:<key>``, as ``stage:create``; what it covers is up to the views that ask ``has_role`` with it.
    """

    name: str
    title: str
    choices: Callable[[], Sequence[tuple[str, str]]]


@dataclass(frozen=True, kw_only=True)
class SourceLink:
    """Where a source record can be looked at, and what to call it.

    ``key_url`` is where one of its values stands, with ``{key}`` in place of the key path; empty where there is no
    such place.
    """

    url: str
    label: str
    key_url: str = ""

    def to_key(self, key: str) -> str:
        """The place of one value, or the page of the record."""
        return self.key_url.replace("{key}", quote(key, safe="")) if self.key_url and key else self.url


@dataclass(frozen=True, kw_only=True)
class SourceResolver:
    """Turns the opaque references ``<name>:<rest>`` that figures' reports keep into pages of this plugin.

    ``resolve`` is given the rests of a whole page at once, and leaves out those that it does not know (any more).
    """

    name: str
    resolve: Callable[[Sequence[str]], Mapping[str, SourceLink]]


@dataclass(frozen=True, kw_only=True)
class HomePanel:
    """A card on the home page. ``render(request)`` returns its content or ``None`` to stay away."""

    name: str
    title: str
    render: Callable[[HttpRequest], PanelContent | None]
    order: int = 100


@dataclass(frozen=True, kw_only=True)
class Attention:
    """Something that waits for this user ("what needs me"): ``items(user)`` returns (sentence, url) pairs."""

    name: str
    items: Callable[[User], Sequence[tuple[str, str]]]


@dataclass(frozen=True, kw_only=True)
class DemoStep:
    """A part of the demo world. ``run(say)`` may be run twice and then changes nothing; ``say`` shows progress."""

    name: str
    run: Callable[[Callable[[str], None]], None]
    order: int = 100


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """All that a plugin adds to the portal. Every field but the first three may stay empty."""

    name: str
    title: str
    summary: str
    version: str = "0"
    requires: tuple[str, ...] = ()
    navigation: tuple[NavItem, ...] = ()
    urls: tuple[Mount, ...] = ()
    api: tuple[ApiRoute | ApiUrls, ...] = ()
    panels: tuple[Panel[Any], ...] = ()
    home_panels: tuple[HomePanel, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    search: tuple[SearchSource, ...] = ()
    health: tuple[HealthCheck, ...] = ()
    docs: tuple[DocsPage, ...] = ()
    permissions: tuple[Permission, ...] = ()
    scopes: tuple[ScopeSource, ...] = ()
    sources: tuple[SourceResolver, ...] = ()
    attention: tuple[Attention, ...] = ()
    demo: tuple[DemoStep, ...] = ()
    slots: tuple[Slot[Any], ...] = ()
