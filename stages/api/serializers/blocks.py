"""Blocks of stages: what they say, drafts of them, two pages side by side."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from rest_framework import serializers

from stages.api.serializers.strict import Strict
from stages.content import BlockContent, Item
from stages.models.content import REVIEW_LIMITS


class ItemSerializer(Strict):
    """An item of a block."""

    id = serializers.IntegerField(required=False, allow_null=True, default=None)
    resource = serializers.IntegerField(read_only=True, help_text="The shared resource that it refers to.")
    label = serializers.CharField(required=False, allow_blank=True, default="")  # type: ignore[assignment]
    url = serializers.CharField(required=False, allow_blank=True, default="", trim_whitespace=False)
    description = serializers.CharField(required=False, allow_blank=True, default="")
    text = serializers.CharField(required=False, allow_blank=True, default="", trim_whitespace=False)
    dialect = serializers.CharField(required=False, allow_blank=True, default="")
    doc_label = serializers.CharField(required=False, allow_blank=True, default="")


class DerivedItemSerializer(serializers.Serializer[Any]):
    """What the structure files say for a block; shown while nobody wrote it otherwise."""

    label = serializers.CharField(read_only=True)  # type: ignore[assignment]
    url = serializers.CharField(read_only=True)
    description = serializers.CharField(read_only=True)


class BlockSerializer(Strict):
    """A block of a stage. ``version`` is what its ETag stands for; 0 before anything was saved."""

    stage = serializers.CharField(read_only=True)
    kind = serializers.CharField(read_only=True)
    version = serializers.IntegerField(read_only=True)
    heading = serializers.CharField(required=False, allow_blank=True, default="")
    note = serializers.CharField(required=False, allow_blank=True, default="")
    body = serializers.CharField(required=False, allow_blank=True, default="", trim_whitespace=False)
    not_applicable = serializers.CharField(required=False, allow_blank=True, default="")
    items = ItemSerializer(many=True, required=False, default=list)
    derived = DerivedItemSerializer(many=True, read_only=True)
    placeholders = serializers.IntegerField(read_only=True)
    filled = serializers.CharField(read_only=True)
    changed_at = serializers.DateTimeField(read_only=True)
    changed_by = serializers.CharField(read_only=True)
    owner = serializers.CharField(read_only=True)
    reviewed_on = serializers.DateField(read_only=True)
    review_every_days = serializers.IntegerField(read_only=True)
    review_due = serializers.BooleanField(read_only=True)
    reason = serializers.CharField(write_only=True, required=False, allow_blank=True, default="", max_length=1000)


class BulkBlockSerializer(BlockSerializer):
    """A block of any stage, for the bulk route. ``version``, where given, must be the present one."""

    stage = serializers.CharField()
    kind = serializers.CharField()
    version = serializers.IntegerField(required=False, allow_null=True, default=None)


class KeepingSerializer(Strict):
    """Who keeps a block, whether it was looked at today, and how many days a review holds; what is left out stays."""

    owner = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=150,
                                  help_text="A username; null for nobody.")  # fmt: skip
    reviewed = serializers.BooleanField(required=False, default=False)
    review_every_days = serializers.IntegerField(required=False, validators=REVIEW_LIMITS)


class BlockContentSerializer(Strict):
    """What a block says."""

    heading = serializers.CharField(required=False, allow_blank=True, default="")
    note = serializers.CharField(required=False, allow_blank=True, default="")
    body = serializers.CharField(required=False, allow_blank=True, default="", trim_whitespace=False)
    not_applicable = serializers.CharField(required=False, allow_blank=True, default="")
    items = ItemSerializer(many=True, required=False, default=list)


class ComparedBlockSerializer(serializers.Serializer[Any]):
    """A block of two stages; null where one has none of it."""

    kind = serializers.CharField()
    title = serializers.CharField()
    a = BlockSerializer(allow_null=True)
    b = BlockSerializer(allow_null=True)


class ComparedSerializer(serializers.Serializer[Any]):
    """Two stages side by side, and the ids of the resources that both use."""

    a = serializers.CharField()
    b = serializers.CharField()
    blocks = ComparedBlockSerializer(many=True)
    resources = serializers.ListField(child=serializers.IntegerField())


def content_from(data: dict[str, Any]) -> BlockContent:
    """The content that a request describes."""
    known = {one.name for one in fields(Item)}
    return BlockContent(
        heading=data.get("heading", ""),
        note=data.get("note", ""),
        body=data.get("body", ""),
        not_applicable=data.get("not_applicable", ""),
        items=tuple(
            Item(**{name: value for name, value in item.items() if name in known}) for item in data.get("items", ())
        ),
    )
