"""Names and addresses that two contributions both claim; the first in the order of plugins keeps them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace
from typing import Any

from portal.plugin import ApiRoute, Plugin
from portal.plugins.problems import Problem

Claims = Callable[[Any], Iterable[tuple[str, Hashable]]]


def by_name(what: str) -> Claims:
    """A claim to a name among things of one kind."""
    return lambda item: [(what, item.name)]


def address(item: Any) -> Iterable[tuple[str, Hashable]]:
    """A mount claims its prefix, unless it is mounted at the root, where many may be."""
    return [("page prefix", item.prefix)] if item.prefix else []


def api_address(item: Any) -> Iterable[tuple[str, Hashable]]:
    """A route claims its prefix and the base of its names; a URLconf at the root of the API claims none."""
    claims: list[tuple[str, Hashable]] = [("API prefix", item.prefix.rstrip("/"))] if item.prefix else []
    if isinstance(item, ApiRoute):
        claims.append(("API basename", item.basename))
    return claims


CLAIMS: dict[str, tuple[str, Claims]] = {
    "navigation": ("E013", lambda item: [("navigation line", f"{item.group.value} / {item.label}")]),
    "urls": ("E012", address),
    "api": ("E014", api_address),
    "panels": ("E013", lambda item: [(f"panel of the slot {item.slot.name!r}", item.name)]),
    "home_panels": ("E013", by_name("home panel")),
    "schedules": ("E013", by_name("schedule")),
    "search": ("E013", by_name("search source")),
    "health": ("E013", by_name("health check")),
    "docs": ("E013", lambda item: [("docs page", item.slug)]),
    "permissions": ("E013", lambda item: [("permission", item.codename)]),
    "scopes": ("E013", by_name("scope source")),
    "sources": ("E013", by_name("source resolver")),
    "attention": ("E013", by_name("attention")),
    "demo": ("E013", by_name("demo step")),
    "slots": ("E013", by_name("slot")),
}


def without_duplicates(plugins: list[Plugin]) -> tuple[list[Plugin], list[Problem]]:
    """Each plugin without what an earlier one (or it itself, earlier) has claimed, and what that was."""
    problems: list[Problem] = []
    claimed: dict[tuple[str, Hashable], str] = {}
    settled: list[Plugin] = []
    for plugin in plugins:
        kept: dict[str, Any] = {}
        for contribution, (id, claims_of) in CLAIMS.items():
            items = getattr(plugin, contribution)
            good: list[Any] = []
            for item in items:
                claims = list(claims_of(item))
                taken = next((claim for claim in claims if claim in claimed), None)
                if taken is None:
                    claimed |= dict.fromkeys(claims, plugin.name)
                    good.append(item)
                    continue
                what, name = taken
                problems.append(
                    Problem(
                        id=id,
                        plugin=plugin.name,
                        sentence=f"The {what} {name!r} is there twice: {claimed[taken]} brings it too.",
                        hint="Give one of them another name; until then only the first counts.",
                    )
                )
            if len(good) != len(items):
                kept[contribution] = tuple(good)
        settled.append(replace(plugin, **kept) if kept else plugin)
    return settled, problems
