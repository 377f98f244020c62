"""The API root: the routes of every plugin under ``/api/v1/``."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import DefaultRouter

from portal.plugin import ApiRoute, ApiUrls
from portal.plugins.registry import registry

router = DefaultRouter()
extra: list[URLPattern | URLResolver] = []
for _plugin, route in registry.each("api"):
    if isinstance(route, ApiRoute):
        router.register(route.prefix, route.viewset, basename=route.basename)
    elif isinstance(route, ApiUrls):
        extra.append(path(route.prefix, include(route.urlconf)))

urlpatterns: list[URLPattern | URLResolver] = [
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api-schema"), name="api-docs"),
    path("v1/", include([*extra, *router.urls])),
]
