"""The dictionary's filters: one declaration for the page, its CSV and the API."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

import django_filters
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from metrics.definitions.arriving import arriving_slots
from metrics.definitions.hygiene import TITLES
from metrics.models.dictionary import EventDefinition, IndicatorMapping, MetricDefinition, Status, TimeFrame, ValueType

if TYPE_CHECKING:
    Definitions = QuerySet[MetricDefinition]

SORTS = {
    "key_path": ("key_path",),
    "group": (F("group__name").asc(nulls_last=True), "key_path"),
    "status": ("status", "key_path"),
    "time_frame": ("time_frame", "key_path"),
    "data_source": ("data_source", "key_path"),
    "milestone": ("milestone", "key_path"),
    "changed": ("changed_at", "key_path"),
}
"""What the list can be sorted by; a leading minus turns the order around."""


class Words(django_filters.BaseInFilter, django_filters.CharFilter):  # type: ignore[misc]  # django-filter has no types
    """One or more words, joined by commas or given several times; a row fits when it has one of them."""


def _any_of(field: str) -> Words:
    return Words(field_name=field, lookup_expr="in", distinct=False)


class DictionaryFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    """All filters of the dictionary. Several values of one filter are alternatives; several filters all hold."""

    q = django_filters.CharFilter(method="with_words", label="Words in key path, name or description")
    section = _any_of("group__stage__section__key")
    stage = _any_of("group__stage__key")
    group = _any_of("group__key")
    status = _any_of("status")
    time_frame = _any_of("time_frame")
    value_type = _any_of("value_type")
    data_category = _any_of("data_category")
    data_source = _any_of("data_source")
    category = Words(method="in_lists", label="Product categories")
    indicator = Words(method="in_lists", label="Indicator types")
    tier = Words(method="in_lists", label="Tiers")
    event = Words(method="counting", label="Names of events that are counted")
    figure = Words(method="with_figure", label="with, without or none (no number)")
    hygiene = Words(method="with_finding", label="Codes of hygiene findings, or any")

    class Meta:
        model = MetricDefinition
        fields: tuple[str, ...] = ()

    def with_words(self, queryset: Definitions, name: str, value: str) -> Definitions:
        """Each word must stand somewhere in key path, name or description."""
        for word in value.split():
            queryset = queryset.filter(
                Q(key_path__icontains=word) | Q(name__icontains=word) | Q(description__icontains=word)
            )
        return queryset

    def in_lists(self, queryset: Definitions, name: str, value: list[str]) -> Definitions:
        """A list field holds one of the values."""
        field = {
            "category": "product_categories",
            "indicator": "performance_indicator_type",
            "tier": "tiers",
        }[name]
        return queryset.filter(**{f"{field}__overlap": value})

    def counting(self, queryset: Definitions, name: str, value: list[str]) -> Definitions:
        """Metrics that count one of the events."""
        return queryset.filter(_one_of([Q(events__contains=[{"name": event}]) for event in value]))

    def with_figure(self, queryset: Definitions, name: str, value: list[str]) -> Definitions:
        """Whether a metric stands for a figure of a stage, a group or the product."""
        mapped = Exists(IndicatorMapping.objects.filter(metric=OuterRef("pk"), subject_key__isnull=False))
        number = Q(value_type=ValueType.NUMBER)
        meanings = {"with": Q(mapped), "without": number & ~Q(mapped), "none": ~number}
        return queryset.filter(_one_of([meanings[word] for word in value if word in meanings]))

    def with_finding(self, queryset: Definitions, name: str, value: list[str]) -> Definitions:
        """Metrics with one of the findings, or with any."""
        codes = list(TITLES) if "any" in value else [code for code in value if code in TITLES]
        return queryset.filter(_one_of([finding_condition(code) for code in codes]))


def _one_of(conditions: list[Q]) -> Q:
    return reduce(or_, conditions, Q(pk__in=[]))


def finding_condition(code: str) -> Q:
    """The rows that have a finding: stored with the definition, or seen by looking at the rest."""
    if code == "no_group":
        return Q(group=None)
    if code == "override":
        return ~Q(overrides={})
    if code == "unmapped_indicator":
        return Q(mappings__subject_key=None, mappings__isnull=False)
    if code in ("removed_but_arriving", "never_seen"):
        arriving = arriving_slots()
        if arriving is None:
            return Q(pk__in=[])
        gone = Q(status=Status.REMOVED, slot__in=arriving)
        silent = Q(status=Status.ACTIVE, slot__isnull=False) & ~Q(slot__in=arriving)
        return gone if code == "removed_but_arriving" else silent
    if code == "unknown_event":
        known = list(EventDefinition.objects.values_list("action", flat=True))
        if not known:
            # Without any event definition, all events would be unknown, which says nothing about the metrics.
            return Q(pk__in=[])
        strangers = [
            pk
            for pk, events in MetricDefinition.objects.exclude(events=[]).values_list("pk", "events")
            if any(event.get("name") not in set(known) for event in events)
        ]
        return Q(pk__in=strangers)
    if code == "conflict":
        return Q(pk__in=_in_conflict())
    return Q(findings__contains=[{"code": code}])


def _in_conflict() -> set[int]:
    from metrics.definitions.queries import conflicts

    return {row.metric_id for conflict in conflicts() for row in conflict.rows}


def ordered(queryset: Definitions, sort: str) -> Definitions:
    """The rows in the order asked for; an unknown order is the order of key paths."""
    turned = sort.startswith("-")
    keys: tuple[Any, ...] = SORTS.get(sort.removeprefix("-"), SORTS["key_path"])
    queryset = queryset.order_by(*keys)
    return queryset.reverse() if turned else queryset


CHOICES: dict[str, list[tuple[str, str]]] = {
    "status": [(value, str(label)) for value, label in Status.choices],
    "time_frame": [(value, str(label)) for value, label in TimeFrame.choices],
    "figure": [("with", "stands for a figure"), ("without", "a number without a figure"), ("none", "no number")],
}
"""Words for filter values that are codes."""
