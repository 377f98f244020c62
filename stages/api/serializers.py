"""The catalog as JSON."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from rest_framework import serializers

from stages.content import BlockContent, Item
from stages.models import Category, Group, Resource, Section, Stage, StartingPoint
from stages.resources import cleaned_link

COMMON = ("key", "name", "description", "direction", "handbook", "in_structure", "retired_on", "version", "url")


class SectionSerializer(serializers.ModelSerializer[Section]):
    """A section."""

    url = serializers.CharField(source="get_absolute_url", read_only=True)

    class Meta:
        model = Section
        fields = (*COMMON, "slack_channel")


class StageSerializer(serializers.ModelSerializer[Stage]):
    """A stage without its blocks."""

    section = serializers.CharField(source="section.key", default=None, read_only=True)
    url = serializers.CharField(source="get_absolute_url", read_only=True)
    completeness = serializers.SerializerMethodField()

    class Meta:
        model = Stage
        fields = (
            *COMMON, "section", "body", "roadmap", "slack_channel", "established", "lifecycle", "usage_driver_score",
            "revenue_driver_score", "sam_driver_score", "spend_percent", "related_keys", "completeness",
        )  # fmt: skip
        read_only_fields = ("key", "name", "in_structure", "retired_on", "version", "related_keys")

    def get_completeness(self, stage: Stage) -> int | None:
        """From 0 to 100."""
        found = self.context.get("scores", {}).get(stage.pk)
        return found.percent if found else None


class GroupSerializer(serializers.ModelSerializer[Group]):
    """A group with the keys of its categories."""

    stage = serializers.CharField(source="stage.key", read_only=True)
    url = serializers.CharField(source="get_absolute_url", read_only=True)
    categories = serializers.SlugRelatedField[Category](slug_field="key", many=True, read_only=True)

    class Meta:
        model = Group
        fields = (
            *COMMON, "stage", "body", "roadmap", "slack_channel", "focus", "label", "group_link", "pi_gmau",
            "pi_pgmau", "usage_driver_score", "asp_driver_score", "sam_driver_score", "categories",
        )  # fmt: skip


class CategorySerializer(serializers.ModelSerializer[Category]):
    """A category with the keys of its groups."""

    stage = serializers.CharField(source="stage.key", default=None, read_only=True)
    url = serializers.CharField(source="get_absolute_url", read_only=True)
    groups = serializers.SlugRelatedField[Group](slug_field="key", many=True, read_only=True)

    class Meta:
        model = Category
        fields = (
            *COMMON, "stage", "groups", "documentation", "marketing", "maturity", "maturity_reason", "available",
            "viable", "complete", "lovable", "priority_level", "dogfooding_status", "label",
        )  # fmt: skip


class ResourceSerializer(serializers.ModelSerializer[Resource]):
    """A shared resource and the stages that use it."""

    stages = serializers.SerializerMethodField()

    class Meta:
        model = Resource
        fields = (
            "id", "kind", "label", "url", "text", "dialect", "doc_label", "access", "official", "owner_name",
            "reviewed_on", "source_updated_on", "version", "stages",
        )  # fmt: skip
        read_only_fields = ("kind", "text", "dialect", "doc_label", "version")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """With the label and address as they may be saved."""
        if self.instance is not None and {"label", "url"} & attrs.keys():
            label, url = attrs.get("label", self.instance.label), attrs.get("url", self.instance.url)
            values, errors = cleaned_link(self.instance, label, url)
            if errors:
                raise serializers.ValidationError({name: [sentence] for name, sentence in errors.items()})
            attrs |= values
        return attrs

    def get_stages(self, resource: Resource) -> list[str]:
        """The keys of the stages that use it."""
        return sorted({placement.block.stage.key for placement in resource.placements.all()})


class StartingPointSerializer(serializers.ModelSerializer[StartingPoint]):
    """A helpful place to start."""

    class Meta:
        model = StartingPoint
        fields = ("id", "order", "label", "url", "text", "missing_from_source", "version")
        read_only_fields = ("missing_from_source", "version")


class ItemSerializer(serializers.Serializer[Any]):
    """An item of a block."""

    id = serializers.IntegerField(required=False, allow_null=True, default=None)
    label = serializers.CharField(required=False, allow_blank=True, default="")  # type: ignore[assignment]
    url = serializers.CharField(required=False, allow_blank=True, default="", trim_whitespace=False)
    description = serializers.CharField(required=False, allow_blank=True, default="")
    text = serializers.CharField(required=False, allow_blank=True, default="", trim_whitespace=False)
    dialect = serializers.CharField(required=False, allow_blank=True, default="")
    doc_label = serializers.CharField(required=False, allow_blank=True, default="")


class BlockSerializer(serializers.Serializer[Any]):
    """A block of a stage. ``version`` is what its ETag stands for; 0 before anything was saved."""

    stage = serializers.CharField(read_only=True)
    kind = serializers.CharField(read_only=True)
    version = serializers.IntegerField(read_only=True)
    heading = serializers.CharField(required=False, allow_blank=True, default="")
    note = serializers.CharField(required=False, allow_blank=True, default="")
    body = serializers.CharField(required=False, allow_blank=True, default="", trim_whitespace=False)
    not_applicable = serializers.CharField(required=False, allow_blank=True, default="")
    items = ItemSerializer(many=True, required=False, default=list)
    placeholders = serializers.IntegerField(read_only=True)
    filled = serializers.CharField(read_only=True)
    changed_at = serializers.DateTimeField(read_only=True)
    changed_by = serializers.CharField(read_only=True)
    reason = serializers.CharField(write_only=True, required=False, allow_blank=True, default="", max_length=1000)


class BulkBlockSerializer(BlockSerializer):
    """A block of any stage, for the bulk route. ``version``, where given, must be the present one."""

    stage = serializers.CharField()
    kind = serializers.CharField()
    version = serializers.IntegerField(required=False, allow_null=True, default=None)


def content_from(data: dict[str, Any]) -> BlockContent:
    """The content that a request describes."""
    known = {one.name for one in fields(Item)}
    return BlockContent(
        heading=data.get("heading", ""),
        note=data.get("note", ""),
        body=data.get("body", ""),
        not_applicable=data.get("not_applicable", ""),
        items=tuple(Item(**{name: value for name, value in item.items() if name in known}) for item in data["items"]),
    )
