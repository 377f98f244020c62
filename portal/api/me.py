"""Who the request is made by: for scripts that want to know what their token is good for."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.models import ApiToken, RoleGrant, User
from portal.roles import Role


class GrantSerializer(serializers.ModelSerializer[RoleGrant]):
    """A role and what it is limited to; an empty scope is everything."""

    class Meta:
        model = RoleGrant
        fields = ["role", "scope"]


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    """The token of the request, without its secret."""

    class Meta:
        model = ApiToken
        fields = ["name", "scopes", "expires_at"]


class MeSerializer(serializers.Serializer[Any]):
    """The account behind the request."""

    username = serializers.CharField()
    display_name = serializers.CharField(allow_blank=True)
    is_service = serializers.BooleanField()
    is_administrator = serializers.BooleanField()
    roles = GrantSerializer(many=True)
    token = TokenSerializer(allow_null=True)


class MeView(APIView):
    """The account, its roles, and the token if one was sent."""

    read_role = Role.VIEWER

    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """Tell who this is."""
        user = request.user
        assert isinstance(user, User)  # noqa: S101  read_role has let no one else in
        grants = list(user.role_grants.order_by("role", "scope"))
        body = {
            "username": user.username,
            "display_name": user.display_name,
            "is_service": user.is_service,
            "is_administrator": user.is_superuser or any(grant.role == Role.ADMINISTRATOR.value for grant in grants),
            "roles": grants,
            "token": request.auth if isinstance(request.auth, ApiToken) else None,
        }
        return Response(MeSerializer(body).data)
