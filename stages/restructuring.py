"""Changes of the structure made in the portal: rename, move, split, merge, retire, and single fields.

Nothing is lost: old keys lead on, retired things keep their page, and each change is told with its date and reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from portal.history import because
from stages.content import BlockContent
from stages.editing import content_of, save_block
from stages.models import Category, FormerKey, Group, Maturity, Section, Stage, Succession
from stages.models.structure import KEY, KEY_PATTERN
from stages.signals import structure_changed

if TYPE_CHECKING:
    from portal.models import User

Entry = Section | Stage | Group | Category
RANK = {value: position for position, value in enumerate(Maturity.values)}


class RestructureRefused(Exception):
    """A change that must not be made, with the sentence that says why."""

    def __init__(self, sentence: str, field: str = "") -> None:
        self.field = field
        super().__init__(sentence)


def kind_of(entry: Entry) -> str:
    """The word for it: section, stage, group or category."""
    return type(entry).__name__.lower()


def change_fields(*, entry: Entry, values: Mapping[str, Any], actor: User | None, reason: str = "") -> list[str]:
    """Change single fields. Lowering a category's maturity needs a reason. Names of the fields that changed."""
    changed = [name for name, value in values.items() if getattr(entry, name) != value]
    if not changed:
        return []
    if isinstance(entry, Category) and "maturity" in changed:
        lowered = RANK.get(values["maturity"], 0) < RANK.get(entry.maturity, 0)
        if lowered and not reason.strip():
            raise RestructureRefused("Lowering the maturity needs a reason.", "reason")
        if lowered:
            entry.maturity_reason = reason.strip()
    with transaction.atomic(), because(reason or "edited", actor=actor):
        for name in changed:
            setattr(entry, name, values[name])
        entry.version += 1
        entry.save()
        _tell([entry], actor)
    return changed


def rename(*, entry: Entry, name: str, key: str | None, actor: User | None, on: date, reason: str = "") -> None:
    """Give another name, and another key if wanted; the old key leads on."""
    name = " ".join(name.split())
    if not name:
        raise RestructureRefused("Give a name.", "name")
    key = key or entry.key
    model = type(entry)
    if key != entry.key:
        if not re.match(KEY_PATTERN, key):
            raise RestructureRefused(str(KEY.message), "key")
        if model._default_manager.filter(key=key).exclude(pk=entry.pk).exists():
            raise RestructureRefused(f"There is another {kind_of(entry)} with the key {key}.", "key")
    with transaction.atomic(), because(reason or "renamed", actor=actor):
        before = (entry.key, entry.name)
        if before == (key, name):
            return
        if key != entry.key:
            FormerKey.objects.filter(kind=kind_of(entry), key=key).delete()
            FormerKey.objects.filter(kind=kind_of(entry), target_key=entry.key).update(target_key=key)
            FormerKey.objects.update_or_create(kind=kind_of(entry), key=entry.key, defaults={"target_key": key})
        entry.key, entry.name = key, name
        entry.version += 1
        entry.save()
        _record(entry, "renamed", before, (key, name), actor, on, reason)
        _tell([entry], actor)


def move(*, entry: Stage | Group, parent: Section | Stage, actor: User | None, on: date, reason: str = "") -> None:
    """Put a stage under another section, or a group under another stage."""
    if isinstance(entry, Stage) != isinstance(parent, Section):
        raise RestructureRefused(f"A {kind_of(entry)} cannot be put under a {kind_of(parent)}: that would be a circle.")
    if parent.retired_on is not None:
        raise RestructureRefused(f"{parent.name} is retired; nothing is put under it.")
    before = entry.section if isinstance(entry, Stage) else entry.stage
    if before == parent:
        return
    with transaction.atomic(), because(reason or "moved", actor=actor):
        if isinstance(entry, Stage) and isinstance(parent, Section):
            entry.section = parent
        elif isinstance(entry, Group) and isinstance(parent, Stage):
            entry.stage = parent
        entry.version += 1
        entry.save()
        from_ = (entry.key, f"{entry.name} (of {before.name})" if before else entry.name)
        _record(entry, "moved", from_, (entry.key, f"{entry.name} (of {parent.name})"), actor, on, reason)
        _tell([entry], actor)


def retire(*, entry: Entry, actor: User | None, on: date, reason: str) -> None:
    """Say that it is no more, from a day on. Its page, history and links stay."""
    used = dependants(entry)
    if used:
        raise RestructureRefused(f"{entry.name} cannot be retired: {used} Move or retire them first.")
    with transaction.atomic(), because(reason or "retired", actor=actor):
        entry.retired_on = on
        entry.version += 1
        entry.save()
        _record(entry, "retired", (entry.key, entry.name), ("", ""), actor, on, reason)
        _tell([entry], actor)


def bring_back(*, entry: Entry, actor: User | None, on: date, reason: str = "") -> None:
    """Take back that it was retired."""
    if entry.retired_on is None:
        return
    with transaction.atomic(), because(reason or "brought back", actor=actor):
        entry.retired_on = None
        entry.version += 1
        entry.save()
        _record(entry, "restored", (entry.key, entry.name), (entry.key, entry.name), actor, on, reason)
        _tell([entry], actor)


def dependants(entry: Entry) -> str:
    """What still refers to it, as a sentence; empty when nothing does."""
    if isinstance(entry, Section):
        names = list(entry.stages.filter(retired_on=None).values_list("name", flat=True))
        return f"the stages {', '.join(names)} belong to it." if names else ""
    if isinstance(entry, Stage):
        names = list(entry.groups.filter(retired_on=None).values_list("name", flat=True))
        return f"the groups {', '.join(names)} belong to it." if names else ""
    return ""


def delete(*, entry: Entry, actor: User | None) -> None:
    """Delete what was made by mistake. What anything refers to is not deleted but retired."""
    reasons = [dependants(entry)]
    if isinstance(entry, Stage):
        reasons.append("it has a page with content." if entry.blocks.filter(version__gt=0).exists() else "")
    if (isinstance(entry, Section) and entry.stages.exists()) or (isinstance(entry, Stage) and entry.groups.exists()):
        reasons.append("retired entries belong to it.")
    if isinstance(entry, Group) and (entry.categories.exists() or entry.placements.exists()):
        reasons.append("categories or resources belong to it.")
    if isinstance(entry, Category) and entry.groups.exists():
        reasons.append("groups build it.")
    if entry.imported:
        reasons.append("it stands in the structure files.")
    told = " ".join(reason for reason in reasons if reason)
    if told:
        raise RestructureRefused(f"{entry.name} is not deleted: {told} Retire it instead.")
    with transaction.atomic(), because("deleted", actor=actor):
        if isinstance(entry, Stage):
            entry.blocks.all().delete()
        entry.delete()


def merge_stages(*, source: Stage, target: Stage, actor: User | None, on: date, reason: str) -> None:
    """Put all of one stage into another: groups, categories, blocks. The first is retired and leads on."""
    if source == target:
        raise RestructureRefused("A stage cannot be merged into itself.")
    if target.retired_on is not None:
        raise RestructureRefused(f"{target.name} is retired; nothing is merged into it.")
    with transaction.atomic(), because(reason or "merged", actor=actor):
        source.groups.update(stage=target)
        source.own_categories.update(stage=target)
        for block in source.blocks.prefetch_related("placements__resource"):
            _append(target, block.kind, content_of(block), actor, f"Merged from {source.name}")
        source.retired_on = on
        source.version += 1
        source.save()
        _record(source, "merged", (source.key, source.name), (target.key, target.name), actor, on, reason)
        _tell([source, target], actor)


def split_stage(
    *,
    source: Stage,
    key: str,
    name: str,
    groups: Iterable[Group],
    kinds: Sequence[str],
    actor: User | None,
    on: date,
    reason: str,
) -> Stage:
    """Make a stage of some groups of another; the blocks of ``kinds`` are copied over, the first keeps its own."""
    if not re.match(KEY_PATTERN, key):
        raise RestructureRefused(str(KEY.message), "key")
    if Stage.objects.filter(key=key).exists():
        raise RestructureRefused(f"There is a stage with the key {key} already.", "key")
    chosen = list(groups)
    if any(group.stage_id != source.pk for group in chosen):
        raise RestructureRefused(f"Only groups of {source.name} can go with it.", "groups")
    with transaction.atomic(), because(reason or "split", actor=actor):
        new = Stage.objects.create(
            key=key, name=" ".join(name.split()) or key, section=source.section, order=source.order, in_structure=False
        )
        Group.objects.filter(pk__in=[group.pk for group in chosen]).update(stage=new)
        Category.objects.filter(stage=source, groups__in=chosen).exclude(groups__in=source.groups.all()).update(
            stage=new
        )
        for block in source.blocks.filter(kind__in=kinds).prefetch_related("placements__resource"):
            _append(new, block.kind, content_of(block), actor, f"Split off from {source.name}")
        _record(source, "split", (source.key, source.name), (new.key, new.name), actor, on, reason)
        _tell([source, new, *chosen], actor)
    return new


def _append(stage: Stage, kind: str, content: BlockContent, actor: User | None, reason: str) -> None:
    """Add content to a stage's block; what is there stays before it."""
    from stages.editing import find_block

    heading = content.heading if kind == "other" else ""
    existing = find_block(stage, kind, heading)
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
    save_block(
        stage=stage, kind=kind, heading=heading, content=merged, base_version=None, actor=actor, how="merge",
        reason=reason,
    )  # fmt: skip


def _record(
    entry: Entry,
    how: str,
    from_: tuple[str, str],
    to: tuple[str, str],
    actor: User | None,
    on: date,
    reason: str,
) -> None:
    Succession.objects.create(
        kind=kind_of(entry), how=how, from_key=from_[0], from_name=from_[1][:200], to_key=to[0], to_name=to[1][:200],
        on=on, reason=reason[:1000], actor=actor,
    )  # fmt: skip


def _tell(entries: Iterable[Entry], actor: User | None) -> None:
    keys = frozenset(f"{kind_of(entry)}:{entry.key}" for entry in entries)
    transaction.on_commit(lambda: structure_changed.send(sender=_tell, keys=keys, actor=actor))


def today() -> date:
    """The day of now in UTC."""
    return timezone.now().date()
