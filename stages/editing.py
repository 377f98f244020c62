"""The one verb that writes a block: ``save_block``. Editor, importer, API, undo, restore and suggestions use it.

Concurrency: the caller says which version it started from. Where the block went on meanwhile, nothing is written and
``StaleBlock`` carries all that a merge view needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import Count
from django.utils import timezone

from portal.history import because
from stages import following
from stages.content import ITEM_FIELDS, BlockContent, Difference, Item, differences, from_json, merge, pairs, to_json
from stages.models import (
    Block,
    BlockKind,
    BlockRevision,
    ConflictDecision,
    Group,
    ImportConflict,
    Placement,
    Resource,
    Stage,
)
from stages.names import named_in

if TYPE_CHECKING:
    from portal.models import User

ORDER = {kind: position for position, kind in enumerate(BlockKind.values)}
WAYS = {"restore": "brought back an earlier version of", "undo": "took back a change of"}
SHARED_BY_LABEL = (BlockKind.SLACK, BlockKind.TEAM)


class StaleBlock(Exception):
    """Somebody saved the block since the caller read it. ``base`` and ``current`` are what a merge needs."""

    def __init__(self, *, block: Block, base: BlockContent, current: BlockContent) -> None:
        self.block, self.base, self.current = block, base, current
        super().__init__(f"The block is at version {block.version} by now.")


class HeadingTaken(Exception):
    """Another block of the stage has this heading already, by which blocks of one's own are told apart."""

    def __init__(self) -> None:
        super().__init__("There is a block with this heading already. Edit that one, or choose another heading.")


@dataclass(frozen=True, kw_only=True)
class Saved:
    """What a save did. ``differences`` is empty when nothing changed and no version was made."""

    block: Block
    differences: tuple[Difference, ...]


def find_block(stage: Stage, kind: str, heading: str = "", *, lock: bool = False) -> Block | None:
    """The block of a kind; of the kind ``other`` the one under this heading.

    ``lock`` keeps it from others until the end of the transaction: for whoever makes what it shall say of what it says.
    """
    blocks = stage.blocks.filter(kind=kind)
    if lock:
        blocks = blocks.select_for_update()
    if kind == BlockKind.OTHER:
        blocks = blocks.filter(heading=heading)
    return blocks.first()


def content_of(block: Block | None, placements: Iterable[Placement] | None = None) -> BlockContent:
    """The content of a block as a value."""
    if block is None:
        return BlockContent()
    if placements is None:
        placements = block.placements.select_related("resource")
    return BlockContent(
        heading=block.heading,
        note=block.note,
        body=block.body,
        not_applicable=block.not_applicable,
        items=tuple(item_of(placement) for placement in placements),
        placeholders=tuple(block.placeholders),
    )


def item_of(placement: Placement) -> Item:
    """A placement as a value."""
    resource = placement.resource
    return Item(
        id=placement.pk,
        label=placement.label or resource.label,
        url=resource.url,
        description=placement.description,
        text=resource.text,
        dialect=resource.dialect,
        doc_label=resource.doc_label,
    )


def content_at(block: Block | None, version: int) -> BlockContent:
    """The content of a version; before the first one, and where there is no block, it was empty."""
    revision = block.revisions.filter(version=version).first() if block else None
    return from_json(revision.content) if revision else BlockContent()


def save_block(
    *,
    stage: Stage,
    kind: str,
    content: BlockContent,
    base_version: int | None,
    actor: User | None,
    how: str,
    heading: str = "",
    reason: str = "",
) -> Saved:
    """Write a block whole. ``base_version`` 0 means that there was none; ``None`` takes whatever is there.

    Saving what is there already changes nothing and makes no version. Followers of the stage are told.
    """
    with transaction.atomic(), because(reason or how, actor=actor):
        block = _locked(stage, kind, heading or content.heading)
        if base_version is not None and block.version != base_version:
            raise StaleBlock(block=block, base=content_at(block, base_version), current=content_of(block))
        placements = list(block.placements.select_related("resource"))
        before = content_of(block, placements)
        content = replace(content, items=tuple(item for item in content.items if not item.is_empty))
        told = differences(before, content)
        if not told:
            return Saved(block=block, differences=())
        block.heading, block.note, block.body = content.heading, content.note, content.body
        block.not_applicable = content.not_applicable
        if kind == BlockKind.OTHER:
            block.heading = block.heading or heading
            if block.heading != before.heading and find_block(stage, kind, block.heading) is not None:
                raise HeadingTaken
        block.version += 1
        block.save()
        _place(block, placements, before.items, content.items)
        saved = replace(content_of(block), placeholders=tuple(block.placeholders))
        BlockRevision.objects.create(
            block=block,
            version=block.version,
            content=to_json(saved),
            actor=actor,
            actor_name=str(actor) if actor else "",
            how=how,
            reason=reason,
        )
        _settle(block, saved, actor)
        title = block.heading or block.get_kind_display()
        following.changed([stage], actor, f"{WAYS.get(how, 'changed')} {title} of {stage.name}")
        return Saved(block=block, differences=tuple(told))


def _settle(block: Block, saved: BlockContent, actor: User | None) -> None:
    """An edit that leaves nothing in dispute with the last import settles that, until it is undone."""
    conflict = block.conflicts.filter(state=ImportConflict.State.OPEN).first()
    if conflict is None or merge(from_json(conflict.agreed), saved, from_json(conflict.source_content)).conflicts:
        return
    ConflictDecision.objects.create(
        conflict=conflict, actor=actor, actor_name=str(actor or ""), agreed=conflict.agreed, version=block.version
    )
    conflict.state, conflict.decided_by, conflict.decided_at = ImportConflict.State.SETTLED, actor, timezone.now()
    conflict.save()


def ensure_block(stage: Stage, kind: str, heading: str = "") -> Block:
    """The block, made empty (version 0) where there is none."""
    try:
        with transaction.atomic():
            lookup = {"heading": heading} if kind == BlockKind.OTHER else {}
            block, _ = Block.objects.get_or_create(
                stage=stage, kind=kind, **lookup, defaults={"version": 0, "order": ORDER[kind] * 10}
            )
            return block
    except IntegrityError:
        found = find_block(stage, kind, heading)
        if found is None:
            raise
        return found


def _locked(stage: Stage, kind: str, heading: str) -> Block:
    block = ensure_block(stage, kind, heading)
    locked = Block.objects.select_for_update().get(pk=block.pk)
    locked.stage = stage
    return locked


def _place(block: Block, placements: Sequence[Placement], old: Sequence[Item], new: Sequence[Item]) -> None:
    """Bring the placements in line with the items: kept, changed, added, removed, in the new order."""
    matched = pairs(old, new)
    kept = set(matched.values())
    gone = [one.pk for at, one in enumerate(placements) if at not in kept]
    if gone:
        Placement.objects.filter(pk__in=gone).delete()
    rewritten = [
        position
        for position, at in matched.items()
        if any(getattr(old[at], name) != getattr(new[position], name) for name in ITEM_FIELDS if name != "description")
    ]
    uses = _uses([placements[matched[position]].resource_id for position in rewritten])
    added = [position for position in range(len(new)) if position not in matched]
    reworded = [position for position, at in matched.items() if _words(old[at]) != _words(new[position])]
    groups = _groups_named(block, {position: new[position] for position in (*added, *reworded)})
    changed: list[Placement] = []
    for position, at in matched.items():
        placement, item = placements[at], new[position]
        before = (placement.order, placement.description)
        placement.order, placement.description = position, item.description
        if position in reworded:
            placement.group = groups.get(position)
        if position in rewritten:
            _rewrite(placement, item, alone=uses.get(placement.resource_id, 1) <= 1)
            changed.append(placement)
        elif before != (position, item.description):
            changed.append(placement)
    Placement.objects.bulk_update(changed, ["order", "description", "label", "resource", "group"], batch_size=500)
    resources = _resources_for(block.kind, [new[position] for position in added])
    Placement.objects.bulk_create(
        [
            Placement(
                block=block,
                resource=resource,
                order=position,
                label="" if resource.label == new[position].label else new[position].label,
                description=new[position].description,
                group=groups.get(position),
            )
            for position, resource in zip(added, resources, strict=True)
        ],
        batch_size=500,
    )


def _words(item: Item) -> tuple[str, str]:
    return item.label, item.description


def _groups_named(block: Block, items: Mapping[int, Item]) -> dict[int, Group]:
    """The group of the stage that each item names, as in “Create : Code Review”; one query where any may."""
    said = {
        at: f"{item.label} {item.description}" for at, item in items.items() if ":" in item.label + item.description
    }
    if not said:
        return {}
    names = [(group.full_name, group) for group in Group.objects.filter(stage=block.stage_id).select_related("stage")]
    return {at: group for at, text in said.items() if (group := named_in(text, names)) is not None}


def name_groups(keys: Iterable[str]) -> int:
    """Find the placements that name these groups and are of none yet: the group came, or got its name, later."""
    named = 0
    for group in Group.objects.filter(key__in=list(keys)).select_related("stage"):
        placements = Placement.objects.filter(block__stage=group.stage, group=None).select_related("resource")
        for placement in placements:
            text = f"{placement.label or placement.resource.label} {placement.description}"
            if named_in(text, [(group.full_name, group)]):
                named += Placement.objects.filter(pk=placement.pk, group=None).update(group=group)
    return named


def name_groups_of(stage: Stage) -> None:
    """Let the placements of a stage follow their words again, after its groups came back or went."""
    groups = Group.objects.filter(stage=stage, retired_on=None).select_related("stage")
    names = [(group.full_name, group) for group in groups]
    for placement in Placement.objects.filter(block__stage=stage).select_related("resource") if names else ():
        text = f"{placement.label or placement.resource.label} {placement.description}"
        group = named_in(text, names) if ":" in text else None
        if group is not None and group.pk != placement.group_id:
            Placement.objects.filter(pk=placement.pk).update(group=group)


def _uses(resources: Sequence[int]) -> dict[int, int]:
    """How often each of some resources is placed."""
    if not resources:
        return {}
    counted = Placement.objects.filter(resource__in=resources).order_by().values("resource").annotate(uses=Count("pk"))
    return {row["resource"]: row["uses"] for row in counted}


def _resources_for(kind: str, items: Sequence[Item]) -> list[Resource]:
    """The resource of each item: the one with its link (or channel) if there is one, else a new one.

    Of queries it must say the same as well: another text under an address that is used already is kept apart from it.
    """
    urls = {item.url for item in items if item.url}
    labels = {item.label for item in items if _is_shared_by_label(kind, item)}
    known: dict[tuple[str, ...], Resource] = {}
    if urls:
        for one in Resource.objects.filter(kind=kind, url__in=urls).order_by("-pk"):
            known[one.url, *_query_of(one)] = one
    if labels:
        for one in Resource.objects.filter(kind=kind, url="", label__in=labels).order_by("-pk"):
            known["", one.label] = one
    found: list[Resource] = []
    made: list[Resource] = []
    for item in items:
        key = (item.url, *_query_of(item)) if item.url else ("", item.label)
        shared = bool(item.url) or _is_shared_by_label(kind, item)
        resource = known.get(key) if shared else None
        if resource is None:
            resource = Resource(
                kind=kind, label=item.label, url=item.url, text=item.text, dialect=item.dialect,
                doc_label=item.doc_label,
            )  # fmt: skip
            made.append(resource)
            if shared:
                known[key] = resource
        found.append(resource)
    Resource.objects.bulk_create(made, batch_size=500)
    return found


def _query_of(one: Item | Resource) -> tuple[str, str, str]:
    """What is asked under an address; nothing where it is only a link."""
    return one.text, one.dialect if one.text else "", one.doc_label


def _is_shared_by_label(kind: str, item: Item) -> bool:
    return kind in SHARED_BY_LABEL and bool(item.label) and not item.url and not item.text


def _rewrite(placement: Placement, item: Item, *, alone: bool) -> None:
    """Change what a placement refers to. A resource that others use as well is left as it is for them."""
    resource = placement.resource
    same_target = resource.url == item.url
    if same_target and item.url and not alone and _query_of(item) == _query_of(resource):
        placement.label = "" if item.label == resource.label else item.label
        return
    if alone and (
        same_target or not Resource.objects.filter(kind=resource.kind, url=item.url).exclude(url="").exists()
    ):
        for name in ("label", "url", "text", "dialect", "doc_label"):
            setattr(resource, name, getattr(item, name))
        resource.version += 1
        resource.save()
        placement.label = ""
        return
    placement.resource = _resources_for(resource.kind, [item])[0]
    placement.label = "" if placement.resource.label == item.label else item.label
