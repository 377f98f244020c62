"""Merging one entry into another, and splitting one off; of stages with what their pages say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from django.db import transaction

from portal.history import because
from stages import following
from stages.content import BlockContent
from stages.editing import content_of, find_block, save_block
from stages.facts import Entry, kind_of
from stages.models import Category, Follow, Group, Responsibility, Section, Stage, Succession
from stages.restructuring.common import (
    RestructureRefused,
    free_key,
    free_name,
    in_words,
    locked,
    named,
    not_ahead,
    one_at_a_time,
    record,
    tell,
)

if TYPE_CHECKING:
    from portal.models import User


def merge(
    *,
    source: Entry,
    target: Entry,
    actor: User | None,
    on: date,
    reason: str,
    version: int | None = None,
    undoes: Succession | None = None,
) -> None:
    """Put all of one entry into another of its kind. The first is retired, keeps its page and leads on."""
    kind = kind_of(source)
    if type(source) is not type(target):
        raise RestructureRefused(f"A {kind} cannot be merged into a {kind_of(target)}.")
    if source.pk == target.pk:
        raise RestructureRefused(f"A {kind} cannot be merged into itself.")
    words = in_words("merged", kind, source.name, target.name)
    with transaction.atomic(), because(reason or "merged", actor=actor), following.as_one(actor, words):
        # In the order of their numbers, so that two merges the other way round do not wait for each other.
        for entry in sorted((source, target), key=lambda one: one.pk):
            locked(entry, version if entry is source else None)
        if target.retired_on is not None:
            raise RestructureRefused(f"{target.name} is retired; nothing is merged into it.")
        if source.retired_on is not None:
            raise RestructureRefused(f"{source.name} is retired; bring it back before you merge it.")
        took: dict[str, Any] = {"other": target.pk}
        if isinstance(source, Section) and isinstance(target, Section):
            took["stages"] = put_stages(list(source.stages.all()), target)
        elif isinstance(source, Stage) and isinstance(target, Stage):
            took |= _join_stages(source, target, actor)
        elif isinstance(source, Group) and isinstance(target, Group):
            took["categories"] = _hand_all(source.categories, target.categories)
            took["placements"] = list(source.placements.values_list("pk", flat=True))
            source.placements.update(group=target)
        elif isinstance(source, Category) and isinstance(target, Category):
            took["building"] = _hand_all(source.groups, target.groups)
        if isinstance(source, Section | Stage | Group) and isinstance(target, Section | Stage | Group):
            took["people"] = _join_people(source, target)
        source.retired_on = not_ahead(on)
        for entry in (source, target):
            entry.version += 1
            entry.save()
        record(
            source, "merged", (source.key, source.name), (target.key, target.name), actor, on, reason, took=took,
            undoes=undoes, also=target,
        )  # fmt: skip
        tell([source, target], actor)


def put_stages(stages: Iterable[Stage], section: Section) -> list[int]:
    """Put stages under a section; their numbers."""
    moved = list(stages)
    for stage in moved:
        stage.section = section
        stage.version += 1
        stage.save()
    return [stage.pk for stage in moved]


def put_groups(groups: Iterable[Group], stage: Stage) -> list[int]:
    """Put groups under a stage; their numbers."""
    moved = list(groups)
    for group in moved:
        group.stage = stage
        group.version += 1
        group.save()
    return [group.pk for group in moved]


def _hand_all(given: Any, taken: Any) -> dict[str, list[int]]:
    """Put all of one side's links to the other; which the one had, and which are new to the other."""
    had = list(given.values_list("pk", flat=True))
    known = set(taken.values_list("pk", flat=True))
    taken.add(*had)
    given.clear()
    return {"had": had, "new": [number for number in had if number not in known]}


def _join_stages(source: Stage, target: Stage, actor: User | None) -> dict[str, Any]:
    took: dict[str, Any] = {
        "groups": put_groups(source.groups.all(), target),
        "own_categories": list(source.own_categories.values_list("pk", flat=True)),
        "suggestions": list(source.suggestions.filter(state="open").values_list("pk", "base_version")),
        "followers": list(
            source.followers.exclude(user__in=target.followers.values("user")).values_list("user", flat=True)
        ),
    }
    source.own_categories.update(stage=target)
    reason = f"Merged from {source.name}"
    blocks = source.blocks.prefetch_related("placements__resource")
    took["blocks"] = [
        told for block in blocks if (told := _append(target, block.kind, content_of(block), actor, reason))
    ]
    # A suggestion goes on as an addition to what the target has; its own past is not the target's.
    source.suggestions.filter(state="open").update(stage=target, base_version=0)
    Follow.objects.bulk_create(
        [Follow(user_id=user, stage=target) for user in took["followers"]], ignore_conflicts=True
    )
    return took


def _join_people(source: Section | Stage | Group, target: Section | Stage | Group) -> list[int]:
    field = kind_of(source)
    last = target.people.count()
    known = set(target.people.values_list("contact", "role"))
    return [
        Responsibility.objects.create(
            contact_id=one.contact_id, role=one.role, order=last + number, **{field: target}
        ).pk
        for number, one in enumerate(source.people.order_by("order", "pk"))
        if (one.contact_id, one.role) not in known
    ]


def split(
    *,
    source: Entry,
    key: str,
    name: str,
    taking: Iterable[Entry] = (),
    kinds: Sequence[str] = (),
    actor: User | None,
    on: date,
    reason: str,
    version: int | None = None,
) -> Entry:
    """Make another entry of a part of one: of a section some stages, of a stage some groups, of a group categories.

    Of a stage the blocks of ``kinds`` are copied over; the first keeps its own. A category is split with all its
    groups, which go on building both.
    """
    model = type(source)
    chosen = list(taking)
    with transaction.atomic(), because(reason or "split", actor=actor):
        source = locked(source, version)
        one_at_a_time()
        key, name = free_key(model, key), free_name(model, name or key)
        if source.retired_on is not None:
            raise RestructureRefused(f"{source.name} is retired; nothing is split off from it.")
        new = model(key=key, name=name, order=source.order, in_structure=False)
        if isinstance(source, Stage) and isinstance(new, Stage):
            new.section = source.section
        elif isinstance(source, Group | Category) and isinstance(new, Group | Category):
            new.stage = source.stage
        new.save()
        took = {"other": new.pk, **_hand_over(source, new, chosen)}
        if isinstance(source, Stage) and isinstance(new, Stage):
            for block in source.blocks.filter(kind__in=list(kinds)).prefetch_related("placements__resource"):
                _append(new, block.kind, content_of(block), actor, f"Split off from {source.name}")
        source.version += 1
        source.save()
        record(
            source, "split", (source.key, source.name), (new.key, new.name), actor, not_ahead(on), reason, took=took
        )  # fmt: skip
        tell([source, new, *chosen], actor)
    return new


def _hand_over(source: Entry, new: Entry, chosen: Sequence[Entry]) -> dict[str, Any]:
    """Give the new entry the chosen parts of the first; their numbers."""
    if isinstance(source, Section) and isinstance(new, Section):
        stages = [one for one in chosen if isinstance(one, Stage) and one.section_id == source.pk]
        _all_belong(stages, chosen, "stages", source)
        return {"stages": put_stages(stages, new)}
    if isinstance(source, Stage) and isinstance(new, Stage):
        groups = [one for one in chosen if isinstance(one, Group) and one.stage_id == source.pk]
        _all_belong(groups, chosen, "groups", source)
        moved = put_groups(groups, new)
        going = Category.objects.filter(stage=source, groups__in=groups).exclude(groups__in=source.groups.all())
        own = list(going.values_list("pk", flat=True).distinct())
        Category.objects.filter(pk__in=own).update(stage=new)
        return {"groups": moved, "own_categories": own}
    if isinstance(source, Group) and isinstance(new, Group):
        mine = set(source.categories.values_list("pk", flat=True))
        categories = [one for one in chosen if isinstance(one, Category) and one.pk in mine]
        _all_belong(categories, chosen, "categories", source)
        source.categories.remove(*categories)
        new.categories.add(*categories)
        numbers = [one.pk for one in categories]
        return {"categories": {"had": numbers, "new": numbers}}
    if isinstance(source, Category) and isinstance(new, Category):
        _all_belong([], chosen, "parts", source)
        new.groups.set(source.groups.all())
    return {}


def _all_belong(found: Sequence[Entry], chosen: Sequence[Entry], word: str, source: Entry) -> None:
    foreign = [one.name for one in chosen if one not in found]
    if foreign:
        sentence = f"Only {word} of {source.name} can go with it; {named(foreign)} cannot."
        raise RestructureRefused(sentence, word)


def _append(stage: Stage, kind: str, content: BlockContent, actor: User | None, reason: str) -> list[int] | None:
    """Add content to a stage's block; what is there stays before it. The block, its version before and after."""
    heading = content.heading if kind == "other" else ""
    existing = find_block(stage, kind, heading, lock=True)
    present = content_of(existing)
    known = {(item.label, item.url, item.text) for item in present.items}
    added = tuple(replace(item, id=None) for item in content.items if (item.label, item.url, item.text) not in known)
    bodies = [present.body, content.note if present.note and content.note != present.note else "", content.body]
    merged = replace(
        present if existing and existing.version else content,
        note=present.note or content.note,
        body="\n\n".join(dict.fromkeys(text for text in bodies if text)),
        not_applicable="" if (present.items or added) else present.not_applicable or content.not_applicable,
        items=(*present.items, *added),
    )
    saved = save_block(
        stage=stage, kind=kind, heading=heading, content=merged, base_version=None, actor=actor, how="merge",
        reason=reason,
    )  # fmt: skip
    if not saved.differences:
        return None
    return [saved.block.pk, existing.version if existing else 0, saved.block.version]
