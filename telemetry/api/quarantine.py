"""``/api/v1/quarantine/``: what waits, and decisions about one or many."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from portal.permissions import signed_in
from portal.roles import Role
from telemetry.api.pings import PingSerializer
from telemetry.models import Ping
from telemetry.verbs.reviews import NoReason, reject_pings, release_pings


class DecisionSerializer(serializers.Serializer[Any]):
    """A decision about several pings."""

    ids = serializers.ListField(child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), max_length=1000)
    decision = serializers.ChoiceField(choices=["release", "reject"])
    reason = serializers.CharField()


class DecidedSerializer(serializers.Serializer[Any]):
    """The pings that changed."""

    changed = serializers.ListField(child=serializers.IntegerField())


class QuarantineViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Ping]):
    """Pings in quarantine, newest first."""

    read_role = Role.VIEWER
    write_role = Role.REVIEWER
    queryset = Ping.objects.filter(state=Ping.State.QUARANTINED).order_by("-id")
    serializer_class = PingSerializer
    filterset_fields = ("uuid", "hostname")

    @extend_schema(request=DecisionSerializer, responses=DecidedSerializer)
    @action(detail=False, methods=["post"])
    def decide(self, request: Request) -> Response:
        """Release or reject, with a reason that stays in the audit trail."""
        given = DecisionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        verb = release_pings if given.validated_data["decision"] == "release" else reject_pings
        try:
            changed = verb(
                ids=given.validated_data["ids"],
                by=signed_in(request),
                reason=given.validated_data["reason"],
            )
        except NoReason as error:
            raise serializers.ValidationError({"reason": [str(error)]}) from error
        return Response({"changed": changed})
