"""The URLs of the portal: the host's own, then those of each plugin."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from portal import probes
from portal.pages.icon import favicon
from portal.plugins.registry import registry

handler404 = "portal.pages.errors.not_found"
handler500 = "portal.pages.errors.server_error"

host_urlpatterns: list[URLPattern | URLResolver] = [
    # One way to sign in, whatever page one came for.
    path("admin/login/", RedirectView.as_view(pattern_name="account_login", query_string=True)),
    path("favicon.ico", favicon),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("health/", probes.health, name="health"),
    path("health/prometheus", probes.prometheus, name="health-prometheus"),
    path("", include("portal.pages.urls")),
]


def plugin_urlpatterns(*, early: bool = False) -> list[URLPattern | URLResolver]:
    """The URLconfs of the plugins that are loaded now; those that must be found at once stand before all others."""
    return [path(mount.prefix, include(mount.urlconf)) for _, mount in registry.each("urls") if mount.early is early]


urlpatterns: list[URLPattern | URLResolver] = [
    *plugin_urlpatterns(early=True),
    *host_urlpatterns,
    path("api/", include("portal.api.urls")),
    *plugin_urlpatterns(),
]
