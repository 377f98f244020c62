"""A change of the structure as somebody asks for it, by keys; page and API hand it over in the same words.

``carry_out`` finds what the keys mean, asks whether this person may, and calls the verb.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, cast

from django.core.exceptions import PermissionDenied

from portal.permissions import has_role
from portal.roles import Role
from stages.facts import MODELS, PARENT_OF, PART_OF, Entry, kind_of
from stages.models import BlockKind, Category, Group, Section, Stage
from stages.restructuring.common import RestructureRefused, word_of
from stages.restructuring.joining import merge, split
from stages.restructuring.lifecycle import (
    Parent,
    bring_back,
    create,
    delete,
    move,
    place_category,
    rename,
    retire,
)

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser
    from django.db.models import QuerySet

    from portal.models import User


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What to do to an entry. ``parents``, ``target`` and ``taking`` are keys."""

    action: str
    on: date
    reason: str = ""
    name: str = ""
    key: str = ""
    parents: Sequence[str] = ()
    target: str = ""
    taking: Sequence[str] = ()
    kinds: Sequence[str] = ()


def find(kind: str, key: str, field: str = "") -> Entry:
    """The entry of a key, with what its scopes need; refused with a sentence where there is none."""
    found = entries(kind).filter(key=key).first() if "\x00" not in key else None
    if found is None:
        raise RestructureRefused(f"There is no {kind} with the key {key[:100]!r}.", field or kind)
    return cast(Entry, found)


def numbered(kind: str, number: int) -> Entry:
    """The entry of a number, which a record keeps; refused where it was deleted since."""
    found = entries(kind).filter(pk=number).first()
    if found is None:
        raise RestructureRefused(f"A {kind} that it has to do with was deleted since.")
    return cast(Entry, found)


def entries(kind: str) -> QuerySet[Any]:
    """All entries of a kind with what their scopes need."""
    model = MODELS[kind]
    if model is Stage:
        return Stage.objects.select_related("section")
    if model is Group:
        return Group.objects.select_related("stage__section")
    if model is Category:
        return Category.objects.select_related("stage__section").prefetch_related("groups__stage__section")
    return Section.objects.all()


def may_edit(user: User | AnonymousUser, entry: Entry) -> bool:
    """Whether this person is an editor of the entry."""
    return has_role(user, Role.EDITOR, entry.scopes)


def must_edit(user: User, *wanted: Entry) -> None:
    """Refuse who is no editor of all of these."""
    for entry in wanted:
        if not may_edit(user, entry):
            raise PermissionDenied(f"This needs the role editor for {word_of(entry)}.")


def may_create(user: User | AnonymousUser, parents: Iterable[Entry]) -> bool:
    """Whether this person may make something under these; without a parent only an editor of everything may."""
    listed = list(parents)
    return all(may_edit(user, parent) for parent in listed) if listed else has_role(user, Role.EDITOR)


def must_create(user: User, parents: Sequence[Entry]) -> None:
    """Refuse who may not make something under these."""
    if not may_create(user, parents):
        where = " and ".join(word_of(parent) for parent in parents) or "everything"
        raise PermissionDenied(f"This makes something new and needs the role editor for {where}.")


def may_split(user: User | AnonymousUser, entry: Entry) -> bool:
    """Whether this person may make another entry beside this one."""
    return may_create(user, parents_of(entry))


def parents_of(entry: Entry) -> list[Entry]:
    """What it stands under, and what is split off from it too."""
    if isinstance(entry, Stage):
        return [entry.section] if entry.section else []
    if isinstance(entry, Group):
        return [entry.stage]
    return list(entry.groups.all()) if isinstance(entry, Category) else []


def make(kind: str, wish: Wish, user: User) -> Entry:
    """Make an entry."""
    parents = [find(PARENT_OF[kind], key) for key in wish.parents] if kind in PARENT_OF else []
    must_create(user, parents)
    return create(
        kind=kind, key=wish.key, name=wish.name, parents=cast("list[Parent]", parents), actor=user, on=wish.on,
        reason=wish.reason,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Meant:
    """The entries that a wish is about beside the one that it changes."""

    parents: tuple[Entry, ...] = ()
    target: Entry | None = None
    taking: tuple[Entry, ...] = ()


def meant_by(entry: Entry, wish: Wish, user: User) -> Meant:
    """What the keys of a wish mean; refused where there is none such, or this person may not edit all it touches."""
    must_edit(user, entry)
    kind = kind_of(entry)
    if wish.action == "merge":
        target = find(kind, wish.target, "target")
        must_edit(user, target)
        return Meant(target=target)
    if wish.action == "split":
        part = PART_OF.get(kind, "")
        if wish.taking and not part:
            raise RestructureRefused("A category has no parts that could go with it.", "taking")
        must_create(user, parents_of(entry))
        unknown = [one for one in wish.kinds if one not in BlockKind.values]
        if unknown:
            raise RestructureRefused(f"There is no kind of block {unknown[0][:40]!r}.", "kinds")
        return Meant(taking=tuple(find(part, key, "taking") for key in wish.taking))
    if wish.action == "move":
        return Meant(parents=tuple(_parents_meant(entry, wish, user)))
    return Meant()


def _parents_meant(entry: Entry, wish: Wish, user: User) -> list[Entry]:
    kind = kind_of(entry)
    if kind not in PARENT_OF:
        raise RestructureRefused("A section belongs to nothing, so it cannot be moved.", "parents")
    parents = [find(PARENT_OF[kind], key) for key in wish.parents]
    staying = set(entry.groups.values_list("pk", flat=True)) if isinstance(entry, Category) else set()
    if not isinstance(entry, Category) and len(parents) != 1:
        raise RestructureRefused(f"Choose one {PARENT_OF[kind]}.", PARENT_OF[kind])
    must_edit(user, *(parent for parent in parents if parent.pk not in staying))
    return parents


def carry_out(entry: Entry, wish: Wish, user: User, version: int | None = None) -> Entry | None:
    """Do it; the entry to look at afterwards, ``None`` where there is none any more."""
    meant = meant_by(entry, wish, user)
    on, reason = wish.on, wish.reason
    if wish.action == "rename":
        rename(entry=entry, name=wish.name, key=wish.key or None, actor=user, on=on, reason=reason, version=version)
    elif wish.action == "move" and isinstance(entry, Category):
        groups = cast("tuple[Group, ...]", meant.parents)
        place_category(entry=entry, groups=groups, actor=user, on=on, reason=reason, version=version)
    elif wish.action == "move":
        parent = cast("Section | Stage", meant.parents[0])
        move(entry=entry, parent=parent, actor=user, on=on, reason=reason, version=version)
    elif wish.action == "merge" and meant.target is not None:
        merge(source=entry, target=meant.target, actor=user, on=on, reason=reason, version=version)
        return meant.target
    elif wish.action == "split":
        return split(
            source=entry, key=wish.key, name=wish.name, taking=meant.taking, kinds=wish.kinds, actor=user, on=on,
            reason=reason, version=version,
        )  # fmt: skip
    elif wish.action == "retire":
        retire(entry=entry, actor=user, on=on, reason=reason, version=version)
    elif wish.action == "bring_back":
        bring_back(entry=entry, actor=user, on=on, reason=reason, version=version)
    elif wish.action == "delete":
        delete(entry=entry, actor=user, version=version)
        return None
    else:
        raise RestructureRefused("Choose what to do.", "action")
    return entry
