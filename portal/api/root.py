"""The API's router and root."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import APIRootView, DefaultRouter
from rest_framework.views import APIView

from portal.api.permissions import RolePermission
from portal.roles import Role


class Root(APIRootView):
    """The routes of the API, each with its address. The whole of it is described at /api/schema/."""

    read_role = Role.VIEWER
    write_role = Role.ADMINISTRATOR
    _ignore_model_permissions = True


class ApiRouter(DefaultRouter):
    """DRF's router with our root and without format suffixes: ``/books.json`` would be a second address."""

    APIRootView = Root
    include_format_suffixes = False
    root_view_name = "api-root"


class SchemaView(SpectacularAPIView):
    """The OpenAPI document of this portal, as YAML or, asked for by ``Accept``, as JSON."""

    permission_classes = [RolePermission]
    read_role = Role.VIEWER


class DocsView(SpectacularSwaggerSplitView):
    """Swagger, served by us, in two parts: page and script, so that no script stands in the page."""

    permission_classes = [RolePermission]
    read_role = Role.VIEWER


@extend_schema(exclude=True)
class NotFoundView(APIView):
    """Whatever is asked for under ``/api/`` that is not there."""

    read_role = Role.ANONYMOUS
    write_role = Role.ANONYMOUS

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Nothing is here for anyone, whatever the method."""
        raise NotFound("There is no such route. See /api/v1/ for those there are.")

    def get(self, request: Request) -> Response:
        """Never reached; it is here so that the view has a method."""
        raise NotFound
