"""The catalog as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from stages.content import BlockContent, Item, differences, from_json
from stages.disputes import Disagreement
from stages.editing import content_of, find_block
from stages.facts import PARENT_OF, PART_OF, Entry, kind_of, names_of
from stages.models import (
    BlockKind,
    Category,
    Contact,
    FieldConflict,
    Group,
    ImportConflict,
    ImportRun,
    LinkCheck,
    LinkRun,
    PageText,
    PlannedChange,
    Resource,
    Section,
    Stage,
    StartingPoint,
    Suggestion,
)
from stages.models.content import REVIEW_LIMITS
from stages.structure.yamlfile import LARGEST

ELSEWHERE = {
    "key": "Change it with rename/.",
    "name": "Change it with rename/.",
    "section": "Change it with move/.",
    "stage": "Change it with move/.",
    "groups": "Change it with move/.",
}
"""Where to change what a PATCH of an entry does not."""


class Strict(serializers.Serializer[Any]):
    """Refuses a field that there is not, which would be dropped unseen. Those that are only read may be sent."""

    elsewhere: ClassVar[Mapping[str, str]] = {}

    def to_internal_value(self, data: Any) -> Any:
        """The values, once all are known."""
        if isinstance(data, Mapping):
            unknown = [str(name) for name in data if name not in self.fields]
            if unknown:
                raise serializers.ValidationError(
                    {name: [self.elsewhere.get(name, "There is no such field.")] for name in unknown}
                )
        return super().to_internal_value(data)


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


class RestoreSerializer(Strict):
    """Which version to bring back, and why."""

    version = serializers.IntegerField(min_value=0, max_value=2**31 - 1)
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)


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


class PersonSerializer(Strict):
    """Somebody's part: the role as the structure files name it (``pm``, ``ux`` …), and the name."""

    role = serializers.CharField(max_length=100)
    name = serializers.CharField(max_length=200)


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


class LinkStateSerializer(serializers.ModelSerializer[LinkCheck]):
    """What came of looking at a link last."""

    class Meta:
        model = LinkCheck
        fields = ("state", "status", "sentence", "moved_to", "checked_at", "failing_since")
        read_only_fields = fields


class ResourceSerializer(Strict, serializers.ModelSerializer[Resource]):
    """A shared resource and the stages that use it. Query and kind are changed in the blocks."""

    text = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    stages = serializers.SerializerMethodField()
    link_check = LinkStateSerializer(read_only=True, default=None, allow_null=True)
    reviewed = serializers.BooleanField(write_only=True, required=False, help_text="true: it is right as it stands.")
    reason = serializers.CharField(write_only=True, required=False, allow_blank=True, max_length=1000)

    class Meta:
        model = Resource
        fields: tuple[str, ...] = (
            "id", "kind", "label", "url", "text", "dialect", "doc_label", "access", "official", "owner_name",
            "reviewed_on", "review_every_days", "source_updated_on", "version", "stages", "link_check", "reviewed",
            "reason",
        )  # fmt: skip
        read_only_fields: tuple[str, ...] = ("version",)
        extra_kwargs: ClassVar[dict[str, Any]] = {"kind": {"required": False}}

    def get_stages(self, resource: Resource) -> list[str]:
        """The keys of the stages that use it."""
        return sorted({placement.block.stage.key for placement in resource.placements.all()})


class NewResourceSerializer(ResourceSerializer):
    """A resource to be made; of the kind of block that it belongs in."""

    class Meta(ResourceSerializer.Meta):
        extra_kwargs: ClassVar[dict[str, Any]] = {"kind": {"required": True}}


class ResourceRowSerializer(ResourceSerializer):
    """A resource to be changed by its ``id``, or made, of many. ``version``, where given, must be the present one."""

    id = serializers.IntegerField(required=False, allow_null=True)
    version = serializers.IntegerField(required=False, allow_null=True)

    class Meta(ResourceSerializer.Meta):
        read_only_fields = ()


class PlacingSerializer(Strict):
    """A resource to be placed in a block of its kind; ``label`` is what the stage calls it where it differs."""

    resource = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    label = serializers.CharField(required=False, allow_blank=True, default="")  # type: ignore[assignment]
    description = serializers.CharField(required=False, allow_blank=True, default="")
    position = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=0, max_value=10_000,
        help_text="Before which item, from 0; at the end where none is given.",
    )  # fmt: skip
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)


class LinkCheckSerializer(serializers.ModelSerializer[LinkCheck]):
    """The link of a resource as it was last found. ``wanted``: somebody asked to look again."""

    label = serializers.CharField(source="resource.label", read_only=True)  # type: ignore[assignment]
    url = serializers.CharField(source="checked_url", read_only=True)
    stages = serializers.SerializerMethodField()

    class Meta:
        model = LinkCheck
        fields = ("resource", "label", "url", "stages", "state", "status", "sentence", "moved_to", "checked_at",
                  "failing_since", "checks", "failures", "wanted")  # fmt: skip
        read_only_fields = fields

    def get_stages(self, check: LinkCheck) -> list[str]:
        """The keys of the stages that use it."""
        return sorted({placement.block.stage.key for placement in check.resource.placements.all()})


class LinkRunSerializer(serializers.ModelSerializer[LinkRun]):
    """A run of the link check; ``offline``: this network had no way out. ``left``: what waits for a later run, and why."""

    states = serializers.DictField(child=serializers.IntegerField(), read_only=True)
    left = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = LinkRun
        fields = ("id", "at", "checked", "states", "offline", "offline_since", "left")
        read_only_fields = fields


class LookAgainSerializer(Strict):
    """Which links to look at, by the ids of their resources; where none are named, all that do not work."""

    resources = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), required=False, max_length=1000
    )


class AskedSerializer(serializers.Serializer[Any]):
    """How many links wait to be looked at now."""

    asked = serializers.IntegerField()
    due = serializers.IntegerField()


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


class RestoreEntrySerializer(Strict):
    """Which entry of the history to bring back."""

    event = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class StepSerializer(Strict):
    """Which way to move."""

    to = serializers.ChoiceField(choices=[("up", "Before the one above"), ("down", "After the one below")])


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


class BlockContentSerializer(Strict):
    """What a block says."""

    heading = serializers.CharField(required=False, allow_blank=True, default="")
    note = serializers.CharField(required=False, allow_blank=True, default="")
    body = serializers.CharField(required=False, allow_blank=True, default="", trim_whitespace=False)
    not_applicable = serializers.CharField(required=False, allow_blank=True, default="")
    items = ItemSerializer(many=True, required=False, default=list)


class NewSuggestionSerializer(Strict):
    """A suggestion to be made. ``base_version`` is the version of the block that it was made from."""

    stage = serializers.CharField(max_length=100)
    kind = serializers.ChoiceField(choices=BlockKind.choices)
    heading = serializers.CharField(required=False, allow_blank=True, default="", max_length=300)
    base_version = serializers.IntegerField(required=False, default=0, min_value=0, max_value=2**31 - 1)
    content = BlockContentSerializer()
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)


class SuggestionDecisionSerializer(Strict):
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


class ImportConflictDecisionSerializer(Strict):
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
                  "run", "state", "created_at", "decided_by", "decided_at")  # fmt: skip
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


class FollowSerializer(serializers.Serializer[Any]):
    """Whether you follow the stage."""

    follows = serializers.BooleanField()


class DraftSerializer(Strict):
    """What you typed and have not saved; ``base_version`` is the version of the block that it was made from."""

    base_version = serializers.IntegerField(required=False, default=0, min_value=0, max_value=2**31 - 1)
    content = BlockContentSerializer()
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)
    paste = serializers.CharField(required=False, allow_blank=True, default="", trim_whitespace=False)
    saved_at = serializers.DateTimeField(read_only=True)


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
