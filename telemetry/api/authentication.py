"""Reading with an ingest key: it opens the records of its own installation, and nothing else."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from portal.api.permissions import RolePermission
from telemetry.models import IngestKey
from telemetry.verbs.keys import PREFIX, key_of


class IngestKeyAuthentication(BaseAuthentication):
    """Finds the ingest key behind ``Authorization: Bearer sbi_…``; other tokens are left to other classes."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, IngestKey] | None:
        words = get_authorization_header(request).split()
        if len(words) != 2 or words[0].lower() != b"bearer" or not words[1].startswith(PREFIX.encode()):
            return None
        key = key_of(words[1].decode("latin-1"))
        if key is None:
            raise AuthenticationFailed("The ingest key is not known, revoked or expired.")
        return AnonymousUser(), key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="pings"'


class KeyOrRole(BasePermission):
    """An ingest key (the view limits it to its own records), or a person with the view's role."""

    def has_permission(self, request: Request, view: object) -> bool:
        if isinstance(request.auth, IngestKey):
            return True
        roles = RolePermission()
        allowed = roles.has_permission(request, view)
        self.message = getattr(roles, "message", "This needs a role that you do not hold.")
        return allowed


class IngestKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # untyped: it registers itself
    """How the API's documentation describes an ingest key."""

    target_class = IngestKeyAuthentication
    name = "ingestKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An ingest key (sbi_…) of an installation."}
