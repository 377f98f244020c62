"""The structure as the three files from which it is imported: what is written here imports without change.

Comments and the order of keys within an entry are not kept, nor is what an import left out as unreadable.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from stages.models import Category, Group, Responsibility, Section, Stage

FILES = ("sections", "stages", "categories")
COMMON = ("direction", "handbook", "description")
SCORES = ("usage_driver_score", "revenue_driver_score", "asp_driver_score", "sam_driver_score")
STAGE_FIELDS = (*COMMON, "body", "roadmap", "established", "lifecycle", "marketing", *SCORES)
GROUP_FIELDS = (*COMMON, "body", "roadmap", "focus", "label", "group_link", "pi_gmau", "pi_pgmau", *SCORES)
CATEGORY_FIELDS = (
    "direction", "description", "documentation", "marketing", "maturity", "available", "viable", "complete", "lovable",
    "priority_level", "dogfooding_status", "label",
)  # fmt: skip
People = Mapping[tuple[str, int], list[tuple[str, str]]]


def export_structure() -> dict[str, str]:
    """The texts of the three files by name; nine queries."""
    people = everyone()
    return {
        name: yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=110)
        for name, value in (
            ("sections", sections(people)),
            ("stages", {"stages": stages(people)}),
            ("categories", categories()),
        )
    }


def everyone() -> People:
    """Who does what for each section, stage and group, in order; who was removed on request is not among them."""
    found: dict[tuple[str, int], list[tuple[str, str]]] = defaultdict(list)
    for one in Responsibility.objects.select_related("contact").exclude(contact__name="").order_by("order", "pk"):
        for kind in ("section", "stage", "group"):
            if pk := getattr(one, f"{kind}_id"):
                found[kind, pk].append((one.role, one.contact.name))
    return found


def sections(people: People) -> dict[str, Any]:
    """The sections by key."""
    return {
        row.key: {
            "name": row.name,
            **filled(row, COMMON),
            **channel(row),
            **roles(people["section", row.pk]),
            **row.tags,
        }
        for row in Section.objects.filter(retired_on=None, in_structure=True)
    }


def stages(people: People) -> dict[str, Any]:
    """The stages by key, each with its groups. One that the files do not name is there for the groups moved into it."""
    groups: dict[int, list[Group]] = defaultdict(list)
    for group in Group.objects.filter(retired_on=None, in_structure=True).prefetch_related("categories"):
        groups[group.stage_id].append(group)
    found = Stage.objects.filter(retired_on=None).select_related("section")
    return {
        row.key: {
            "display_name": row.name,
            **({"section": row.section.key} if row.section else {}),
            **filled(row, STAGE_FIELDS),
            **({"related": row.related_keys} if row.related_keys else {}),
            **({} if row.spend_percent is None else {"stage_development_spend_percent": float(row.spend_percent)}),
            **channel(row),
            **roles(people["stage", row.pk]),
            **extra(row.extra, people["stage", row.pk]),
            **({"groups": {one.key: group_entry(one, people) for one in groups[row.pk]}} if groups[row.pk] else {}),
        }
        for row in found
        if row.in_structure or groups[row.pk]
    }


def group_entry(group: Group, people: People) -> dict[str, Any]:
    """A group with its categories, in the order of the file where there was one."""
    before = {key: at for at, key in enumerate(group.imported.get("categories", []))}
    keys = [one.key for one in group.categories.all() if one.retired_on is None]
    return {
        "name": group.name,
        **filled(group, GROUP_FIELDS),
        **channel(group),
        **roles(people["group", group.pk]),
        **extra(group.extra, people["group", group.pk]),
        "categories": sorted(keys, key=lambda key: (before.get(key, len(before)), key)),
    }


def categories() -> dict[str, Any]:
    """The categories by key."""
    return {
        row.key: {
            "name": row.name,
            **({"stage": row.stage.key} if row.stage else {}),
            **row.extra,
            **filled(row, CATEGORY_FIELDS),
        }
        for row in Category.objects.filter(retired_on=None, in_structure=True).select_related("stage")
    }


def filled(row: Section | Stage | Group | Category, names: Iterable[str]) -> dict[str, Any]:
    """The fields of a row that have a value."""
    values = {name: getattr(row, name, None) for name in names}
    return {name: value for name, value in values.items() if value not in ("", None, False)}


def channel(row: Section | Stage | Group) -> dict[str, Any]:
    """The Slack channel."""
    return {"slack": {"channel": row.slack_channel}} if row.slack_channel else {}


def roles(people: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """People by what they do: a name, or a list where there are several."""
    found: dict[str, list[str]] = defaultdict(list)
    for role, name in people:
        if not role.startswith("dri of "):
            found[role].append(name)
    return {role: names[0] if len(names) == 1 else names for role, names in found.items()}


def extra(values: Mapping[str, Any], people: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The keys without a field of their own; customers within the company with the person they ask."""
    left = dict(values)
    if "internal_customers" in left:
        asked = dict(people)
        left["internal_customers"] = [
            {"department": one, **({"dri": dri} if (dri := asked.get(f"dri of {one or 'a department'}"[:100])) else {})}
            for one in left["internal_customers"]
        ]
    return left
