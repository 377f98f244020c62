"""The short way for paths that are called very often: no session, no sign-in, no search through all routes.

A plugin mounts such paths with ``Mount(early=True)``. Machines call them, without cookies; for a request that does
carry a cookie nothing changes. What stands before this middleware (request id, numbers, security headers, policy)
applies to every request.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern

from portal.plugins.registry import Loaded, registry

View = Callable[[HttpRequest], HttpResponseBase]


def early_views() -> dict[str, View]:
    """The views by exact path. Routes with parameters cannot be found this way and stay ordinary ones."""
    views: dict[str, View] = {}
    for _plugin, mount in registry.each("urls"):
        if not mount.early:
            continue
        patterns: list[Any] = import_module(mount.urlconf).urlpatterns
        for pattern in patterns:
            if isinstance(pattern, URLPattern) and not pattern.pattern.converters:
                views[f"/{mount.prefix}{pattern.pattern}"] = pattern.callback
    return views


class EarlyPathsMiddleware:
    """Answers early paths at once; everything else goes on as always."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.views: dict[str, View] = {}
        self.views_of: tuple[Loaded, ...] | None = None

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if self.views_of is not registry.loaded:
            self.views, self.views_of = early_views(), registry.loaded
        view = self.views.get(request.path_info)
        if view is None or request.META.get("HTTP_COOKIE"):
            return self.get_response(request)
        request.user = AnonymousUser()
        response = view(request)
        # What Django's handler does for templates answered by an API view.
        if hasattr(response, "render") and callable(response.render):
            response = response.render()
        if isinstance(response, HttpResponse) and "Content-Length" not in response:
            # CommonMiddleware does it for all others; without it the server would send chunks.
            response.headers["Content-Length"] = str(len(response.content))
        return response
