"""What comes in and goes out whole."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from stages.api.serializers.strict import Strict
from stages.models import ImportRun
from stages.structure.yamlfile import LARGEST


class HowToImportSerializer(Strict):
    """What all imports take; without ``apply`` it is only told what would change."""

    source = serializers.CharField(required=False, default="", allow_blank=True, max_length=1000)  # type: ignore[assignment]
    apply = serializers.BooleanField(required=False, default=False)


class ImportSerializer(HowToImportSerializer):
    """A handbook page to be imported. ``partial``: what it lacks is not missing, it is only a part of the page."""

    text = serializers.CharField(trim_whitespace=False, max_length=20_000_000)
    partial = serializers.BooleanField(required=False, default=False)  # type: ignore[assignment]


class HandbookUploadSerializer(HowToImportSerializer):
    """A handbook page as a file."""

    file = serializers.FileField()
    partial = serializers.BooleanField(required=False, default=False)  # type: ignore[assignment]


class StructureFilesSerializer(Strict):
    """The texts of structure files; each may be left out."""

    sections = serializers.CharField(required=False, trim_whitespace=False, max_length=LARGEST)
    stages = serializers.CharField(required=False, trim_whitespace=False, max_length=LARGEST)
    categories = serializers.CharField(required=False, trim_whitespace=False, max_length=LARGEST)


class StructureImportSerializer(HowToImportSerializer):
    """Structure files to be imported."""

    files = StructureFilesSerializer()


class StructureUploadSerializer(HowToImportSerializer):
    """Structure files as files of a form; each may be left out."""

    sections = serializers.FileField(required=False)
    stages = serializers.FileField(required=False)
    categories = serializers.FileField(required=False)


class FieldChangeSerializer(serializers.Serializer[Any]):
    """A field that takes the file's value."""

    field = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class DisputedFieldSerializer(serializers.Serializer[Any]):
    """A field that file and portal both changed; the portal's value stands until somebody decides."""

    field = serializers.CharField()
    portal = serializers.JSONField(allow_null=True)
    file = serializers.JSONField(allow_null=True)


class ImportedEntrySerializer(serializers.Serializer[Any]):
    """What an import does to one entry: created, updated, brought back, retired or unchanged."""

    kind = serializers.CharField()
    key = serializers.CharField()
    name = serializers.CharField()
    stage = serializers.CharField(allow_blank=True)
    how = serializers.CharField()
    fields = FieldChangeSerializer(many=True)  # type: ignore[assignment]
    conflicts = DisputedFieldSerializer(many=True)


class IrregularitySerializer(serializers.Serializer[Any]):
    """Something in the files that a person may want to put right. Nothing was lost by it."""

    kind = serializers.CharField()
    file = serializers.CharField(allow_blank=True)
    key = serializers.CharField(allow_blank=True)
    sentence = serializers.CharField()
    line = serializers.IntegerField(allow_null=True)


class StructureReportSerializer(serializers.Serializer[Any]):
    """What an import of structure files does, or would do: how many of each kind, and entry by entry."""

    counts = serializers.DictField(child=serializers.DictField(child=serializers.IntegerField()))
    entries = ImportedEntrySerializer(many=True)
    irregularities = IrregularitySerializer(many=True)
    applied = serializers.BooleanField()


class ImportRunSerializer(serializers.ModelSerializer[ImportRun]):
    """An import: what was read, when, by whom; ``by`` is what ran it where nobody did."""

    actor = serializers.CharField(source="actor.username", default=None, allow_null=True, read_only=True)
    source = serializers.CharField(read_only=True)  # type: ignore[assignment]

    class Meta:
        model = ImportRun
        fields: tuple[str, ...] = ("id", "kind", "source", "digest", "actor", "by", "at")
        read_only_fields = fields


class WholeImportRunSerializer(ImportRunSerializer):
    """An import with its report."""

    report = serializers.JSONField(read_only=True)

    class Meta(ImportRunSerializer.Meta):
        fields = (*ImportRunSerializer.Meta.fields, "report")
        read_only_fields = fields


class PullSerializer(serializers.Serializer[Any]):
    """Where the catalog is pulled from, and how the last time went."""

    source = serializers.CharField(allow_blank=True)  # type: ignore[assignment]
    page = serializers.CharField(allow_blank=True)
    sentence = serializers.CharField()
    failed = serializers.BooleanField()
    at = serializers.DateTimeField(allow_null=True)


class TakeBackSerializer(Strict):
    """What of an import to take back: of one stage, by its key, or all of it."""

    stage = serializers.CharField(required=False, allow_blank=True, default="", max_length=100)
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)


class TakenBackSerializer(serializers.Serializer[Any]):
    """What was taken back: the run that did it, how many parts, and what stayed, a sentence each."""

    run = serializers.IntegerField()
    parts = serializers.IntegerField()
    stayed = serializers.ListField(child=serializers.CharField())
