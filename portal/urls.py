"""The URLs of the portal: the host's own, then those of each plugin."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from portal import probes
from portal.plugins.registry import registry

host_urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("health/", probes.health, name="health"),
    path("health/prometheus", probes.prometheus, name="health-prometheus"),
    path("", include("portal.pages.urls")),
]


def plugin_urlpatterns() -> list[URLPattern | URLResolver]:
    """The URLconfs of the plugins that are loaded now."""
    return [path(mount.prefix, include(mount.urlconf)) for _, mount in registry.each("urls")]


urlpatterns: list[URLPattern | URLResolver] = [
    *host_urlpatterns,
    path("api/", include("portal.api.urls")),
    *plugin_urlpatterns(),
]
