"""``/api/v1/pings/``: receipts and raw bodies, for people and for the installation's own key."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView, get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from portal.history.context import without_history_context
from portal.permissions import requires
from portal.roles import Role
from telemetry.api.authentication import IngestKeyAuthentication, KeyOrRole
from telemetry.api.ingest import submit
from telemetry.models import IngestKey, Ping
from telemetry.queries import body_of_ping, own_pings, receipt

AUTHENTICATION: list[Any] = [IngestKeyAuthentication, *api_settings.DEFAULT_AUTHENTICATION_CLASSES]


class PingFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    """Which pings a list holds."""

    recorded_after = django_filters.IsoDateTimeFilter(field_name="recorded_at", lookup_expr="gte")
    recorded_before = django_filters.IsoDateTimeFilter(field_name="recorded_at", lookup_expr="lt")
    received_after = django_filters.IsoDateTimeFilter(field_name="received_at", lookup_expr="gte")
    state = django_filters.MultipleChoiceFilter(choices=Ping.State.choices)
    channel = django_filters.MultipleChoiceFilter(choices=Ping.Channel.choices)

    class Meta:
        model = Ping
        fields = ["uuid", "hostname", "version", "edition"]


class PingSerializer(serializers.ModelSerializer[Ping]):
    """A ping in a list."""

    sha256 = serializers.CharField(source="sha256_hex")
    issues = serializers.IntegerField(source="issue_total")

    class Meta:
        model = Ping
        fields = [
            "id",
            "uuid",
            "hostname",
            "recorded_at",
            "received_at",
            "channel",
            "state",
            "proof",
            "version",
            "edition",
            "sha256",
            "size",
            "values_ok",
            "issues",
            "held",
        ]
        read_only_fields = fields


class IssueSerializer(serializers.Serializer[Any]):
    """One named issue."""

    kind = serializers.CharField()
    key = serializers.CharField(allow_blank=True)
    value = serializers.CharField(required=False)
    expected = serializers.CharField(required=False)
    found = serializers.CharField(required=False)
    sentence = serializers.CharField()


class UseSerializer(serializers.Serializer[Any]):
    """A month that used the ping."""

    month = serializers.CharField()
    part = serializers.CharField()
    sentence = serializers.CharField()
    figures = serializers.ListField(child=serializers.CharField())


class ReceiptSerializer(serializers.Serializer[Any]):
    """All that a sender is told about a ping."""

    id = serializers.IntegerField()
    uuid = serializers.CharField()
    hostname = serializers.CharField()
    recorded_at = serializers.DateTimeField()
    received_at = serializers.DateTimeField()
    channel = serializers.CharField()
    sha256 = serializers.CharField()
    size = serializers.IntegerField()
    cut = serializers.ListField(child=serializers.CharField())
    state = serializers.CharField()
    sentence = serializers.CharField()
    proof = serializers.CharField()
    read_at = serializers.DateTimeField(allow_null=True)
    parser_version = serializers.IntegerField(allow_null=True)
    dictionary_version = serializers.IntegerField(allow_null=True)
    values_ok = serializers.IntegerField(allow_null=True)
    unknown_keys = serializers.IntegerField()
    issue_counts = serializers.DictField(child=serializers.IntegerField())
    issues = IssueSerializer(many=True)
    quarantine = serializers.DictField(allow_null=True)
    remarks = serializers.ListField(child=serializers.CharField())
    failure = serializers.CharField(allow_blank=True)
    used_in = UseSerializer(many=True)


class AcceptedSerializer(serializers.Serializer[Any]):
    """The answer to a single ping."""

    id = serializers.IntegerField()
    status = serializers.ChoiceField(choices=["accepted", "duplicate"])
    other_body = serializers.BooleanField(required=False)
    detail = serializers.CharField(required=False)
    receipt = serializers.URLField()


class PingsView(GenericAPIView[Ping]):
    """Pings, newest first. With an ingest key: those of its own installation or organisation."""

    authentication_classes = AUTHENTICATION
    permission_classes = [KeyOrRole]
    read_role = Role.VIEWER
    write_role = Role.ANONYMOUS
    serializer_class = PingSerializer
    filterset_class = PingFilter
    queryset = Ping.objects.order_by("-id")

    def get_queryset(self) -> QuerySet[Ping]:
        if isinstance(self.request.auth, IngestKey):
            return own_pings(self.request.auth).order_by("-id")
        return super().get_queryset()

    @extend_schema(operation_id="pings_list", responses=PingSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The pings that the filters leave, a page at a time."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="pings_submit",
        request={"application/json": OpenApiTypes.OBJECT, "application/x-ndjson": OpenApiTypes.STR},
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, required=False)],
        responses={
            202: AcceptedSerializer,
            400: OpenApiResponse(description="No JSON object, no identity, or another export of the instance."),
            401: OpenApiResponse(description="No ingest key, or one that is not in force."),
            403: OpenApiResponse(description="The key does not belong to the installation that the ping names."),
            413: OpenApiResponse(description="Too large, also after inflating."),
            415: OpenApiResponse(description="Not compressed as it says."),
            422: OpenApiResponse(description="No line was accepted, or an Idempotency-Key was used for another body."),
            429: OpenApiResponse(description="Too many requests; see Retry-After."),
            503: OpenApiResponse(description="The database is away; nothing is stored; see Retry-After."),
        },
    )
    def post(self, request: Request) -> Response:
        """Submit one ping, or NDJSON with one a line (answered with a result per line). Needs an ingest key."""
        raise AssertionError("POST is answered by telemetry.api.ingest.submit")


class ReceiptView(GenericAPIView[Ping]):
    """The receipt of one ping."""

    authentication_classes = AUTHENTICATION
    permission_classes = [KeyOrRole]
    read_role = Role.VIEWER
    serializer_class = ReceiptSerializer
    queryset = Ping.objects.all()

    def find(self, ping_id: int) -> Ping:
        """The ping, if this reader may see it; for a key, another's ping does not exist."""
        auth = self.request.auth
        return get_object_or_404(own_pings(auth) if isinstance(auth, IngestKey) else Ping.objects.all(), pk=ping_id)

    @extend_schema(operation_id="pings_receipt", responses=ReceiptSerializer)
    def get(self, request: Request, ping_id: int) -> Response:
        """What was made of the ping, and which months and figures used it so far."""
        return Response(ReceiptSerializer(asdict(receipt(self.find(ping_id)))).data)


class RawView(ReceiptView):
    """The stored bytes of one ping."""

    @extend_schema(operation_id="pings_raw", responses={(200, "application/json"): OpenApiTypes.BINARY})
    def get(self, request: Request, ping_id: int) -> HttpResponseBase:  # type: ignore[override]  # the bytes, not a document
        """The bytes as received, personal values replaced by null."""
        body = body_of_ping(self.find(ping_id))
        if body is None:
            return Response({"detail": "The raw body was removed by retention."}, status=410)
        response = HttpResponse(body, content_type="application/json")
        response["Content-Disposition"] = f'attachment; filename="ping-{ping_id}.json"'
        return response


_read = PingsView.as_view()


@requires(Role.ANONYMOUS)
@csrf_exempt
@without_history_context
def pings(request: HttpRequest) -> HttpResponseBase:
    """POST takes the short way; everything else is an ordinary API view."""
    return submit(request) if request.method == "POST" else _read(request)


# The OpenAPI generator and the walk over all routes find the API view behind the function.
pings.cls = PingsView  # type: ignore[attr-defined]  # as ``as_view`` sets it
pings.initkwargs = {}  # type: ignore[attr-defined]  # as ``as_view`` sets it
