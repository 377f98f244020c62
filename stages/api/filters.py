"""Which rows a list of the catalog holds. What cannot be is answered with 400 that names the parameter."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import DateField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet
from django.utils import timezone

from stages.disputes import MODELS as DISPUTED
from stages.facts import MODELS as ENTRIES
from stages.models import (
    BlockKind,
    Category,
    Contact,
    FieldConflict,
    Group,
    ImportConflict,
    ImportRun,
    LinkCheck,
    PageText,
    Placement,
    PlannedChange,
    Resource,
    Section,
    Stage,
    Suggestion,
)


class EntryFilter(django_filters.FilterSet):  # type: ignore[misc]
    """What lists of sections, stages, groups and categories share."""

    q = django_filters.CharFilter(method="with_words", label="Part of the key or the name.")
    in_structure = django_filters.BooleanFilter(label="Whether the structure files name it.")
    retired = django_filters.BooleanFilter(method="with_retired", label="true: those that are retired as well.")

    def with_words(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """By key and name."""
        return rows.filter(Q(key__icontains=value) | Q(name__icontains=value))

    def with_retired(self, rows: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:
        """See ``filter_queryset``: that what is retired is left out needs no parameter."""
        return rows

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """What is not retired, unless asked for."""
        found: QuerySet[Any] = super().filter_queryset(queryset)
        return found if self.form.cleaned_data.get("retired") else found.filter(retired_on=None)


class SectionFilter(EntryFilter):
    """Sections."""

    class Meta:
        model = Section
        fields: tuple[str, ...] = ()


class StageFilter(EntryFilter):
    """Stages."""

    section = django_filters.CharFilter(field_name="section__key", label="The key of the section.")

    class Meta:
        model = Stage
        fields: tuple[str, ...] = ()


class GroupFilter(EntryFilter):
    """Groups."""

    stage = django_filters.CharFilter(field_name="stage__key", label="The key of the stage.")
    section = django_filters.CharFilter(field_name="stage__section__key", label="The key of the section.")

    class Meta:
        model = Group
        fields: tuple[str, ...] = ()


class CategoryFilter(EntryFilter):
    """Categories."""

    stage = django_filters.CharFilter(field_name="stage__key", label="The key of the stage as the files write it.")
    group = django_filters.CharFilter(method="of_group", label="The key of a group that builds it.")

    class Meta:
        model = Category
        fields = ("maturity",)

    def of_group(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """By a group; once each."""
        return rows.filter(pk__in=Category.objects.filter(groups__key=value).values("pk"))


class ResourceFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Resources."""

    q = django_filters.CharFilter(method="with_words", label="Part of the label, the address or the text.")
    kind = django_filters.ChoiceFilter(choices=BlockKind.choices)
    stage = django_filters.CharFilter(method="of_stage", label="The key of a stage that uses it.")
    group = django_filters.CharFilter(method="of_group", label="The key of a group that a stage names with it.")
    placed = django_filters.BooleanFilter(method="is_placed", label="Whether any stage uses it.")
    link = django_filters.ChoiceFilter(field_name="link_check__state", choices=LinkCheck.State.choices)
    review_due = django_filters.BooleanFilter(method="is_due", label="Whether its last review ran out.")

    class Meta:
        model = Resource
        fields = ("official", "access", "url", "owner_name")

    def with_words(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """By what it is called, where it is, what it says."""
        return rows.filter(Q(label__icontains=value) | Q(url__icontains=value) | Q(text__icontains=value))

    def of_stage(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """By a stage; once each."""
        return rows.filter(Exists(Placement.objects.filter(resource=OuterRef("pk"), block__stage__key=value)))

    def of_group(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """By a group; once each."""
        return rows.filter(Exists(Placement.objects.filter(resource=OuterRef("pk"), group__key=value)))

    def is_placed(self, rows: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:
        """By whether it is used."""
        placed = Exists(Placement.objects.filter(resource=OuterRef("pk")))
        return rows.filter(placed if value else ~placed)

    def is_due(self, rows: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:
        """By whether a review ran out; what was never reviewed has none that could."""
        until = ExpressionWrapper(F("reviewed_on") + F("review_every_days"), output_field=DateField())
        rows, today = rows.alias(until=until), timezone.now().date()
        return rows.filter(until__lt=today) if value else rows.filter(Q(reviewed_on=None) | Q(until__gte=today))


class SuggestionFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Suggestions."""

    stage = django_filters.CharFilter(field_name="stage__key", label="The key of the stage.")
    author = django_filters.CharFilter(field_name="author__username", label="The username of who suggests it.")

    class Meta:
        model = Suggestion
        fields = ("state", "kind")


class ImportConflictFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Blocks in dispute."""

    stage = django_filters.CharFilter(field_name="block__stage__key", label="The key of the stage.")

    class Meta:
        model = ImportConflict
        fields = ("state", "run")


class FieldConflictFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Fields in dispute."""

    kind = django_filters.ChoiceFilter(choices=[(kind, kind) for kind in DISPUTED])

    class Meta:
        model = FieldConflict
        fields = ("state", "run", "field")


class ImportRunFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Imports."""

    kind = django_filters.ChoiceFilter(choices=[(kind, kind) for kind in ("structure", "handbook", "taken back")])
    after = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    before = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="lt")

    class Meta:
        model = ImportRun
        fields = ("digest",)


class PageTextFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Texts of the handbook page."""

    section = django_filters.CharFilter(field_name="section__key", label="The key of the section.")

    class Meta:
        model = PageText
        fields = ("place", "missing_from_source")


class LinkFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Links that were looked at."""

    stage = django_filters.CharFilter(method="of_stage", label="The key of a stage that uses it.")
    trouble = django_filters.BooleanFilter(method="in_trouble", label="true: dead, unreachable or moved.")

    class Meta:
        model = LinkCheck
        fields = ("state", "wanted")

    def of_stage(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """By a stage; once each."""
        return rows.filter(Exists(Placement.objects.filter(resource=OuterRef("resource"), block__stage__key=value)))

    def in_trouble(self, rows: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:
        """By whether somebody should look."""
        trouble = Q(state__in=(LinkCheck.State.DEAD, LinkCheck.State.UNREACHABLE, LinkCheck.State.MOVED))
        return rows.filter(trouble) if value else rows.exclude(trouble)


class PersonFilter(django_filters.FilterSet):  # type: ignore[misc]
    """People of the structure files."""

    q = django_filters.CharFilter(field_name="name", lookup_expr="icontains", label="Part of the name.")
    role = django_filters.CharFilter(method="with_role", label="What somebody is, as pm.")

    class Meta:
        model = Contact
        fields: tuple[str, ...] = ()

    def with_role(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """By a part in anything; once each."""
        return rows.filter(pk__in=Contact.objects.filter(responsibilities__role=value).values("pk"))


class PlannedChangeFilter(django_filters.FilterSet):  # type: ignore[misc]
    """What is planned."""

    kind = django_filters.ChoiceFilter(choices=[(kind, kind) for kind in ENTRIES])
    entry = django_filters.CharFilter(method="of_entry", label="The key of what it is about; with its kind.")
    until = django_filters.DateFilter(field_name="on", lookup_expr="lte", label="The last day.")

    class Meta:
        model = PlannedChange
        fields = ("state", "action")

    def of_entry(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """By a key; without a kind of any kind that has it."""
        asked = Q(pk=None)
        for kind, model in ENTRIES.items():
            asked |= Q(kind=kind, entry__in=model._default_manager.filter(key=value).values("pk"))
        return rows.filter(asked)
