"""The one verb that writes a block: ``save_block``. Editor, importer, API, undo, restore and suggestions use it.

Concurrency: the caller says which version it started from. Where the block went on meanwhile, nothing is written and
``StaleBlock`` carries all that a merge view needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import Count

from portal.history import because
from stages.content import ITEM_FIELDS, BlockContent, Difference, Item, differences, from_json, pairs, to_json
from stages.models import Block, BlockKind, BlockRevision, Placement, Resource, Stage

if TYPE_CHECKING:
    from portal.models import User

ORDER = {kind: position for position, kind in enumerate(BlockKind.values)}
SHARED_BY_LABEL = (BlockKind.SLACK, BlockKind.TEAM)


class StaleBlock(Exception):
    """Somebody saved the block since the caller read it. ``base`` and ``current`` are what a merge needs."""

    def __init__(self, *, block: Block, base: BlockContent, current: BlockContent) -> None:
        self.block, self.base, self.current = block, base, current
        super().__init__(f"The block is at version {block.version} by now.")


@dataclass(frozen=True, kw_only=True)
class Saved:
    """What a save did. ``differences`` is empty when nothing changed and no version was made."""

    block: Block
    differences: tuple[Difference, ...]


def find_block(stage: Stage, kind: str, heading: str = "") -> Block | None:
    """The block of a kind; of the kind ``other`` the one under this heading."""
    blocks = stage.blocks.filter(kind=kind)
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


def content_at(block: Block, version: int) -> BlockContent:
    """The content of a version; before the first one it was empty."""
    revision = block.revisions.filter(version=version).first()
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

    Saving what is there already changes nothing and makes no version.
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
        if kind == BlockKind.OTHER and not block.heading:
            block.heading = heading
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
        return Saved(block=block, differences=tuple(told))


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
    Placement.objects.filter(pk__in=[one.pk for at, one in enumerate(placements) if at not in kept]).delete()
    shared = dict(
        Resource.objects.filter(placements__block=block)
        .annotate(uses=Count("placements"))
        .values_list("pk", "uses")
    ) if kept else {}  # fmt: skip
    shared = {
        row["resource"]: row["uses"]
        for row in Placement.objects.filter(resource__in=shared).values("resource").annotate(uses=Count("pk"))
    }
    for order, item in enumerate(new):
        position = matched.get(order)
        if position is None:
            resource = resource_for(block.kind, item)
            Placement.objects.create(
                block=block,
                resource=resource,
                order=order,
                label="" if resource.label == item.label else item.label,
                description=item.description,
            )
            continue
        placement, before = placements[position], old[position]
        changed = placement.order != order or placement.description != item.description
        placement.order, placement.description = order, item.description
        if any(getattr(before, name) != getattr(item, name) for name in ITEM_FIELDS if name != "description"):
            changed = True
            _rewrite(placement, item, alone=shared.get(placement.resource_id, 1) <= 1)
        if changed:
            placement.save()


def _rewrite(placement: Placement, item: Item, *, alone: bool) -> None:
    """Change what a placement refers to. A resource that others use as well is left as it is for them."""
    resource = placement.resource
    same_target = resource.url == item.url
    if same_target and item.url and not alone:
        placement.label = "" if item.label == resource.label else item.label
        return
    other = _existing(resource.kind, item) if not same_target else None
    if other is None and alone:
        for name in ("label", "url", "text", "dialect", "doc_label"):
            setattr(resource, name, getattr(item, name))
        resource.version += 1
        resource.save()
        placement.label = ""
        return
    placement.resource = other or resource_for(resource.kind, item)
    placement.label = "" if placement.resource.label == item.label else item.label


def resource_for(kind: str, item: Item) -> Resource:
    """The resource of an item: the one with its link (or channel) if there is one, else a new one."""
    found = _existing(kind, item)
    if found is not None:
        return found
    return Resource.objects.create(
        kind=kind, label=item.label, url=item.url, text=item.text, dialect=item.dialect, doc_label=item.doc_label
    )


def _existing(kind: str, item: Item) -> Resource | None:
    if item.url:
        return Resource.objects.filter(kind=kind, url=item.url).order_by("pk").first()
    if kind in SHARED_BY_LABEL and item.label and not item.text:
        return Resource.objects.filter(kind=kind, url="", label=item.label).order_by("pk").first()
    return None
