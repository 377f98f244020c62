"""What the structure files already say for a block: shown as derived, replaced by what people write."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from stages.content import BlockContent, Item
from stages.models import Group, Responsibility, Stage

ROLES = {
    "pm": "Product manager",
    "em": "Engineering manager",
    "pmm": "Product marketing",
    "pdm": "Product design manager",
    "ux": "Product design",
    "uxr": "User research",
    "qm": "Quality",
    "sets": "Test engineering",
    "cm": "Content marketing",
    "support": "Support",
    "spd": "Senior product director",
    "sm": "Support manager",
    "rem": "Reliability engineering",
    "tech_writer": "Technical writing",
    "backend_engineering_manager": "Backend engineering manager",
    "frontend_engineering_manager": "Frontend engineering manager",
    "fullstack_managers": "Fullstack engineering manager",
    "fullstack_engineering_manager": "Fullstack engineering manager",
    "appsec_engineer": "Application security",
    "product_sponsor": "Product sponsor",
}
MOST_PEOPLE = 12


def role_in_words(role: str) -> str:
    """A key of the structure files as people say it."""
    return ROLES.get(role, role.replace("_", " ").capitalize())


def derived_blocks(stage: Stage, groups: Iterable[Group], people: Iterable[Responsibility]) -> dict[str, BlockContent]:
    """The content that the structure files give for each kind of block; a kind without any is left out."""
    groups = list(groups)
    found: dict[str, list[Item]] = {
        "roadmap": [
            *([Item(label="Roadmap", url=stage.roadmap)] if stage.roadmap else []),
            *([Item(label="Direction", url=stage.direction)] if stage.direction else []),
        ],
        "key_pages": [Item(label=f"Handbook page of {stage.name}", url=stage.handbook)] if stage.handbook else [],
        "slack": _channels(stage, groups),
        "team": _people(people),
        "indicators": _indicators(groups),
    }
    blocks = {kind: BlockContent(items=tuple(items)) for kind, items in found.items() if items}
    if stage.description:
        blocks["description"] = BlockContent(note=" ".join(stage.description.split()), body=stage.body)
    return blocks


def derived_of(stages: Iterable[Stage]) -> dict[int, dict[str, BlockContent]]:
    """The same of several stages, by number; two queries."""
    stages = list(stages)
    people: dict[int, list[Responsibility]] = defaultdict(list)
    named = Responsibility.objects.filter(stage__in=stages).select_related("contact").exclude(contact__name="")
    for one in named.order_by("order", "pk"):
        people[one.stage_id or 0].append(one)
    groups: dict[int, list[Group]] = defaultdict(list)
    for group in Group.objects.filter(stage__in=stages, retired_on=None).select_related("stage"):
        groups[group.stage_id].append(group)
    return {stage.pk: derived_blocks(stage, groups[stage.pk], people[stage.pk]) for stage in stages}


def _channels(stage: Stage, groups: list[Group]) -> list[Item]:
    items = [Item(label=f"#{stage.slack_channel}")] if stage.slack_channel else []
    for group in groups:
        if group.slack_channel:
            items.append(Item(label=f"#{group.slack_channel}", description=group.full_name))
    return items


def _people(people: Iterable[Responsibility]) -> list[Item]:
    items = []
    for one in people:
        if one.stage_id is not None and one.contact.name:
            items.append(Item(label=one.contact.name, description=role_in_words(one.role)))
    return items[:MOST_PEOPLE]


def _indicators(groups: list[Group]) -> list[Item]:
    items = []
    for group in groups:
        if group.pi_gmau:
            items.append(Item(label=f"{group.name}: GMAU", url=group.pi_gmau, description=group.focus))
        if group.pi_pgmau:
            items.append(Item(label=f"{group.name}: Paid GMAU", url=group.pi_pgmau, description=group.focus))
    return items
