"""Making a shared resource, placing it in a block, and changing it once for all the stages that use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from portal.history import because
from portal.permissions import has_role
from portal.roles import Role
from stages import following
from stages.content import ITEM_FIELDS, Item, to_json
from stages.editing import SHARED_BY_LABEL, Saved, StaleBlock, content_at, content_of, ensure_block, save_block
from stages.history.events import events_of
from stages.models import Block, BlockRevision, Placement, Resource, Stage
from stages.validation import cleaned, cleaned_item_of

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.models import User

SHOWN = ("label", "url")
"""What the blocks that place a resource show of it, so that a change is a new version of each of them."""

RESTORED = ("label", "url", "owner_name", "access", "official", "reviewed_on", "review_every_days", "source_updated_on")
"""What an earlier version of a resource brings back."""


class StaleResource(Exception):
    """Somebody changed the resource since the caller read it."""


class ResourceRefused(Exception):
    """What must not be saved: the sentence that says why, by field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        self.errors = dict(errors)
        super().__init__(" ".join(errors.values()))


def twin_of(item: Item, kind: str) -> Resource | None:
    """The resource that an item is already, as the blocks tell: by its address, its channel, or all that it says."""
    found = Resource.objects.filter(kind=kind)
    if item.url:
        found = found.filter(url=item.url)
    elif kind in SHARED_BY_LABEL and item.label and not item.text:
        found = found.filter(url="", label=item.label)
    else:
        found = found.filter(url="", label=item.label, text=item.text, doc_label=item.doc_label, dialect=item.dialect)
    return found.order_by("pk").first()


def cleaned_resource(kind: str, values: Mapping[str, Any]) -> Item:
    """What a new resource says, as it may be saved; ``ResourceRefused`` where it may not."""
    said = Item(**{name: values[name] for name in ITEM_FIELDS if name in values and name != "description"})
    item, errors = cleaned_item_of(said, kind)
    if kind == "description":
        errors["kind"] = "A description refers to nothing."
    if item.is_empty and not errors:
        errors["label"] = "Say what it is called, where it is, or what it says."
    if any("\x00" in text for text in (item.label, item.url, item.text)):
        errors["label"] = "The text holds a NUL character, which cannot be stored."
    if errors:
        raise ResourceRefused(errors)
    return item


def make_resource(*, kind: str, values: Mapping[str, Any], actor: User, reason: str = "") -> Resource:
    """Make a resource that no stage uses yet; refused where there is one with its address already."""
    item = cleaned_resource(kind, values)
    kept = {name: value for name, value in values.items() if name in RESTORED and name not in SHOWN}
    with transaction.atomic(), because(reason or "Made a shared resource", actor=actor):
        twin = twin_of(item, kind)
        if twin is not None:
            raise ResourceRefused({"url" if item.url else "label": f"It is there already, as resource {twin.pk}."})
        said = {name: getattr(item, name) for name in ITEM_FIELDS if name != "description"}
        return Resource.objects.create(kind=kind, **said, **kept)


def place_resource(
    *,
    resource: Resource,
    stage: Stage,
    actor: User,
    how: str,
    base_version: int | None,
    heading: str = "",
    label: str = "",
    description: str = "",
    position: int | None = None,
    reason: str = "",
) -> Saved:
    """Put a resource into the block of its kind, at the end or before the item at ``position``.

    One that is there already stays as it is. ``label`` is what this stage calls it where it calls it otherwise.
    """
    with transaction.atomic():
        block = ensure_block(stage, resource.kind, heading)
        block = Block.objects.select_for_update().get(pk=block.pk)
        before = content_of(block)
        if base_version is not None and block.version != base_version:
            raise StaleBlock(block=block, base=content_at(block, base_version), current=before)
        if block.placements.filter(resource=resource).exists():
            return Saved(block=block, differences=())
        item = Item(
            label=label or resource.label, url=resource.url, description=description, text=resource.text,
            dialect=resource.dialect, doc_label=resource.doc_label,
        )  # fmt: skip
        items = list(before.items)
        items.insert(len(items) if position is None else position, item)
        content, errors = cleaned(replace(before, items=tuple(items)), resource.kind)
        if errors:
            raise ResourceRefused(errors)
        here = set(block.placements.values_list("pk", flat=True))
        saved = save_block(
            stage=stage, kind=resource.kind, heading=heading, content=content, base_version=block.version, actor=actor,
            how=how, reason=reason or "Placed a shared resource",
        )  # fmt: skip
        for placed in saved.block.placements.exclude(pk__in=here).exclude(resource=resource).select_related("resource"):
            # A query without an address becomes a resource of its own where it is typed; this one is to be shared.
            copy = placed.resource
            placed.resource = resource
            placed.label = "" if item.label == resource.label else item.label
            placed.save()
            if not copy.placements.exists():
                copy.delete()
        return saved


def cleaned_link(resource: Resource, label: str, url: str) -> tuple[dict[str, str], dict[str, str]]:
    """The label and address as they may be saved, and what is wrong with them by field. What stays is not judged."""
    if (label, url) == (resource.label, resource.url):
        return {"label": label, "url": url}, {}
    item = Item(label=label, url=url, text=resource.text, dialect=resource.dialect, doc_label=resource.doc_label)
    found, errors = cleaned_item_of(item, resource.kind)
    wrong = {name: sentence for name, sentence in errors.items() if name in SHOWN}
    if found.url and found.url != resource.url:
        other = Resource.objects.filter(kind=resource.kind, url=found.url).exclude(pk=resource.pk).first()
        if other is not None:
            wrong.setdefault("url", f"“{other}” has this address already. Let the stages refer to that one instead.")
    return {"label": found.label, "url": found.url}, wrong


def stages_not_edited(resource: Resource, user: User | AnonymousUser) -> list[str]:
    """Names of the stages that use it and that this person may not edit: their link is not this person's to change."""
    used = resource.placements.select_related("block__stage__section")
    stages = {one.block.stage.pk: one.block.stage for one in used}
    return sorted({stage.name for stage in stages.values() if not has_role(user, Role.EDITOR, stage.scopes)})


def change_resource(
    *,
    pk: int,
    values: Mapping[str, Any],
    version: int | None,
    actor: User,
    how: str,
    reviewed: bool = False,
    reason: str = "",
) -> Resource:
    """Change a resource; each block that shows what changed gets a version that says so.

    ``version`` is the one that the caller read; ``None`` takes whatever is there.
    """
    reason = reason or "Changed the shared link"
    with transaction.atomic(), because(reason, actor=actor):
        used = Placement.objects.filter(resource=pk).values("block")
        blocks = list(
            Block.objects.select_for_update(of=("self",)).filter(pk__in=used).select_related("stage").order_by("pk")
        )
        resource = Resource.objects.select_for_update().get(pk=pk)
        if version is not None and resource.version != version:
            raise StaleResource(f"The resource is at version {resource.version} by now.")
        changed = [name for name, value in values.items() if getattr(resource, name) != value]
        for name in changed:
            setattr(resource, name, values[name])
        if reviewed:
            resource.reviewed_on = timezone.now().date()
        if not changed and not reviewed:
            return resource
        resource.version += 1
        resource.save()
        if set(changed) & set(SHOWN):
            for block in blocks:
                block.version += 1
                block.save(update_fields=["version", "updated_at"])
                BlockRevision.objects.create(
                    block=block, version=block.version, content=to_json(content_of(block)), actor=actor,
                    actor_name=str(actor), how=how, reason=reason,
                )  # fmt: skip
            following.changed([one.stage for one in blocks], actor, f"changed the shared link {resource}")
        return resource


def state_of_resource(pk: int, version: int) -> dict[str, Any] | None:
    """What people could change of a resource, as it was in a version; ``None`` where the history has no such one."""
    events = events_of(Resource).filter(pgh_obj_id=pk, version=version)
    found: dict[str, Any] | None = events.order_by("-pgh_id").values(*RESTORED).first()
    return found
