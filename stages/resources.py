"""Changing a shared resource once for all the stages that use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from portal.history import because
from portal.permissions import has_role
from portal.roles import Role
from stages.content import Item, to_json
from stages.editing import content_of
from stages.history.events import events_of
from stages.models import Block, BlockRevision, Placement, Resource
from stages.validation import cleaned_item_of

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.models import User

SHOWN = ("label", "url")
"""What the blocks that place a resource show of it, so that a change is a new version of each of them."""

RESTORED = ("label", "url", "owner_name", "access", "official", "reviewed_on", "review_every_days", "source_updated_on")
"""What an earlier version of a resource brings back."""


class StaleResource(Exception):
    """Somebody changed the resource since the caller read it."""


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
    stages = {one.block.stage.name: one.block.stage for one in used}
    return sorted(name for name, stage in stages.items() if not has_role(user, Role.EDITOR, stage.scopes))


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
        blocks = list(Block.objects.select_for_update().filter(pk__in=used).order_by("pk"))
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
        return resource


def state_of_resource(pk: int, version: int) -> dict[str, Any] | None:
    """What people could change of a resource, as it was in a version; ``None`` where the history has no such one."""
    events = events_of(Resource).filter(pgh_obj_id=pk, version=version)
    found: dict[str, Any] | None = events.order_by("-pgh_id").values(*RESTORED).first()
    return found
