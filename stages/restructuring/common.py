"""What all changes of the structure share: refusing, locking, keeping the record, telling others."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import connection, transaction
from django.utils import timezone

from portal.people import rename_scope
from stages import following
from stages.facts import Entry, kind_of
from stages.models import FormerKey, Succession
from stages.models.structure import KEY, KEY_PATTERN
from stages.names import folded, without_word
from stages.signals import structure_changed

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from portal.models import User

One = TypeVar("One", bound=Entry)
NAMES_LOCK = 7_405_002
"""Whoever gives names or keys waits for the one before, to the end of its transaction."""

WORDS = {
    "created": "made", "renamed": "renamed", "moved": "moved", "split": "split", "merged": "merged",
    "retired": "retired", "restored": "brought back",
}  # fmt: skip
"""What people call what happened to an entry."""

RESERVED = {
    "stage": frozenset(
        {"blocks", "board", "compare", "conflicts", "crash-course", "export", "import", "links", "new",
         "resources", "starting-points", "suggestions", "texts"}
    ),
}  # fmt: skip
"""What addresses use themselves beside keys."""


class RestructureRefused(Exception):
    """A change that must not be made, with the sentence that says why."""

    def __init__(self, sentence: str, field: str = "") -> None:
        self.field = field
        super().__init__(sentence)


class StaleEntry(Exception):
    """Somebody changed the entry since the caller read it; ``fields`` are what both changed, where that is known."""

    def __init__(self, entry: Entry, fields: Iterable[str] = ()) -> None:
        self.entry, self.fields = entry, tuple(fields)
        super().__init__(f"{entry.name} is at version {entry.version} by now.")


def locked(entry: One, version: int | None, *, deleting: bool = False) -> One:
    """The entry as it stands, kept from others until the end of the transaction; it must be at ``version``.

    The caller's own object is brought up to date, so that it shows what the verb did. Only who is ``deleting`` it keeps
    others from putting something under it: else who has the lock for names and makes something there would wait for who
    has the entry and asks for a name.
    """
    rows: QuerySet[Any] = type(entry)._default_manager.select_for_update(no_key=not deleting)
    entry.refresh_from_db(from_queryset=rows)
    if version is not None and entry.version != version:
        raise StaleEntry(entry)
    return entry


def one_name(text: str) -> str:
    """A name on one line; one is needed, and it fits."""
    name = " ".join(text.split())
    if not name:
        raise RestructureRefused("Give a name.", "name")
    if len(name) > 200:
        raise RestructureRefused(f"The name is {len(name)} characters long; at most 200 fit.", "name")
    if "\x00" in name:
        raise RestructureRefused("The name holds a NUL character, which cannot be stored.", "name")
    return name


def one_at_a_time() -> None:
    """Let nobody else give a name or key until this transaction ends, since whether one is free is asked first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NAMES_LOCK])


def free_name(model: type[Entry], text: str, entry: Entry | None = None) -> str:
    """A name that can be given: of a section or stage none that another in use has.

    The handbook page tells sections and stages apart by their names alone.
    """
    name, word = one_name(text), model.__name__.lower()
    if word not in ("section", "stage") or (entry is not None and entry.name == name):
        return name
    others = model._default_manager.filter(retired_on=None)
    if entry is not None:
        others = others.exclude(pk=entry.pk)
    wanted = folded(without_word(name))
    for other in others.values_list("name", flat=True):
        if folded(without_word(other)) == wanted:
            raise RestructureRefused(f"There is a {word} {other} already, and pages tell them apart by name.", "name")
    return name


def free_key(model: type[Entry], key: str, entry: Entry | None = None) -> str:
    """A key that can be given: well formed, no other's, and no old address of another one."""
    word = model.__name__.lower()
    if len(key) > 100 or not re.match(KEY_PATTERN, key):
        raise RestructureRefused(str(KEY.message), "key")
    if key == "bulk" or key in RESERVED.get(word, ()):
        raise RestructureRefused(f"The address {key} is used by a page of the catalog; choose another key.", "key")
    others = model._default_manager.filter(key=key)
    if entry is not None:
        others = others.exclude(pk=entry.pk)
    if others.exists():
        raise RestructureRefused(f"There is a {word} with the key {key} already.", "key")
    former = FormerKey.objects.filter(kind=word, key=key).exclude(target_key=entry.key if entry else "").first()
    if former is not None:
        raise RestructureRefused(f"Old links with the key {key} lead to {former.target_key}; choose another.", "key")
    return key


def lead_on(kind: str, before: str, after: str) -> None:
    """Let an old key lead to the new one, with all that led to it; the roles within it go along."""
    FormerKey.objects.filter(kind=kind, key=after).delete()
    FormerKey.objects.filter(kind=kind, target_key=before).update(target_key=after)
    FormerKey.objects.update_or_create(kind=kind, key=before, defaults={"target_key": after})
    rename_scope(before=f"{kind}:{before}", after=f"{kind}:{after}")


def not_ahead(on: date) -> date:
    """A day that has come: a change takes effect when it is made, so one that lies ahead would be untrue."""
    if on > today():
        raise RestructureRefused(
            f"{on:%-d %b %Y} lies ahead. Make the change on the day, or choose an earlier one.", "on"
        )
    return on


def record(
    entry: Entry,
    how: str,
    from_: tuple[str, str],
    to: tuple[str, str],
    actor: User | None,
    on: date,
    reason: str,
    *,
    took: dict[str, Any] | None = None,
    undoes: Succession | None = None,
    also: Entry | None = None,
) -> Succession:
    """Keep what happened to the structure, with what it took along, and tell who follows the stages that it touched.

    ``also`` is the other entry that it touched: where it came from, or what took it in.
    """
    touched = [*following.stages_of(entry), *(following.stages_of(also) if also else ())]
    following.changed(touched, actor, in_words(how, kind_of(entry), from_[1], to[1]))
    return Succession.objects.create(
        kind=kind_of(entry), how=how, from_key=from_[0], from_name=from_[1][:200], to_key=to[0], to_name=to[1][:200],
        on=on, reason=reason[:1000], actor=actor, entry=entry.pk, took=took or {}, undoes=undoes,
    )  # fmt: skip


def in_words(how: str, kind: str, name: str, new: str = "") -> str:
    """A change of the structure in a few words: "merged the stage Package into Create"."""
    if how == "split":
        return f"split {new} off the {kind} {name}"
    to = {"renamed": "to", "moved": "to", "merged": "into"}.get(how) if new not in ("", name) else None
    return f"{WORDS.get(how, how)} the {kind} {name}" + (f" {to} {new}" if to else "")


def tell(entries: Iterable[Entry], actor: User | None) -> None:
    """Tell higher layers after the commit."""
    keys = frozenset(f"{kind_of(entry)}:{entry.key}" for entry in entries)
    transaction.on_commit(lambda: structure_changed.send(sender=tell, keys=keys, actor=actor))


def word_of(entry: Entry) -> str:
    """The entry with its kind, for sentences."""
    return f"the {kind_of(entry)} {entry.name}"


def today() -> date:
    """The day of now in UTC."""
    return timezone.now().date()


def named(names: Iterable[str]) -> str:
    """Names in a sentence; of many the first few."""
    listed = list(names)
    more = f" and {len(listed) - 8} more" if len(listed) > 8 else ""
    return ", ".join(listed[:8]) + more
