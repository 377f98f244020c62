"""``/api/v1/ingest-keys/``, ``organisations/`` and ``signing-keys/``: who may send, for administrators' scripts."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from portal.permissions import signed_in
from portal.roles import Role
from telemetry.models import IngestKey, KeyHolder, Organisation, SigningKey
from telemetry.verbs.keys import (
    hold_installation,
    let_go_of_installation,
    make_ingest_key,
    revoke_ingest_key,
    rotate_ingest_key,
)
from telemetry.verbs.signing import revoke_signing_key

NUMBER = r"[0-9]{1,18}"


class IngestKeySerializer(serializers.ModelSerializer[IngestKey]):
    """A key without its text: an organisation's, or an installation's (uuid and host name)."""

    class Meta:
        model = IngestKey
        fields: tuple[str, ...] = (
            "id", "label", "prefix", "uuid", "hostname", "organisation", "created_at", "expires_at", "revoked_at",
            "replaced_by", "last_used_at",
        )  # fmt: skip
        read_only_fields = ("prefix", "created_at", "revoked_at", "replaced_by", "last_used_at")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Either an installation, whole, or an organisation."""
        uuid, hostname = attrs.get("uuid", ""), attrs.get("hostname", "")
        if bool(uuid) != bool(hostname):
            missing = "hostname" if uuid else "uuid"
            raise serializers.ValidationError({missing: "An installation is named by both, uuid and host name."})
        if not uuid and attrs.get("organisation") is None:
            raise serializers.ValidationError({"organisation": "Name an installation or an organisation."})
        return attrs


class SecretSerializer(IngestKeySerializer):
    """A new key with its text, which is told this once."""

    secret = serializers.CharField(read_only=True)

    class Meta(IngestKeySerializer.Meta):
        fields = (*IngestKeySerializer.Meta.fields, "secret")


def _told(key: IngestKey, secret: str, status: int) -> Response:
    # The only time that the text is seen: it must not lie in a cache.
    content = {**IngestKeySerializer(key).data, "secret": secret}
    return Response(content, status=status, headers={"Cache-Control": "no-store"})


class IngestKeyViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[IngestKey]):
    """Ingest keys, newest first."""

    read_role = write_role = Role.ADMINISTRATOR
    queryset = IngestKey.objects.all()
    serializer_class = IngestKeySerializer
    lookup_value_regex = NUMBER
    filterset_fields = ("uuid", "hostname", "organisation")

    @extend_schema(request=IngestKeySerializer, responses={201: SecretSerializer})
    def create(self, request: Request) -> Response:
        """Make a key; the answer holds its text, this once."""
        given = IngestKeySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        key, secret = make_ingest_key(**given.validated_data, by=signed_in(request))
        return _told(key, secret, 201)

    @extend_schema(request=None, responses={200: SecretSerializer})
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, pk: str) -> Response:
        """Make a successor, told this once; the old key goes on working for the overlap."""
        try:
            key, secret = rotate_ingest_key(key=self.get_object(), by=signed_in(request))
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error
        return _told(key, secret, 200)

    @extend_schema(request=None, responses=IngestKeySerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        """Close the door at once."""
        key = self.get_object()
        revoke_ingest_key(key=key)
        key.refresh_from_db()
        return Response(IngestKeySerializer(key).data)


class OrganisationSerializer(serializers.ModelSerializer[Organisation]):
    """One that sends for several installations."""

    class Meta:
        model = Organisation
        fields = ("id", "name", "note", "created_at")


class HolderSerializer(serializers.Serializer[KeyHolder]):
    """An installation of an organisation."""

    uuid = serializers.CharField(max_length=255)
    hostname = serializers.CharField(max_length=255)


class OrganisationViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    viewsets.GenericViewSet[Organisation],
):
    """Organisations, and the installations that their keys are good for."""

    read_role = write_role = Role.ADMINISTRATOR
    queryset = Organisation.objects.all()
    serializer_class = OrganisationSerializer
    lookup_value_regex = NUMBER
    filterset_fields = ("name",)

    @extend_schema(responses=HolderSerializer(many=True))
    @action(detail=True, filterset_fields=())
    def installations(self, request: Request, pk: str) -> Response:
        """Its installations, a page at a time."""
        holders: Any = self.get_object().holders.order_by("hostname", "uuid")
        page: Any = self.paginate_queryset(holders)
        return self.get_paginated_response(HolderSerializer(page, many=True).data)

    @extend_schema(request=HolderSerializer, responses={200: HolderSerializer})
    @action(detail=True, methods=["post"])
    def hold(self, request: Request, pk: str) -> Response:
        """Add an installation, also one that has been sending without the key."""
        given = HolderSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        return Response(
            HolderSerializer(hold_installation(organisation=self.get_object(), **given.validated_data)).data
        )

    @extend_schema(request=HolderSerializer, responses={204: None})
    @action(detail=True, methods=["post"], url_path="let-go")
    def let_go(self, request: Request, pk: str) -> Response:
        """Take an installation away; one that is not there is no error."""
        given = HolderSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        for holder in self.get_object().holders.filter(**given.validated_data):
            let_go_of_installation(holder=holder)
        return Response(status=204)


class SigningKeySerializer(serializers.ModelSerializer[SigningKey]):
    """The public key of somebody who signs offline bundles; without an installation it is good for any."""

    class Meta:
        model = SigningKey
        fields = ("id", "label", "public_key", "uuid", "hostname", "created_at", "revoked_at")
        read_only_fields = ("created_at", "revoked_at")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """An installation is named whole or not at all."""
        if bool(attrs.get("uuid")) != bool(attrs.get("hostname")):
            missing = "hostname" if attrs.get("uuid") else "uuid"
            raise serializers.ValidationError({missing: "An installation is named by both, uuid and host name."})
        return {**attrs, "public_key": attrs["public_key"].lower()}


class SigningKeyViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.CreateModelMixin, viewsets.GenericViewSet[SigningKey]
):
    """Signing keys."""

    read_role = write_role = Role.ADMINISTRATOR
    queryset = SigningKey.objects.all()
    serializer_class = SigningKeySerializer
    lookup_value_regex = NUMBER
    filterset_fields = ("uuid", "hostname")

    @extend_schema(request=None, responses=SigningKeySerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        """Its signatures are worth nothing from now on."""
        key = self.get_object()
        revoke_signing_key(key=key)
        key.refresh_from_db()
        return Response(SigningKeySerializer(key).data)
