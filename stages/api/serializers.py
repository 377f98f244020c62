"""The catalog as JSON."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from rest_framework import serializers

from stages.content import BlockContent, Item
from stages.facts import Entry, kind_of, names_of
from stages.links import refusal
from stages.models import (
    BlockKind,
    Category,
    Contact,
    Group,
    ImportConflict,
    Resource,
    Section,
    Stage,
    StartingPoint,
    Suggestion,
)
from stages.models.content import REVIEW_LIMITS
from stages.resources import cleaned_link

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


class DatedSerializer(serializers.Serializer[Any]):
    """From which day a change holds, and why it is made."""

    on = serializers.DateField(required=False, help_text="Today where none is given; not ahead.")
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


class GiveBackSerializer(serializers.Serializer[Any]):
    """The facts that shall be what the structure files say."""

    facts = serializers.ListField(child=serializers.CharField(max_length=100), max_length=100)


class RestoreSerializer(serializers.Serializer[Any]):
    """Which version to bring back, and why."""

    version = serializers.IntegerField(min_value=0, max_value=2**31 - 1)
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)


class PersonSerializer(serializers.Serializer[Any]):
    """Somebody's part: the role as the structure files name it (``pm``, ``ux`` …), and the name."""

    role = serializers.CharField(max_length=100)
    name = serializers.CharField(max_length=200)


class PeopleSerializer(serializers.Serializer[Any]):
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
        "reason": serializers.CharField(required=False, allow_blank=True, default="", max_length=1000),
        "version": serializers.IntegerField(required=False, allow_null=True, default=None),
    }
    if model is Stage:
        declared["section"] = serializers.CharField(required=False, allow_null=True, max_length=100)
        declared["related_keys"] = serializers.ListField(child=serializers.CharField(max_length=100), required=False)
    elif model is Group:
        declared["stage"] = serializers.CharField(required=not bulk, max_length=100)
    elif model is Category:
        declared["groups"] = serializers.ListField(child=serializers.CharField(max_length=100), required=not bulk)
    fields = tuple(dict.fromkeys((*declared, *names_of(model))))
    meta = type("Meta", (), {"model": model, "fields": fields, "extra_kwargs": {
        name: {"required": False} for name in names_of(model)
    }})  # fmt: skip
    name = f"{model.__name__}{'Row' if bulk else 'New'}Serializer"
    doc = f"A {model.__name__.lower()} to be {'made or changed' if bulk else 'made'}."
    return type(name, (serializers.ModelSerializer,), {**declared, "Meta": meta, "__doc__": doc})


WRITE = {model: write_serializer(model, bulk=False) for model in (Section, Stage, Group, Category)}
ROWS = {model: write_serializer(model, bulk=True) for model in (Section, Stage, Group, Category)}


class ResourceSerializer(serializers.ModelSerializer[Resource]):
    """A shared resource and the stages that use it."""

    stages = serializers.SerializerMethodField()

    class Meta:
        model = Resource
        fields = (
            "id", "kind", "label", "url", "text", "dialect", "doc_label", "access", "official", "owner_name",
            "reviewed_on", "review_every_days", "source_updated_on", "version", "stages",
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


class ResourceRowSerializer(ResourceSerializer):
    """A resource to be changed, of many. ``version``, where given, must be the present one."""

    id = serializers.IntegerField()
    version = serializers.IntegerField(required=False, allow_null=True, default=None)

    class Meta(ResourceSerializer.Meta):
        read_only_fields = ("kind", "text", "dialect", "doc_label")  # type: ignore[assignment]


class StartingPointSerializer(serializers.ModelSerializer[StartingPoint]):
    """A helpful place to start."""

    class Meta:
        model = StartingPoint
        fields = ("id", "order", "label", "url", "text", "missing_from_source", "version")
        read_only_fields = ("missing_from_source", "version")

    def validate_url(self, url: str) -> str:
        """No address that must not be followed."""
        if why := refusal(url):
            raise serializers.ValidationError(why)
        return url


class StartingPointRowSerializer(StartingPointSerializer):
    """A starting point to be made, or changed where its ``id`` is given."""

    id = serializers.IntegerField(required=False, allow_null=True, default=None)
    version = serializers.IntegerField(required=False, allow_null=True, default=None)

    class Meta(StartingPointSerializer.Meta):
        read_only_fields = ("missing_from_source",)  # type: ignore[assignment]


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


class KeepingSerializer(serializers.Serializer[Any]):
    """Who keeps a block, whether it was looked at today, and how many days a review holds; what is left out stays."""

    owner = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=150,
                                  help_text="A username; null for nobody.")  # fmt: skip
    reviewed = serializers.BooleanField(required=False, default=False)
    review_every_days = serializers.IntegerField(required=False, validators=REVIEW_LIMITS)


class SuggestionSerializer(serializers.ModelSerializer[Suggestion]):
    """A suggestion with what it would change on the page as it stands."""

    stage = serializers.CharField(source="stage.key", read_only=True)
    author = serializers.CharField(source="author.username", default=None, allow_null=True, read_only=True)
    decided_by = serializers.CharField(source="decided_by.username", default=None, allow_null=True, read_only=True)
    content = serializers.JSONField(read_only=True)

    class Meta:
        model = Suggestion
        fields = ("id", "stage", "kind", "heading", "base_version", "content", "reason", "author", "created_at",
                  "state", "decided_by", "decided_at", "answer")  # fmt: skip
        read_only_fields = fields


class BlockContentSerializer(serializers.Serializer[Any]):
    """What a block says."""

    heading = serializers.CharField(required=False, allow_blank=True, default="")
    note = serializers.CharField(required=False, allow_blank=True, default="")
    body = serializers.CharField(required=False, allow_blank=True, default="", trim_whitespace=False)
    not_applicable = serializers.CharField(required=False, allow_blank=True, default="")
    items = ItemSerializer(many=True, required=False, default=list)


class NewSuggestionSerializer(serializers.Serializer[Any]):
    """A suggestion to be made. ``base_version`` is the version of the block that it was made from."""

    stage = serializers.CharField(max_length=100)
    kind = serializers.ChoiceField(choices=BlockKind.choices)
    heading = serializers.CharField(required=False, allow_blank=True, default="", max_length=300)
    base_version = serializers.IntegerField(required=False, default=0, min_value=0, max_value=2**31 - 1)
    content = BlockContentSerializer()
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)


class SuggestionDecisionSerializer(serializers.Serializer[Any]):
    """An answer to a suggestion; to accept it with changes, ``content`` is what shall be saved instead."""

    answer = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)
    content = BlockContentSerializer(required=False)


class ImportConflictSerializer(serializers.ModelSerializer[ImportConflict]):
    """A block that both the portal and the last import changed."""

    stage = serializers.CharField(source="block.stage.key", read_only=True)
    kind = serializers.CharField(source="block.kind", read_only=True)
    heading = serializers.CharField(source="block.heading", read_only=True)

    class Meta:
        model = ImportConflict
        fields = ("id", "stage", "kind", "heading", "fields", "source_content", "state", "created_at", "decided_at")
        read_only_fields = fields


class ImportConflictDecisionSerializer(serializers.Serializer[Any]):
    """Whose text stands."""

    take = serializers.ChoiceField(choices=[("portal", "Keep the portal's"), ("source", "Take the source's")])


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


class ImportSerializer(serializers.Serializer[Any]):
    """A handbook page to be imported; without ``apply`` it is only told what would change."""

    text = serializers.CharField(trim_whitespace=False, max_length=20_000_000)
    source = serializers.CharField(required=False, default="API", max_length=1000)  # type: ignore[assignment]
    apply = serializers.BooleanField(required=False, default=False)


class DifferenceSerializer(serializers.Serializer[Any]):
    """One readable difference."""

    what = serializers.CharField()
    before = serializers.CharField(allow_blank=True)
    after = serializers.CharField(allow_blank=True)


class HappeningSerializer(serializers.Serializer[Any]):
    """One change. ``restore`` says what can be brought back: a version of a block, or the facts of one."""

    at = serializers.DateTimeField()
    title = serializers.CharField()
    who = serializers.CharField()
    how = serializers.CharField()
    why = serializers.CharField(allow_blank=True)
    differences = DifferenceSerializer(many=True)
    restore = serializers.JSONField(allow_null=True)


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


class RestorePageSerializer(serializers.Serializer[Any]):
    """Which changes of the structure to leave out, by their ``id``."""

    without = serializers.ListField(child=serializers.CharField(max_length=100), required=False, default=list)


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
