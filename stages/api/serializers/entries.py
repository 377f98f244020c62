"""Sections, stages, groups and categories as JSON, and who is responsible for them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from stages.api.serializers.strict import Strict
from stages.facts import Entry, kind_of, names_of
from stages.models import Category, Contact, Group, Section, Stage

ELSEWHERE = {
    "key": "Change it with rename/.",
    "name": "Change it with rename/.",
    "section": "Change it with move/.",
    "stage": "Change it with move/.",
    "groups": "Change it with move/.",
}
"""Where to change what a PATCH of an entry does not."""


COMMON = ("key", "name", "in_structure", "retired_on", "version", "url", "edited")


class OriginSerializer(serializers.ModelSerializer[Any]):
    """What all entries of the structure tell of themselves. ``edited`` are the facts that the portal changed."""

    url = serializers.CharField(source="get_absolute_url", read_only=True)
    edited = serializers.SerializerMethodField()

    def get_edited(self, entry: Any) -> list[str]:
        """The facts that differ from what the structure files say; they can be given back."""
        return [name for name in names_of(type(entry)) if name in entry.imported and entry.origin(name) == "edited"]


class SectionSerializer(OriginSerializer):
    """A section."""

    class Meta:
        model = Section
        fields = (*COMMON, *names_of(Section))


class StageSerializer(OriginSerializer):
    """A stage without its blocks."""

    section = serializers.CharField(source="section.key", default=None, allow_null=True, read_only=True)
    completeness = serializers.SerializerMethodField()

    class Meta:
        model = Stage
        fields = (*COMMON, "section", *names_of(Stage), "completeness")

    def get_completeness(self, stage: Stage) -> int | None:
        """From 0 to 100."""
        found = self.context.get("scores", {}).get(stage.pk)
        return found.percent if found else None


class GroupSerializer(OriginSerializer):
    """A group with the keys of its categories."""

    stage = serializers.CharField(source="stage.key", read_only=True)
    categories = serializers.SlugRelatedField[Category](slug_field="key", many=True, read_only=True)

    class Meta:
        model = Group
        fields = (*COMMON, "stage", *names_of(Group), "categories")


class CategorySerializer(OriginSerializer):
    """A category with the keys of its groups."""

    stage = serializers.CharField(source="stage.key", default=None, allow_null=True, read_only=True)
    groups = serializers.SlugRelatedField[Group](slug_field="key", many=True, read_only=True)

    class Meta:
        model = Category
        fields = (*COMMON, "stage", "groups", *names_of(Category), "maturity_reason")


class PersonSerializer(Strict):
    """Somebody's part: the role as the structure files name it (``pm``, ``ux`` …), and the name."""

    role = serializers.CharField(max_length=100)
    name = serializers.CharField(max_length=200)

    def validate_role(self, role: str) -> str:
        """A role without a colon: behind one the form of the people has the name."""
        if ":" in role:
            raise serializers.ValidationError("A role holds no colon.")
        return role


class PeopleSerializer(Strict):
    """All who are responsible, in order."""

    people = PersonSerializer(many=True)
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)


def write_serializer(model: type[Entry], *, bulk: bool) -> type[serializers.ModelSerializer[Any]]:
    """What makes or changes an entry: key, name, what it belongs to, and facts.

    In bulk all but the key may be left out; ``version``, where given, must be the present one.
    """
    declared: dict[str, Any] = {
        "key": serializers.CharField(max_length=100),
        "name": serializers.CharField(max_length=200, required=not bulk),
        "on": serializers.DateField(required=False),
        "version": serializers.IntegerField(required=False, allow_null=True, default=None),
    }
    if model is Stage:
        declared["section"] = serializers.CharField(required=False, allow_null=True, max_length=100)
    elif model is Group:
        declared["stage"] = serializers.CharField(required=not bulk, max_length=100)
    elif model is Category:
        declared["groups"] = serializers.ListField(child=serializers.CharField(max_length=100), required=not bulk)
    doc = f"A {model.__name__.lower()} to be {'made or changed' if bulk else 'made'}."
    return entry_serializer(model, f"{model.__name__}{'Row' if bulk else 'New'}Serializer", doc, declared)


def change_serializer(model: type[Entry]) -> type[serializers.ModelSerializer[Any]]:
    """What changes facts of an entry, and why."""
    name, doc = f"{model.__name__}ChangeSerializer", f"Facts of a {model.__name__.lower()}; what is left out stays."
    return entry_serializer(model, name, doc, {"elsewhere": ELSEWHERE})


def entry_serializer(
    model: type[Entry], name: str, doc: str, declared: dict[str, Any]
) -> type[serializers.ModelSerializer[Any]]:
    """A serializer of the facts of a kind with other fields beside them."""
    declared["reason"] = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)
    if model is Stage:
        declared["related_keys"] = serializers.ListField(child=serializers.CharField(max_length=100), required=False)
    named = [field for field, value in declared.items() if isinstance(value, serializers.Field)]
    meta = type("Meta", (), {"model": model, "fields": tuple(dict.fromkeys((*named, *names_of(model)))),
                             "extra_kwargs": {fact: {"required": False} for fact in names_of(model)}})  # fmt: skip
    return type(name, (Strict, serializers.ModelSerializer), {**declared, "Meta": meta, "__doc__": doc})


ENTRIES: tuple[type[Entry], ...] = (Section, Stage, Group, Category)


WRITE = {model: write_serializer(model, bulk=False) for model in ENTRIES}


ROWS = {model: write_serializer(model, bulk=True) for model in ENTRIES}


CHANGES = {model: change_serializer(model) for model in ENTRIES}


class ContactSerializer(serializers.ModelSerializer[Contact]):
    """A person of the structure files, and what they are responsible for."""

    responsible_for = serializers.SerializerMethodField()

    class Meta:
        model = Contact
        fields = ("id", "name", "removed_on", "responsible_for")

    def get_responsible_for(self, contact: Contact) -> list[str]:
        """Role and entry, as ``pm of stage:create``."""
        return [
            f"{one.role} of {kind_of(entry)}:{entry.key}"
            for one in contact.responsibilities.all()
            if (entry := one.section or one.stage or one.group) is not None
        ]
