"""The API root: the routes of every plugin under ``/api/v1/``."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path, re_path

import portal.api.openapi  # noqa: F401 (its class registers itself)
from portal.api.me import MeView
from portal.api.root import ApiRouter, DocsView, NotFoundView, SchemaView
from portal.api.search import SearchView
from portal.permissions import requires
from portal.plugin import ApiRoute, ApiUrls
from portal.plugins.registry import registry
from portal.roles import Role


def api_v1() -> list[URLPattern | URLResolver]:
    """What stands under ``/api/v1/``, from the plugins that are loaded now."""
    router = ApiRouter()
    extra: list[URLPattern | URLResolver] = []
    for _, route in registry.each("api"):
        if isinstance(route, ApiRoute):
            router.register(route.prefix, route.viewset, basename=route.basename)
        elif isinstance(route, ApiUrls):
            extra.append(path(route.prefix, include(route.urlconf)))
    return [*extra, *router.urls]


def api_patterns() -> list[URLPattern | URLResolver]:
    """Schema, its page, and the routes; what is none of them answers as a problem document too."""
    return [
        path("schema/", SchemaView.as_view(), name="api-schema"),
        # A page for people: who is not signed in is sent to sign in, not told so by a problem document.
        path("docs/", requires(Role.VIEWER)(DocsView.as_view(url_name="api-schema")), name="api-docs"),
        path("v1/me/", MeView.as_view(), name="api-me"),
        path("v1/search/", SearchView.as_view(), name="api-search"),
        path("v1/", include(api_v1())),
        re_path(r"^(?:.*/)?$", NotFoundView.as_view(), name="api-not-found"),
    ]


urlpatterns = api_patterns()
