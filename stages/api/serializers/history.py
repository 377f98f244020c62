"""What happened, and what can be brought back."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from stages.api.serializers.strict import Strict


class RestoreSerializer(Strict):
    """Which version to bring back, and why."""

    version = serializers.IntegerField(min_value=0, max_value=2**31 - 1)
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)


class RestoreEntrySerializer(Strict):
    """Which entry of the history to bring back."""

    event = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class DifferenceSerializer(serializers.Serializer[Any]):
    """One readable difference."""

    what = serializers.CharField()
    before = serializers.CharField(allow_blank=True)
    after = serializers.CharField(allow_blank=True)


class HappeningSerializer(serializers.Serializer[Any]):
    """One change. ``restore`` says what can be brought back: a version of a block, or the facts of one.

    ``undo`` is the number by which a change of the structure is taken back.
    """

    at = serializers.DateTimeField()
    title = serializers.CharField()
    who = serializers.CharField()
    how = serializers.CharField()
    why = serializers.CharField(allow_blank=True)
    differences = DifferenceSerializer(many=True)
    restore = serializers.JSONField(allow_null=True)
    undo = serializers.IntegerField(allow_null=True)


class TimelineSerializer(serializers.Serializer[Any]):
    """A page of a history, newest first; ``older`` is the ``before`` of the next page."""

    older = serializers.DateTimeField(allow_null=True)
    happenings = HappeningSerializer(many=True)


class PartThenSerializer(serializers.Serializer[Any]):
    """A part of the page that was otherwise. A change of the structure has an ``id`` and can be left out by it."""

    id = serializers.CharField(allow_null=True)
    title = serializers.CharField()
    differences = DifferenceSerializer(many=True)


class PageThenSerializer(serializers.Serializer[Any]):
    """What restoring the page of a day changes, and what it leaves as it is."""

    moment = serializers.DateTimeField()
    changes = PartThenSerializer(many=True)
    left = serializers.ListField(child=serializers.CharField())


class RestorePageSerializer(Strict):
    """Which changes of the structure to leave out, by their ``id``."""

    without = serializers.ListField(child=serializers.CharField(max_length=100), required=False, default=list)
