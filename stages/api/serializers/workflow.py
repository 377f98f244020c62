"""What waits for a decision."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from stages.api.serializers.blocks import BlockContentSerializer
from stages.api.serializers.strict import Strict
from stages.conflicts import in_dispute
from stages.content import differences, from_json
from stages.disputes import Disagreement
from stages.editing import content_of, find_block
from stages.models import BlockKind, ConflictDecision, FieldConflict, ImportConflict, Suggestion
from stages.settling import Take
from stages.validation import LONGEST_HEADING


class SuggestionSerializer(serializers.ModelSerializer[Suggestion]):
    """A suggestion."""

    stage = serializers.CharField(source="stage.key", read_only=True)
    author = serializers.CharField(source="author.username", default=None, allow_null=True, read_only=True)
    decided_by = serializers.CharField(source="decided_by.username", default=None, allow_null=True, read_only=True)
    content = serializers.JSONField(read_only=True)

    class Meta:
        model = Suggestion
        fields: tuple[str, ...] = (
            "id", "stage", "kind", "heading", "base_version", "content", "reason", "author", "created_at", "state",
            "decided_by", "decided_at", "answer",
        )  # fmt: skip
        read_only_fields = fields


class WholeSuggestionSerializer(SuggestionSerializer):
    """A suggestion with what it would change on the page as it stands."""

    differences = serializers.SerializerMethodField()

    class Meta(SuggestionSerializer.Meta):
        fields = (*SuggestionSerializer.Meta.fields, "differences")
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.DictField(child=serializers.CharField())))
    def get_differences(self, suggestion: Suggestion) -> list[dict[str, str]]:
        """What is different, from what to what."""
        current = content_of(find_block(suggestion.stage, suggestion.kind, suggestion.heading))
        told = differences(current, from_json(suggestion.content))
        return [{"what": one.what, "before": one.before, "after": one.after} for one in told]


class NewSuggestionSerializer(Strict):
    """A suggestion to be made. ``base_version`` is the version of the block that it was made from."""

    stage = serializers.CharField(max_length=100)
    kind = serializers.ChoiceField(choices=BlockKind.choices)
    heading = serializers.CharField(required=False, allow_blank=True, default="", max_length=LONGEST_HEADING)
    base_version = serializers.IntegerField(required=False, default=0, min_value=0, max_value=2**31 - 1)
    content = BlockContentSerializer()
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)


class SuggestionDecisionSerializer(Strict):
    """An answer to a suggestion; to accept it with changes, ``content`` is what shall be saved instead."""

    answer = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)
    content = BlockContentSerializer(required=False)


class ReadingSerializer(serializers.Serializer[Any]):
    """One field in dispute: what the last import, the portal and the source say."""

    what = serializers.CharField(allow_blank=True)
    base = serializers.CharField(allow_blank=True)
    portal = serializers.CharField(allow_blank=True, source="ours")
    source = serializers.CharField(allow_blank=True, source="theirs")  # type: ignore[assignment]


class DisagreementSerializer(serializers.Serializer[Any]):
    """An item, or a text of the block, in dispute. The ``id`` stands for the readings: other ones have another."""

    id = serializers.CharField()
    what = serializers.CharField()
    readings = ReadingSerializer(many=True)
    choices = serializers.ListField(child=serializers.ChoiceField(choices=[one.value for one in Take]))


class ConflictDecisionSerializer(serializers.ModelSerializer[ConflictDecision]):
    """What was decided at one time; ``version`` is that of the block which it made, if it changed the block."""

    actor = serializers.CharField(source="actor_name", read_only=True)
    told = serializers.JSONField(read_only=True)

    class Meta:
        model = ConflictDecision
        fields = ("id", "at", "actor", "reason", "told", "version", "undone_at", "undone_by")
        read_only_fields = fields


class ImportConflictSerializer(serializers.ModelSerializer[ImportConflict]):
    """A block that both the portal and the last import changed: what is in dispute by now, and what was decided."""

    stage = serializers.CharField(source="block.stage.key", read_only=True)
    kind = serializers.CharField(source="block.kind", read_only=True)
    heading = serializers.CharField(source="block.heading", read_only=True)
    disagreements = serializers.SerializerMethodField()
    decisions = ConflictDecisionSerializer(many=True, read_only=True)

    class Meta:
        model = ImportConflict
        fields = ("id", "stage", "kind", "heading", "disagreements", "decisions", "source_content", "run", "state",
                  "created_at", "decided_at")  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(DisagreementSerializer(many=True))
    def get_disagreements(self, conflict: ImportConflict) -> Any:
        """What is still in dispute, item by item."""
        ours = content_of(conflict.block, conflict.block.placements.all())
        return DisagreementSerializer(in_dispute(conflict, ours), many=True).data


class FieldConflictDecisionSerializer(Strict):
    """Whose value stands, and why."""

    take = serializers.ChoiceField(choices=[("portal", "Keep the portal's"), ("source", "Take the source's")])
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)


class ImportConflictDecisionSerializer(Strict):
    """Whose text stands: of all that is in dispute (``take``), or by the id of each (``items``)."""

    take = serializers.ChoiceField(
        required=False, choices=[("portal", "Keep the portal's"), ("source", "Take the source's")]
    )
    items = serializers.DictField(required=False, child=serializers.ChoiceField(choices=[one.value for one in Take]))
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One of the two ways."""
        if ("take" in attrs) == bool(attrs.get("items")):
            raise serializers.ValidationError("Give “take” for all of it, or “items”.")
        return attrs


class FieldConflictSerializer(serializers.ModelSerializer[FieldConflict]):
    """A field that both the portal and the last import changed, with the ``entry`` that it is about."""

    key = serializers.SerializerMethodField()
    name = serializers.SerializerMethodField()
    sentence = serializers.SerializerMethodField()
    url = serializers.SerializerMethodField()
    portal_value = serializers.JSONField(read_only=True)
    source_value = serializers.JSONField(source="file_value", read_only=True)
    decided_by = serializers.CharField(source="decided_by.username", default=None, allow_null=True, read_only=True)

    class Meta:
        model = FieldConflict
        fields = ("id", "kind", "entry", "key", "name", "field", "sentence", "url", "portal_value", "source_value",
                  "run", "state", "created_at", "decided_by", "decided_at", "reason")  # fmt: skip
        read_only_fields = fields

    def about(self, conflict: FieldConflict) -> Disagreement | None:
        """The conflict with its entry, read for all of a list at once."""
        found: Disagreement | None = self.context.get("about", {}).get(conflict.pk)
        return found

    def get_key(self, conflict: FieldConflict) -> str:
        """The key of the entry, where it has one."""
        found = self.about(conflict)
        return str(getattr(found.entry, "key", "")) if found else ""

    def get_name(self, conflict: FieldConflict) -> str:
        """What people call the entry; empty where it is no more."""
        found = self.about(conflict)
        return found.name if found else ""

    def get_sentence(self, conflict: FieldConflict) -> str:
        """What is in dispute, in words."""
        found = self.about(conflict)
        return found.sentence if found else ""

    def get_url(self, conflict: FieldConflict) -> str:
        """Where the portal shows the entry."""
        found = self.about(conflict)
        return found.address if found else ""
