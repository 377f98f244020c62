"""The URLs of the portal: the host's own, then those of each plugin."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from portal.plugins.registry import registry

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("api/", include("portal.api.urls")),
    *(path(mount.prefix, include(mount.urlconf)) for _, mount in registry.each("urls")),
]
