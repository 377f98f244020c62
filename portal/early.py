"""The short way for paths that are called very often: no session, no sign-in, no search through all routes.

A plugin mounts such paths with ``Mount(early=True)``. Machines call them, without cookies; for a request that does
carry a cookie nothing changes. What stands before ``EarlyPathsMiddleware`` (request id, numbers, security headers,
policy) applies to every request.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern
from django.utils.log import log_response

from portal import prometheus
from portal.plugins.registry import Loaded, registry
from portal.request_id import HEADER, identified

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


class EarlyViews:
    """The same, made anew when other plugins are loaded."""

    def __init__(self, wrap: Callable[[View], View] = lambda view: view) -> None:
        self.wrap = wrap
        self.views: dict[str, View] = {}
        self.views_of: tuple[Loaded, ...] | None = None

    def at(self, path: str) -> View | None:
        """The view at this very path."""
        if self.views_of is not registry.loaded:
            self.views = {path: self.wrap(view) for path, view in early_views().items()}
            self.views_of = registry.loaded
        return self.views.get(path)


def answer(view: View, request: HttpRequest) -> HttpResponseBase:
    """The whole answer of an early view."""
    request.user = AnonymousUser()
    response = view(request)
    # What Django's handler does for templates answered by an API view.
    if hasattr(response, "render") and callable(response.render):
        response = response.render()
    if isinstance(response, HttpResponse) and "Content-Length" not in response:
        # CommonMiddleware does it for all others; without it the server would send chunks.
        response.headers["Content-Length"] = str(len(response.content))
    return response


def safely(view: View) -> View:
    """The view with an answer for each error, as Django wraps every middleware."""
    wrapped: View = convert_exception_to_response(view)  # type: ignore[assignment]  # also takes async views
    return wrapped


class EarlyPathsMiddleware:
    """Answers early paths at once; everything else goes on as always."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.views = EarlyViews()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        view = self.views.at(request.path_info)
        if view is None or request.META.get("HTTP_COOKIE"):
            return self.get_response(request)
        if getattr(request, "asks_for_headers", False):
            return Headers()
        return answer(view, request)


class Headers(HttpResponse):
    """An empty answer, on which the middleware in front leaves what it leaves on every answer."""


class EarlyHandler(WSGIHandler):
    """The WSGI application. Early paths are answered without walking through the middleware for each request.

    What the middleware in front adds to such an answer depends on the path and on whether the connection is secure, so
    each process sends one empty request through all of it and keeps the headers: walking through it for each request
    costs as much as compressing a ping. Id and numbers are taken for each request. Where the middleware answers by
    itself, as when it asks for a secure connection, and with DEBUG, a request goes the ordinary way.
    """

    def __init__(self) -> None:
        super().__init__()
        self.views = EarlyViews(safely)
        self.kept: dict[tuple[str, bool], dict[str, str]] = {}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> HttpResponseBase:
        begun = time.perf_counter()
        path = environ.get("PATH_INFO", "")
        view = None if settings.DEBUG or environ.get("HTTP_COOKIE") else self.views.at(path)
        if view is None:
            return super().__call__(environ, start_response)
        request = self.request_class(environ)
        headers = self.headers(path, request)
        if headers is None:
            return super().__call__(environ, start_response)
        close_old_connections()
        with identified(request) as request_id:
            response = answer(view, request)
            if response.status_code >= 400 and isinstance(response, HttpResponse):
                log_response("%s: %s", response.reason_phrase, request.path, response=response, request=request)
        prometheus.observe(request.method or "", response.status_code, time.perf_counter() - begun)
        response._resource_closers.append(request.close)  # type: ignore[attr-defined]  # Django closes the rest by it
        own = {name.lower() for name in response.headers}
        start_response(
            f"{response.status_code} {response.reason_phrase}",
            [
                *response.headers.items(),
                *(pair for pair in headers.items() if pair[0].lower() not in own),
                (HEADER, request_id),
            ],
        )
        return response

    def headers(self, path: str, request: WSGIRequest) -> dict[str, str] | None:
        """What the middleware in front adds to an answer there; ``None`` where it answers by itself.

        That is not kept: it may be about this request alone.
        """
        place = (path, request.is_secure())
        if place not in self.kept:
            probe = self.request_class(request.environ)
            probe.asks_for_headers = True  # type: ignore[attr-defined]  # an attribute of our own
            response = self.get_response(probe)
            if not isinstance(response, Headers):
                return None
            self.kept[place] = {
                name: value for name, value in response.headers.items() if name not in {HEADER, "Content-Type"}
            }
        return self.kept[place]
