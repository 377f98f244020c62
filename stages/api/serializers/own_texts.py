"""Places to start and texts of the page."""

from __future__ import annotations

from rest_framework import serializers

from stages.api.serializers.strict import Strict
from stages.models import PageText, StartingPoint


class StartingPointSerializer(Strict, serializers.ModelSerializer[StartingPoint]):
    """A helpful place to start: a line of Markdown. The link that leads it is read from it."""

    text = serializers.CharField(max_length=5000)
    reason = serializers.CharField(write_only=True, required=False, allow_blank=True, max_length=1000)

    class Meta:
        model = StartingPoint
        fields = ("id", "order", "label", "url", "text", "missing_from_source", "version", "reason")
        read_only_fields: tuple[str, ...] = ("order", "label", "url", "missing_from_source", "version")


class StartingPointRowSerializer(StartingPointSerializer):
    """A starting point to be made, or changed where its ``id`` is given."""

    id = serializers.IntegerField(required=False, allow_null=True)
    version = serializers.IntegerField(required=False, allow_null=True)

    class Meta(StartingPointSerializer.Meta):
        read_only_fields = ("order", "label", "url", "missing_from_source")


class PageTextSerializer(Strict, serializers.ModelSerializer[PageText]):
    """A text of the handbook page outside its stages. Of the ``front`` the heading is the title of the page."""

    section = serializers.CharField(source="section.key", default=None, allow_null=True, read_only=True)
    heading = serializers.CharField(required=False, allow_blank=True)
    body = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    reason = serializers.CharField(write_only=True, required=False, allow_blank=True, max_length=1000)

    class Meta:
        model = PageText
        fields = ("id", "place", "section", "order", "depth", "heading", "body", "missing_from_source", "version",
                  "reason")  # fmt: skip
        read_only_fields: tuple[str, ...] = ("place", "order", "depth", "missing_from_source", "version")


class NewPageTextSerializer(PageTextSerializer):
    """A text to be made; it comes last at its ``place``."""

    section = serializers.CharField(required=False, allow_null=True, max_length=100)

    class Meta(PageTextSerializer.Meta):
        read_only_fields = ("order", "depth", "missing_from_source", "version")


class PageTextRowSerializer(NewPageTextSerializer):
    """A text to be made, or changed where its ``id`` is given."""

    id = serializers.IntegerField(required=False, allow_null=True)
    version = serializers.IntegerField(required=False, allow_null=True)

    class Meta(PageTextSerializer.Meta):
        read_only_fields = ("order", "depth", "missing_from_source")


class StepSerializer(Strict):
    """Which way to move."""

    to = serializers.ChoiceField(choices=[("up", "Before the one above"), ("down", "After the one below")])
