"""Reads of the dictionary: facets, conflicts, what a definition's page shows. Frozen values."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from typing import Any

from django.db.models import Q, QuerySet

from metrics.definitions.filters import CHOICES, DictionaryFilter, finding_condition, ordered
from metrics.definitions.hygiene import TITLES, Finding, stored
from metrics.definitions.months import overlap
from metrics.models.dictionary import EventDefinition, IndicatorMapping, MetricDefinition, ProposedChange, ValueType


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """Two or more metrics that stand for one subject in the same months."""

    kind: str
    subject_kind: str
    subject_key: str
    from_month: date | None
    to_month: date | None
    rows: tuple[IndicatorMapping, ...]

    @property
    def subject(self) -> str:
        """The subject in words."""
        return "the product" if self.subject_kind == "product" else f"{self.subject_kind} {self.subject_key}"


def mappings() -> QuerySet[IndicatorMapping]:
    """All rows of the mapping with what is needed to show them."""
    return IndicatorMapping.objects.select_related("metric__group", "made_by")


def in_force(month: date) -> QuerySet[IndicatorMapping]:
    """The rows that hold in a month; unresolved groups are left out."""
    return mappings().filter(
        Q(from_month=None) | Q(from_month__lte=month),
        Q(to_month=None) | Q(to_month__gte=month),
        subject_key__isnull=False,
    )


def conflicts() -> list[Conflict]:
    """Every span of months in which one subject has two metrics or more."""
    by_subject: dict[tuple[str, str, str], list[IndicatorMapping]] = defaultdict(list)
    for row in mappings().filter(subject_key__isnull=False):
        by_subject[row.kind, row.subject_kind, row.subject_key or ""].append(row)
    found = []
    for (kind, subject_kind, subject_key), rows in by_subject.items():
        spans: dict[tuple[date | None, date | None], set[int]] = defaultdict(set)
        for one, other in combinations(rows, 2):
            if one.metric_id != other.metric_id:
                shared = overlap((one.from_month, one.to_month), (other.from_month, other.to_month))
                if shared is not None:
                    spans[shared] |= {one.pk, other.pk}
        for (start, end), ids in spans.items():
            found.append(
                Conflict(
                    kind=kind,
                    subject_kind=subject_kind,
                    subject_key=subject_key,
                    from_month=start,
                    to_month=end,
                    rows=tuple(row for row in rows if row.pk in ids),
                )
            )
    return found


@dataclass(frozen=True, kw_only=True)
class Facet:
    """One filter with the values that occur, each with its count among all definitions."""

    name: str
    label: str
    options: tuple[tuple[str, str, int], ...]
    chosen: tuple[str, ...]

    @property
    def free(self) -> tuple[tuple[str, str, int], ...]:
        """The values that are not chosen yet."""
        return tuple(option for option in self.options if option[0] not in self.chosen)


FACETS = {
    "stage": "Stage",
    "group": "Group",
    "status": "Status",
    "time_frame": "Time frame",
    "indicator": "Indicator type",
    "figure": "Figure",
    "data_category": "Data category",
    "category": "Product category",
    "data_source": "Data source",
    "tier": "Tier",
    "hygiene": "Hygiene",
}


def chosen_values(parameters: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    """The values chosen for each facet, whether joined by commas or given several times."""
    return {
        name: tuple(
            dict.fromkeys(part for text in parameters.get(name, []) for part in text.split(",") if part.strip())
        )
        for name in (*FACETS, "section", "value_type", "event")
    }


def found_definitions(parameters: Mapping[str, list[str]], *, sort: str = "key_path") -> QuerySet[MetricDefinition]:
    """The definitions that fit the filters, in order: the same rows for the page, the CSV and the API."""
    data = {name: ",".join(values) for name, values in chosen_values(parameters).items() if values}
    data["q"] = " ".join(parameters.get("q", [])).strip()
    queryset = MetricDefinition.objects.select_related("group__stage")
    return ordered(DictionaryFilter(data, queryset=queryset).qs.distinct(), sort)


def facets(parameters: Mapping[str, list[str]]) -> list[Facet]:
    """The filters with all values that occur; one narrow query for most of them."""
    chosen = chosen_values(parameters)
    counts: dict[str, Counter[tuple[str, str]]] = {name: Counter() for name in FACETS}
    mapped = set(
        IndicatorMapping.objects.filter(subject_key__isnull=False).values_list("metric_id", flat=True).distinct()
    )
    rows = MetricDefinition.objects.values_list(
        "pk",
        "group__stage__key",
        "group__stage__name",
        "group__key",
        "group__name",
        "status",
        "time_frame",
        "value_type",
        "data_category",
        "data_source",
        "performance_indicator_type",
        "product_categories",
        "tiers",
        "findings",
    )
    for row in rows.iterator():
        pk, stage, stage_name, group, group_name, status, frame, value_type, category, source = row[:10]
        if stage:
            counts["stage"][stage, stage_name] += 1
        if group:
            counts["group"][group, group_name] += 1
        else:
            counts["hygiene"]["no_group", TITLES["no_group"]] += 1
        figure = "none" if value_type != ValueType.NUMBER else "with" if pk in mapped else "without"
        for name, value in (
            ("status", status),
            ("time_frame", frame),
            ("figure", figure),
            ("data_category", category),
            ("data_source", source),
        ):
            if value:
                counts[name][value, dict(CHOICES.get(name, [])).get(value, value)] += 1
        for name, values in (("indicator", row[10]), ("category", row[11]), ("tier", row[12])):
            counts[name].update((value, value) for value in values)
        counts["hygiene"].update({(code, TITLES.get(code, code)) for code in {one["code"] for one in row[13]}})
    return [
        Facet(
            name=name,
            label=label,
            options=tuple(
                (value, title, count)
                for (value, title), count in sorted(counts[name].items(), key=lambda item: item[0][1].lower())
            ),
            chosen=chosen[name],
        )
        for name, label in FACETS.items()
    ]


@dataclass(frozen=True, kw_only=True)
class HygieneCount:
    """A kind of finding, how many definitions have it, and a few of them."""

    code: str
    title: str
    count: int


def hygiene_counts() -> list[HygieneCount]:
    """All kinds of findings that occur, the most frequent first."""
    made = []
    for code, title in TITLES.items():
        count = MetricDefinition.objects.filter(finding_condition(code)).distinct().count()
        if count:
            made.append(HygieneCount(code=code, title=title, count=count))
    return sorted(made, key=lambda one: (-one.count, one.title))


@dataclass(frozen=True, kw_only=True)
class CountedEvent:
    """An event that a metric counts: how, and what the dictionary knows of it."""

    name: str
    unique: str
    filter: Mapping[str, Any]
    operator: str
    definition: EventDefinition | None

    @property
    def how(self) -> str:
        """In words how occurrences become a number."""
        if self.operator:
            return f"{self.operator.removesuffix(')').replace('(', ' of ')}"
        return f"distinct {self.unique}" if self.unique else "each occurrence"


def counted_events(definition: MetricDefinition) -> list[CountedEvent]:
    """The events that a metric counts."""
    names = [event["name"] for event in definition.events]
    known = EventDefinition.objects.in_bulk(names, field_name="action")
    return [
        CountedEvent(
            name=event["name"],
            unique=str(event.get("unique", "")),
            filter=event.get("filter") or {},
            operator=str(event.get("operator", "")),
            definition=known.get(event["name"]),
        )
        for event in definition.events
    ]


def findings_of_definition(definition: MetricDefinition, events: list[CountedEvent]) -> list[Finding]:
    """The findings stored with a definition and those that the rest of the dictionary adds."""
    found = stored(definition.findings)
    if definition.group is None:
        written = definition.product_group or "none at all"
        found.append(Finding(code="no_group", key="product_group", sentence=f"The catalog knows no group {written!r}."))
    for key, value in definition.overrides.items():
        in_file = definition.raw.get(key)
        found.append(
            Finding(code="override", key=key, sentence=f"Approved here as {value!r}; its file says {in_file!r}.")
        )
    strangers = [event.name for event in events if event.definition is None]
    if strangers and EventDefinition.objects.exists():
        found.append(Finding(code="unknown_event", key="events", sentence=f"No definition of: {', '.join(strangers)}."))
    return found


def open_proposals() -> QuerySet[ProposedChange]:
    """What waits for a reviewer, oldest first."""
    return (
        ProposedChange.objects.filter(state=ProposedChange.State.OPEN)
        .select_related("definition__group__stage__section", "proposed_by")
        .order_by("proposed_at")
    )
