"""The plugin's part of the API."""

from __future__ import annotations

from typing import Any

from portal.plugin import Role
from rest_framework.request import Request
from rest_framework.serializers import ModelSerializer, ValidationError
from rest_framework.viewsets import ModelViewSet

from rota.models import Duty


class DutySerializer(ModelSerializer[Duty]):
    """A duty as the API shows and takes it."""

    class Meta:
        model = Duty
        fields = ["id", "stage_key", "person", "starts_on", "ends_on"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A duty does not end before it starts."""
        starts = attrs.get("starts_on", getattr(self.instance, "starts_on", None))
        ends = attrs.get("ends_on", getattr(self.instance, "ends_on", None))
        if starts and ends and ends < starts:
            raise ValidationError({"ends_on": ["This is before the first day."]})
        return attrs


class DutyViewSet(ModelViewSet[Duty]):
    """Duties. Everyone reads; editors write, those of a stage only for their stage."""

    queryset = Duty.objects.all()
    serializer_class = DutySerializer
    filterset_fields = ["stage_key", "person"]
    read_role = Role.VIEWER
    write_role = Role.EDITOR

    def get_scopes(self, duty: Duty) -> tuple[str, ...]:
        """Within which scopes the role suffices for a duty."""
        return ("rota:all", f"stage:{duty.stage_key}")

    def get_new_scopes(self, request: Request) -> tuple[str, ...]:
        """The same for one that is about to be made."""
        key = request.data.get("stage_key") if isinstance(request.data, dict) else None
        return ("rota:all", f"stage:{key}")
