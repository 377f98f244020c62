"""Everything of the installation behind an ingest key: handed out, or erased, by the key itself."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.export import stream_ndjson
from portal.roles import Role
from telemetry.api.authentication import IngestKeyAuthentication
from telemetry.models import IngestKey, Ping
from telemetry.verbs.handover import export_installation
from telemetry.verbs.privacy import erase_installation


class OwnKey(BasePermission):
    """An ingest key of a single installation."""

    message = "This needs the ingest key of the installation itself."

    def has_permission(self, request: Request, view: object) -> bool:
        return isinstance(request.auth, IngestKey) and request.auth.is_installation


class ErasureSerializer(serializers.Serializer[Any]):
    """Said once more, since nothing can be brought back."""

    hostname = serializers.CharField(help_text="The host name of the installation, to confirm.")
    reason = serializers.CharField(required=False, default="Asked for by the installation.")


class ErasedSerializer(serializers.Serializer[Any]):
    """What went."""

    pings = serializers.IntegerField()
    record = serializers.IntegerField()


class OwnDataView(GenericAPIView[Ping]):
    """GET hands out everything of the key's installation; POST erases it."""

    authentication_classes = [IngestKeyAuthentication]
    permission_classes = [OwnKey]
    read_role = Role.ANONYMOUS
    write_role = Role.ANONYMOUS
    serializer_class = ErasureSerializer
    queryset = Ping.objects.none()

    @extend_schema(operation_id="own_data_export", responses={(200, "application/x-ndjson"): OpenApiTypes.STR})
    def get(self, request: Request) -> HttpResponseBase:
        """Everything stored of the installation, as NDJSON."""
        key = cast(IngestKey, request.auth)
        rows = export_installation(uuid=key.uuid, hostname=key.hostname, by_key=key.prefix)
        return stream_ndjson(rows, filename="installation.ndjson")

    @extend_schema(operation_id="own_data_erase", request=ErasureSerializer, responses=ErasedSerializer)
    def post(self, request: Request) -> Response:
        """Erase everything of the installation, the key included. Published figures stay, without its name."""
        key = cast(IngestKey, request.auth)
        given = ErasureSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        if given.validated_data["hostname"] != key.hostname:
            raise PermissionDenied("The host name is not the one of this key.")
        record = erase_installation(
            uuid=key.uuid, hostname=key.hostname, reason=given.validated_data["reason"], by_key=key.prefix
        )
        return Response({"pings": record.pings, "record": record.pk})
