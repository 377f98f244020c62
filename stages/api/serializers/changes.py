"""Changes of the structure, at once or on a day ahead."""

from __future__ import annotations

from rest_framework import serializers

from stages.api.serializers.strict import Strict
from stages.facts import PARENT_OF, PART_OF
from stages.models import BlockKind, PlannedChange


class DatedSerializer(Strict):
    """From which day a change holds, and why it is made."""

    on = serializers.DateField(required=False, help_text="Today where none is given. A day ahead plans it.")
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)


class RenameSerializer(DatedSerializer):
    """Another name, and another key if one is given; the old key leads on."""

    name = serializers.CharField(max_length=200)
    key = serializers.CharField(required=False, allow_blank=True, default="", max_length=100)


class MoveSerializer(DatedSerializer):
    """To what it belongs: the key of one section or stage; of a category those of all groups that build it."""

    parents = serializers.ListField(child=serializers.CharField(max_length=100), allow_empty=True, max_length=100)


class SplitSerializer(DatedSerializer):
    """A new entry, the keys of the parts that go with it, and of a stage the kinds of blocks to copy."""

    name = serializers.CharField(max_length=200)
    key = serializers.CharField(max_length=100)
    taking = serializers.ListField(child=serializers.CharField(max_length=100), required=False, default=list)
    kinds = serializers.ListField(
        child=serializers.ChoiceField(choices=BlockKind.choices), required=False, default=list
    )


class MergeSerializer(DatedSerializer):
    """The key of the entry that takes everything over."""

    target = serializers.CharField(max_length=100)


class GiveBackSerializer(Strict):
    """The facts that shall be what the structure files say."""

    facts = serializers.ListField(child=serializers.CharField(max_length=100), max_length=100)


class PlannedChangeSerializer(serializers.ModelSerializer[PlannedChange]):
    """A change of the structure on a day ahead. What it is about stands as ``kind:key``, by the keys of now."""

    entry = serializers.SerializerMethodField()
    parents = serializers.SerializerMethodField()
    target = serializers.SerializerMethodField()
    taking = serializers.SerializerMethodField()
    actor = serializers.CharField(source="actor_name", read_only=True)

    class Meta:
        model = PlannedChange
        fields = (
            "id", "kind", "entry", "action", "on", "reason", "name", "key", "parents", "target", "taking", "kinds",
            "actor", "made_at", "state", "sentence", "settled_at",
        )  # fmt: skip

    def _named(self, kind: str, number: int | None) -> str | None:
        key = self.context.get("keys", {}).get((kind, number))
        return f"{kind}:{key}" if key else None

    def get_entry(self, change: PlannedChange) -> str | None:
        """What changes; ``null`` where it is no more."""
        return self._named(change.kind, change.entry)

    def get_parents(self, change: PlannedChange) -> list[str | None]:
        """Where it goes."""
        return [self._named(PARENT_OF[change.kind], number) for number in change.parents]

    def get_target(self, change: PlannedChange) -> str | None:
        """What it is merged into."""
        return self._named(change.kind, change.target)

    def get_taking(self, change: PlannedChange) -> list[str | None]:
        """What goes with the new one of a split."""
        return [self._named(PART_OF[change.kind], number) for number in change.taking]


class UndoSerializer(Strict):
    """Which change of the structure to take back, and why."""

    change = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=800)
