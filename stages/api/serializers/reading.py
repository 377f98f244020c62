"""Completeness and reviews."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class PartSerializer(serializers.Serializer[Any]):
    """A part of the score: what it adds, what filling it would, why, and whom to ask."""

    kind = serializers.CharField()
    title = serializers.CharField()
    filled = serializers.CharField()
    weight = serializers.IntegerField()
    points = serializers.FloatField()
    gain = serializers.FloatField()
    why = serializers.CharField()
    owner = serializers.CharField(allow_blank=True)


class CompletenessSerializer(serializers.Serializer[Any]):
    """How complete a stage's page is; ``best`` is the kind of block that would raise it most."""

    stage = serializers.CharField()
    name = serializers.CharField()
    section = serializers.CharField(allow_null=True)
    percent = serializers.IntegerField()
    owner = serializers.CharField(allow_blank=True)
    best = serializers.CharField(allow_null=True)
    parts = PartSerializer(many=True)


class GapSerializer(serializers.Serializer[Any]):
    """What many stages lack, and how many."""

    title = serializers.CharField()
    stages = serializers.IntegerField()


class BoardSerializer(serializers.Serializer[Any]):
    """The completeness of all stages in a few numbers."""

    stages = serializers.IntegerField()
    complete = serializers.IntegerField()
    average = serializers.IntegerField()
    gaps = GapSerializer(many=True)


class WithinSerializer(serializers.Serializer[Any]):
    """How many days ahead to look."""

    within = serializers.IntegerField(required=False, default=30, min_value=0, max_value=3650)


class ReviewDueSerializer(serializers.Serializer[Any]):
    """A block whose last review runs out, and when."""

    stage = serializers.CharField()
    kind = serializers.CharField()
    heading = serializers.CharField(allow_blank=True)
    title = serializers.CharField()
    owner = serializers.CharField(allow_null=True)
    due_on = serializers.DateField()
    is_over = serializers.BooleanField()
