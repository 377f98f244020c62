"""Making, renaming, moving, retiring and deleting entries of the structure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Max, ProtectedError
from django.utils import timezone

from portal.history import because
from portal.people import forget_scope
from stages.facts import MODELS, Entry, kind_of
from stages.models import Category, FormerKey, Group, PlannedChange, Section, Stage, Succession
from stages.planned import OPEN
from stages.restructuring.common import (
    RestructureRefused,
    free_key,
    free_name,
    lead_on,
    locked,
    named,
    not_ahead,
    one_at_a_time,
    one_name,
    record,
    tell,
    today,
)

if TYPE_CHECKING:
    from portal.models import User

Parent = Section | Stage | Group


def create(
    *, kind: str, key: str, name: str, parents: Sequence[Parent] = (), actor: User | None, on: date, reason: str = ""
) -> Entry:
    """Make a section, a stage of a section, a group of a stage, or a category of some groups."""
    model = MODELS[kind]
    with transaction.atomic(), because(reason or "made", actor=actor):
        must_stand(*parents)
        one_at_a_time()
        key, name = free_key(model, key), free_name(model, name)
        order = 1 + (model._default_manager.aggregate(last=Max("order"))["last"] or 0)
        entry = model(key=key, name=name, order=order, in_structure=False)
        if isinstance(entry, Stage):
            entry.section = _only(Section, parents, "A stage belongs to one section, or to none.", optional=True)  # type: ignore[assignment]
        elif isinstance(entry, Group):
            entry.stage = _only(Stage, parents, "A group belongs to one stage.")  # type: ignore[assignment]
        elif isinstance(entry, Section) and parents:
            raise RestructureRefused("A section belongs to nothing.")
        elif isinstance(entry, Category):
            groups = [parent for parent in parents if isinstance(parent, Group)]
            if len(groups) != len(parents) or not groups:
                raise RestructureRefused("A category belongs to one group or more.", "groups")
            entry.stage = groups[0].stage
        entry.save()
        if isinstance(entry, Category):
            entry.groups.set([parent.pk for parent in parents])
        took = {"groups": [parent.pk for parent in parents]} if isinstance(entry, Category) else {}
        record(entry, "created", (key, name), (key, name), actor, not_ahead(on), reason, took=took)
        tell([entry], actor)
    return entry


def _only(model: type[Parent], parents: Sequence[Parent], sentence: str, *, optional: bool = False) -> Parent | None:
    fitting = [parent for parent in parents if isinstance(parent, model)]
    if len(fitting) != len(parents) or len(fitting) > 1 or not (fitting or optional):
        raise RestructureRefused(sentence, model.__name__.lower())
    return fitting[0] if fitting else None


def rename(
    *,
    entry: Entry,
    name: str,
    key: str | None,
    actor: User | None,
    on: date,
    reason: str = "",
    version: int | None = None,
    undoes: Succession | None = None,
) -> None:
    """Give another name, and another key if wanted; the old key leads on, and roles within it go with it."""
    name = one_name(name)
    with transaction.atomic(), because(reason or "renamed", actor=actor):
        entry = locked(entry, version)
        one_at_a_time()
        name = free_name(type(entry), name, entry)
        before, kind = (entry.key, entry.name), kind_of(entry)
        key = free_key(type(entry), key, entry) if key and key != entry.key else entry.key
        if before == (key, name):
            return
        if key != entry.key:
            lead_on(kind, entry.key, key)
        entry.key, entry.name = key, name
        entry.version += 1
        entry.save()
        record(entry, "renamed", before, (key, name), actor, not_ahead(on), reason, undoes=undoes)
        tell([entry], actor)


def move(
    *,
    entry: Entry,
    parent: Section | Stage | None,
    actor: User | None,
    on: date,
    reason: str = "",
    version: int | None = None,
    undoes: Succession | None = None,
) -> None:
    """Put a stage under another section (or, with ``None``, in none), or a group under another stage."""
    if parent is None:
        if not isinstance(entry, Stage):
            raise RestructureRefused(f"A {kind_of(entry)} belongs to something.")
    elif (type(entry), type(parent)) not in ((Stage, Section), (Group, Stage)):
        raise RestructureRefused(f"A {kind_of(entry)} cannot be put under a {kind_of(parent)}: that would be a circle.")
    with transaction.atomic(), because(reason or "moved", actor=actor):
        if parent is not None:
            must_stand(parent)
        entry = locked(entry, version)
        before: Section | Stage | None = None
        if isinstance(entry, Stage) and not isinstance(parent, Stage):
            before, entry.section = entry.section, parent
        elif isinstance(entry, Group) and isinstance(parent, Stage):
            before, entry.stage = entry.stage, parent
        if before == parent:
            return
        entry.version += 1
        entry.save()
        from_ = (entry.key, f"{entry.name} (of {before.name})" if before else entry.name)
        to = (entry.key, f"{entry.name} (of {parent.name})" if parent else entry.name)
        took = {"from": before.pk if before else None, "to": parent.pk if parent else None}
        record(entry, "moved", from_, to, actor, not_ahead(on), reason, took=took, undoes=undoes, also=before)
        tell([entry], actor)


def place_category(
    *,
    entry: Category,
    groups: Iterable[Group],
    actor: User | None,
    on: date,
    reason: str = "",
    version: int | None = None,
    undoes: Succession | None = None,
) -> None:
    """Say which groups build a category; its own stage becomes that of the first unless one of them is in it."""
    chosen = list(dict.fromkeys(groups))
    with transaction.atomic(), because(reason or "moved", actor=actor):
        must_stand(*chosen)
        entry = locked(entry, version)
        before = list(entry.groups.order_by("name"))
        if {group.pk for group in before} == {group.pk for group in chosen}:
            return
        entry.groups.set([group.pk for group in chosen])
        took = {"groups": [group.pk for group in before], "to": [group.pk for group in chosen], "stage": entry.stage_id}
        if chosen and entry.stage_id not in {group.stage_id for group in chosen}:
            entry.stage = chosen[0].stage
        entry.version += 1
        entry.save()
        of = named(sorted(group.name for group in before)) or "no group"
        to = named(sorted(group.name for group in chosen)) or "no group"
        from_ = (entry.key, f"{entry.name} (of {of})")
        said = (entry.key, f"{entry.name} (of {to})")
        record(entry, "moved", from_, said, actor, not_ahead(on), reason, took=took, undoes=undoes)
        tell([entry, *before, *chosen], actor)


def retire(
    *,
    entry: Entry,
    actor: User | None,
    on: date,
    reason: str,
    version: int | None = None,
    undoes: Succession | None = None,
) -> None:
    """Say that it is no more, from a day on. Its page, history and links stay."""
    with transaction.atomic(), because(reason or "retired", actor=actor):
        entry = locked(entry, version)
        if entry.retired_on is not None:
            raise RestructureRefused(f"{entry.name} was retired on {entry.retired_on:%-d %b %Y} already.")
        used = dependants(entry)
        if used:
            raise RestructureRefused(f"{entry.name} cannot be retired: {used} Move or retire them first.")
        entry.retired_on = not_ahead(on)
        entry.version += 1
        entry.save()
        record(entry, "retired", (entry.key, entry.name), ("", ""), actor, on, reason, undoes=undoes)
        tell([entry], actor)


def bring_back(
    *,
    entry: Entry,
    actor: User | None,
    on: date,
    reason: str = "",
    version: int | None = None,
    undoes: Succession | None = None,
) -> None:
    """Take back that it was retired."""
    with transaction.atomic(), because(reason or "brought back", actor=actor):
        entry = locked(entry, version)
        if entry.retired_on is None:
            return
        must_fit_again(entry)
        took = {"retired_on": entry.retired_on.isoformat()}
        entry.retired_on = None
        entry.version += 1
        entry.save()
        same = (entry.key, entry.name)
        record(entry, "restored", same, same, actor, not_ahead(on), reason, took=took, undoes=undoes)
        tell([entry], actor)


def must_fit_again(entry: Entry) -> None:
    """Refuse to bring back what has no place any more: under what is retired, or its name is another's by now."""
    parent = entry.section if isinstance(entry, Stage) else entry.stage if isinstance(entry, Group) else None
    if parent is not None:
        must_stand(parent)
    one_at_a_time()
    free_name(type(entry), entry.name)


def must_stand(*parents: Parent) -> None:
    """Refuse what is retired: nothing is put under it. Whoever would retire or delete one of them meanwhile waits."""
    for parent in sorted(parents, key=lambda one: one.pk):
        if locked(parent, None).retired_on is not None:
            raise RestructureRefused(f"{parent.name} is retired; nothing is put under it. Bring it back first.")


def dependants(entry: Entry) -> str:
    """What still refers to it, as a sentence; empty when nothing does."""
    if isinstance(entry, Section):
        names = list(entry.stages.filter(retired_on=None).values_list("name", flat=True))
        return f"the stages {named(names)} belong to it." if names else ""
    if isinstance(entry, Stage):
        names = list(entry.groups.filter(retired_on=None).values_list("name", flat=True))
        return f"the groups {named(names)} belong to it." if names else ""
    if isinstance(entry, Group):
        elsewhere = Group.objects.filter(retired_on=None).exclude(pk=entry.pk)
        only = entry.categories.filter(retired_on=None).exclude(pk__in=Category.objects.filter(groups__in=elsewhere))
        names = list(only.values_list("name", flat=True))
        return f"no other group builds the categories {named(names)}." if names else ""
    return ""


def delete(
    *,
    entry: Entry,
    actor: User | None,
    reason: str = "",
    version: int | None = None,
    undoes: Succession | None = None,
) -> None:
    """Delete what was made by mistake. What anything refers to is not deleted but retired."""
    with transaction.atomic(), because(reason or "deleted", actor=actor):
        entry = locked(entry, version, deleting=True)
        told = " ".join(reasons_to_keep(entry))
        if told:
            raise RestructureRefused(f"{entry.name} is not deleted: {told} Retire it instead.")
        record(entry, "deleted", (entry.key, entry.name), ("", ""), actor, today(), reason, undoes=undoes)
        FormerKey.objects.filter(kind=kind_of(entry), target_key=entry.key).delete()
        forget_scope(scope=f"{kind_of(entry)}:{entry.key}")
        # What was planned for it could not be done, seen or cancelled any more.
        PlannedChange.objects.filter(kind=kind_of(entry), entry=entry.pk, state__in=OPEN).update(
            state=PlannedChange.State.CANCELLED, sentence="It was deleted.", settled_at=timezone.now(), settled_by=actor
        )
        tell([entry], actor)
        try:
            with transaction.atomic():
                if isinstance(entry, Stage):
                    entry.blocks.all().delete()
                entry.delete()
        except ProtectedError as error:
            kinds = sorted({str(type(one)._meta.verbose_name_plural) for one in error.protected_objects})
            sentence = f"{entry.name} is not deleted: {named(kinds)} refer to it. Retire it instead."
            raise RestructureRefused(sentence) from error


def reasons_to_keep(entry: Entry) -> list[str]:
    """Why it must not be deleted, as sentences; none where nothing would be lost."""
    reasons = [dependants(entry)]
    if isinstance(entry, Stage) and entry.blocks.filter(version__gt=0).exists():
        reasons.append("it has a page with content.")
    if isinstance(entry, Stage) and entry.suggestions.exists():
        reasons.append("somebody made suggestions for it.")
    below = entry.stages if isinstance(entry, Section) else entry.groups if isinstance(entry, Stage) else None
    if below is not None and below.exclude(retired_on=None).exists():
        reasons.append("retired entries belong to it.")
    if isinstance(entry, Section) and entry.texts.exists():
        reasons.append("texts of the page stand in it.")
    if isinstance(entry, Stage) and entry.own_categories.exists():
        reasons.append("categories name it.")
    if isinstance(entry, Group) and (entry.categories.exists() or entry.placements.exists()):
        reasons.append("categories or resources belong to it.")
    if isinstance(entry, Category) and entry.groups.exists():
        reasons.append("groups build it.")
    if entry.imported:
        reasons.append("it stands in the structure files.")
    return [reason for reason in reasons if reason]
