"""All routes of the portal, one by one, and the role that each states."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from portal.roles import Role


@dataclass(frozen=True, kw_only=True)
class Route:
    """An address as its pattern says it, its view, and its name with namespaces."""

    pattern: str
    view: Callable[..., Any]
    name: str
    converters: dict[str, Any]

    @property
    def module(self) -> str:
        """Where the view is written."""
        view_class = getattr(self.view, "view_class", None) or getattr(self.view, "cls", None)
        return str((view_class or self.view).__module__)

    @property
    def api_class(self) -> type[Any] | None:
        """The DRF view or viewset behind it, if it is one."""
        found: type[Any] | None = getattr(self.view, "cls", None)
        return found

    @property
    def page_role(self) -> Role | None:
        """The role that a page states by ``requires``."""
        role = getattr(self.view, "required_role", None)
        return role if isinstance(role, Role) else None


def all_routes(patterns: Iterable[URLPattern | URLResolver] | None = None) -> Iterator[Route]:
    """Every route below ``patterns``, of the whole portal where none are given."""
    yield from _walk(get_resolver().url_patterns if patterns is None else patterns, "", "", {})


def _walk(
    patterns: Iterable[URLPattern | URLResolver], prefix: str, namespace: str, converters: dict[str, Any]
) -> Iterator[Route]:
    for pattern in patterns:
        full = prefix + str(pattern.pattern).removeprefix("^")
        known = {**converters, **getattr(pattern.pattern, "converters", {})}
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _walk(pattern.url_patterns, full, inner, known)
        else:
            name = f"{namespace}{pattern.name}" if pattern.name else ""
            yield Route(pattern=full, view=pattern.callback, name=name, converters=known)
