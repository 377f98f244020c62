"""The facts of sections, stages, groups and categories that people edit: what each is called and how it is typed.

One list for the form, the API, the history and the page of an earlier day. Name, key and parent are no facts: they
are changed by the verbs of ``stages.restructuring``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any, Literal

from stages.links import refusal
from stages.models import Category, Group, Maturity, Section, Stage

Entry = Section | Stage | Group | Category
Widget = Literal["line", "text", "link", "score", "number", "date", "maturity", "flag", "keys"]
MODELS: dict[str, type[Entry]] = {"section": Section, "stage": Stage, "group": Group, "category": Category}
PARENT_OF = {"stage": "section", "group": "stage", "category": "group"}
PART_OF = {"section": "stage", "stage": "group", "group": "category"}
"""What an entry of a kind belongs to, and what belongs to it."""
RANK = {value: position for position, value in enumerate(Maturity.values)}
STEPS = ("available", "viable", "complete", "lovable")


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A fact: its field, its name on the page, and what it takes."""

    name: str
    label: str
    widget: Widget = "line"
    help: str = ""


def _score(name: str, label: str) -> Fact:
    return Fact(name=name, label=f"{label} driver score", widget="score", help="From 1 to 5, where somebody gave one.")


DESCRIPTION = Fact(name="description", label="Description", widget="text", help="One sentence.")
BODY = Fact(name="body", label="More about it", widget="text", help="Markdown.")
DIRECTION = Fact(name="direction", label="Direction", widget="link", help="Where the plan for it is written.")
HANDBOOK = Fact(name="handbook", label="Handbook page", widget="link")
ROADMAP = Fact(name="roadmap", label="Roadmap", widget="link")
SLACK = Fact(name="slack_channel", label="Slack channel", help="Without the #.")
LABEL = Fact(name="label", label="Label", help="Where it differs from the usual one.")
FACTS: dict[type[Entry], tuple[Fact, ...]] = {
    Section: (DESCRIPTION, DIRECTION, HANDBOOK, SLACK),
    Stage: (
        DESCRIPTION, BODY, DIRECTION, HANDBOOK, ROADMAP, SLACK,
        Fact(name="established", label="Established", widget="number", help="The year."),
        Fact(name="lifecycle", label="Place in the lifecycle", widget="number"),
        _score("usage_driver_score", "Usage"), _score("revenue_driver_score", "Revenue"),
        _score("sam_driver_score", "Market"),
        Fact(name="spend_percent", label="Share of development spend", widget="number", help="Per cent."),
        Fact(name="marketing", label="Shown in marketing", widget="flag"),
        Fact(name="related_keys", label="Related stages", widget="keys", help="Their keys, with commas between them."),
    ),
    Group: (
        DESCRIPTION, BODY, Fact(name="focus", label="Leading indicator", help="Such as “Plan Certify Paid GMAU”."),
        DIRECTION, HANDBOOK, Fact(name="group_link", label="Page of the group", widget="link"), ROADMAP, SLACK, LABEL,
        Fact(name="pi_gmau", label="GMAU chart", widget="link"),
        Fact(name="pi_pgmau", label="Paid GMAU chart", widget="link"),
        _score("usage_driver_score", "Usage"), _score("asp_driver_score", "Price"),
        _score("sam_driver_score", "Market"),
    ),
    Category: (
        DESCRIPTION, Fact(name="maturity", label="Maturity", widget="maturity", help="Lowering it needs a reason."),
        *(
            Fact(name=step, label=f"{step.capitalize()} on", widget="date", help="May lie ahead: it is planned then.")
            for step in STEPS
        ),
        DIRECTION, HANDBOOK, Fact(name="documentation", label="Documentation", widget="link"),
        Fact(name="priority_level", label="Priority", help="high, medium or low"),
        Fact(name="dogfooding_status", label="Used by ourselves"), LABEL,
        Fact(name="marketing", label="Shown in marketing", widget="flag"),
    ),
}  # fmt: skip


def kind_of(entry: Entry) -> str:
    """The word for it: section, stage, group or category."""
    return type(entry).__name__.lower()


def facts_of(model: type[Entry]) -> tuple[Fact, ...]:
    """The facts of a kind in reading order."""
    return FACTS[model]


def names_of(model: type[Entry]) -> tuple[str, ...]:
    """The fields that are facts."""
    return tuple(fact.name for fact in FACTS[model])


def taken(name: str, value: Any) -> Any:
    """A value of the structure files as the field holds it; the opposite of ``Structural.written``."""
    if value is None:
        return None
    if name in STEPS:
        return date.fromisoformat(value)
    return Decimal(value) if name == "spend_percent" else value


def said_of(fact: Fact, value: Any) -> str:
    """A value in words, for pages and histories; empty where there is none."""
    if value is None or value == "" or value == []:
        return ""
    if fact.widget == "flag":
        return "yes" if value else "no"
    if fact.widget == "maturity":
        return str(Maturity(value).label)
    if fact.widget == "keys":
        return ", ".join(map(str, value))
    if isinstance(value, date):
        return f"{value:%-d %b %Y}"
    return format(value.normalize(), "f") if isinstance(value, Decimal) else str(value)


def is_lowered(entry: Entry, values: Mapping[str, Any]) -> bool:
    """Whether these values take a category back to a lesser maturity."""
    if not isinstance(entry, Category) or "maturity" not in values:
        return False
    return RANK.get(values["maturity"], 0) < RANK.get(entry.maturity, 0)


def wrong_with(entry: Entry, values: Mapping[str, Any]) -> dict[str, str]:
    """Why the new values must not be saved, by field. What stays as it is is not judged."""
    wrong: dict[str, str] = {}
    for fact in FACTS[type(entry)]:
        value = values.get(fact.name)
        if fact.name not in values or value == getattr(entry, fact.name):
            continue
        if fact.widget == "link" and value and (why := refusal(value)):
            wrong[fact.name] = why
        if fact.widget == "score" and value is not None and not 1 <= value <= 5:
            wrong[fact.name] = "A score is from 1 to 5; leave it empty where there is none."
        if fact.name == "slack_channel" and value and (" " in value or value.startswith("#")):
            wrong[fact.name] = "A channel's name has no blanks; leave out the #."
        if fact.widget == "keys" and not all(isinstance(key, str) and 0 < len(key) <= 100 for key in value or ()):
            wrong[fact.name] = "Give the keys of stages."
    if isinstance(entry, Category):
        wrong |= _dates_in_order(entry, values)
    return wrong


def _dates_in_order(entry: Category, values: Mapping[str, Any]) -> dict[str, str]:
    if not any(step in values and values[step] != getattr(entry, step) for step in STEPS):
        return {}
    known = [(step, day) for step in STEPS if (day := values.get(step, getattr(entry, step))) is not None]
    for (earlier, before), (later, after) in pairwise(known):
        if after < before:
            return {later: f"It cannot be {later} before it is {earlier}."}
    return {}
