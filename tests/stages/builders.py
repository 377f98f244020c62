"""Makers of catalog entries for tests."""

from __future__ import annotations

from itertools import count
from typing import Any

from portal.models import User
from stages.content import BlockContent, Item
from stages.editing import Saved, save_block
from stages.models import Group, Section, Stage

_numbers = count(1)


def a_section(key: str = "", **fields: Any) -> Section:
    """A section."""
    key = key or f"section-{next(_numbers)}"
    return Section.objects.create(key=key, name=fields.pop("name", key.capitalize()), **fields)


def a_stage(key: str = "", **fields: Any) -> Stage:
    """A stage, in no section unless one is given."""
    key = key or f"stage-{next(_numbers)}"
    return Stage.objects.create(key=key, name=fields.pop("name", key.capitalize()), **fields)


def a_group(stage: Stage, key: str = "", **fields: Any) -> Group:
    """A group of a stage."""
    key = key or f"group-{next(_numbers)}"
    return Group.objects.create(key=key, name=fields.pop("name", key.replace("_", " ").title()), stage=stage, **fields)


def a_block(stage: Stage, kind: str = "dashboards", *items: Item, actor: User | None = None, **fields: Any) -> Saved:
    """A saved block with these items."""
    content = BlockContent(items=items, **fields)
    return save_block(
        stage=stage, kind=kind, heading=content.heading if kind == "other" else "", content=content,
        base_version=None, actor=actor, how="edit",
    )  # fmt: skip
