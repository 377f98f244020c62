"""``/api/v1/releases/``: released versions, which the version check compares with."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers, viewsets

from portal.roles import Role
from telemetry import versions
from telemetry.models import Release


class ReleaseSerializer(serializers.ModelSerializer[Release]):
    """A release."""

    class Meta:
        model = Release
        fields = (
            "version",
            "released_on",
            "supported_until",
            "security",
            "vulnerable",
            "critical_vulnerability",
            "details",
        )


class ReleaseViewSet(viewsets.ModelViewSet[Release]):
    """Releases, newest first. Writing needs the role administrator."""

    read_role = Role.VIEWER
    write_role = Role.ADMINISTRATOR
    queryset = Release.objects.all()
    serializer_class = ReleaseSerializer
    lookup_field = "version"
    lookup_value_regex = r"[0-9.]+"
    filterset_fields = ("security", "vulnerable", "critical_vulnerability")

    def perform_create(self, serializer: Any) -> None:
        """Save, and let this process answer with it at once."""
        serializer.save()
        versions.forget()

    perform_update = perform_create

    def perform_destroy(self, instance: Release) -> None:
        """Delete, likewise."""
        instance.delete()
        versions.forget()
