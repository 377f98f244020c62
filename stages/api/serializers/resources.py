"""Shared resources and their links."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

from django.utils import timezone
from rest_framework import serializers

from stages.api.serializers.strict import Strict
from stages.models import LinkCheck, LinkRun, Resource


class LinkStateSerializer(serializers.ModelSerializer[LinkCheck]):
    """What came of looking at a link last."""

    class Meta:
        model = LinkCheck
        fields = ("state", "status", "sentence", "moved_to", "checked_at", "failing_since")
        read_only_fields = fields


class ResourceSerializer(Strict, serializers.ModelSerializer[Resource]):
    """A shared resource and the stages that use it. Query and kind are changed in the blocks."""

    text = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    stages = serializers.SerializerMethodField()
    link_check = LinkStateSerializer(read_only=True, default=None, allow_null=True)
    reviewed = serializers.BooleanField(write_only=True, required=False, help_text="true: it is right as it stands.")
    reason = serializers.CharField(write_only=True, required=False, allow_blank=True, max_length=1000)

    class Meta:
        model = Resource
        fields: tuple[str, ...] = (
            "id", "kind", "label", "url", "text", "dialect", "doc_label", "access", "official", "owner_name",
            "reviewed_on", "review_every_days", "source_updated_on", "version", "stages", "link_check", "reviewed",
            "reason",
        )  # fmt: skip
        read_only_fields: tuple[str, ...] = ("version",)
        extra_kwargs: ClassVar[dict[str, Any]] = {"kind": {"required": False}}

    def validate_reviewed_on(self, day: date | None) -> date | None:
        """A day on which somebody looked: none that lies ahead."""
        if day is not None and day > timezone.now().date():
            raise serializers.ValidationError("A review lies behind, not ahead.")
        return day

    def get_stages(self, resource: Resource) -> list[str]:
        """The keys of the stages that use it."""
        return sorted({placement.block.stage.key for placement in resource.placements.all()})


class NewResourceSerializer(ResourceSerializer):
    """A resource to be made; of the kind of block that it belongs in."""

    class Meta(ResourceSerializer.Meta):
        extra_kwargs: ClassVar[dict[str, Any]] = {"kind": {"required": True}}


class ResourceRowSerializer(ResourceSerializer):
    """A resource to be changed by its ``id``, or made, of many. ``version``, where given, must be the present one."""

    id = serializers.IntegerField(required=False, allow_null=True)
    version = serializers.IntegerField(required=False, allow_null=True)

    class Meta(ResourceSerializer.Meta):
        read_only_fields = ()


class PlacingSerializer(Strict):
    """A resource to be placed in a block of its kind; ``label`` is what the stage calls it where it differs."""

    resource = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    label = serializers.CharField(required=False, allow_blank=True, default="")  # type: ignore[assignment]
    description = serializers.CharField(required=False, allow_blank=True, default="")
    position = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=0, max_value=10_000,
        help_text="Before which item, from 0; at the end where none is given.",
    )  # fmt: skip
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)


class LinkCheckSerializer(serializers.ModelSerializer[LinkCheck]):
    """The link of a resource as it was last found. ``wanted``: somebody asked to look again."""

    label = serializers.CharField(source="resource.label", read_only=True)  # type: ignore[assignment]
    url = serializers.CharField(source="checked_url", read_only=True)
    stages = serializers.SerializerMethodField()

    class Meta:
        model = LinkCheck
        fields = ("resource", "label", "url", "stages", "state", "status", "sentence", "moved_to", "checked_at",
                  "failing_since", "checks", "failures", "wanted")  # fmt: skip
        read_only_fields = fields

    def get_stages(self, check: LinkCheck) -> list[str]:
        """The keys of the stages that use it."""
        return sorted({placement.block.stage.key for placement in check.resource.placements.all()})


class LinkRunSerializer(serializers.ModelSerializer[LinkRun]):
    """A run of the link check. ``offline``: this network had no way out; ``left``: what waits for later, and why."""

    states = serializers.DictField(child=serializers.IntegerField(), read_only=True)
    left = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = LinkRun
        fields = ("id", "at", "checked", "states", "offline", "offline_since", "left")
        read_only_fields = fields


class LookAgainSerializer(Strict):
    """Which links to look at, by the ids of their resources; where none are named, all that do not work."""

    resources = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), required=False, max_length=1000
    )


class AskedSerializer(serializers.Serializer[Any]):
    """How many links wait to be looked at now."""

    asked = serializers.IntegerField()
    due = serializers.IntegerField()
