"""Fields that an import and the portal both changed: kept, shown, and decided by an editor of the entry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from portal.history import because
from stages import facts
from stages.collaboration import Refused
from stages.derived import ROLES
from stages.models import Category, FieldConflict, Group, PageText, Section, Stage, StartingPoint
from stages.models.structure import Structural
from stages.restructuring import RestructureRefused, move, rename, today
from stages.signals import structure_changed
from stages.structure.values import assign

if TYPE_CHECKING:
    from portal.models import User

Entry = Section | Stage | Group | Category | StartingPoint | PageText
MODELS: dict[str, type[Entry]] = {**facts.MODELS, "start": StartingPoint, "text": PageText}
KINDS = {model: kind for kind, model in MODELS.items()}
PARENTS: dict[str, dict[str, type[Section] | type[Stage]]] = {
    "stage": {"section": Section},
    "group": {"stage": Stage},
    "category": {"stage": Stage},
}
WORDS = {
    "slack_channel": "Slack channel",
    "pi_gmau": "GMAU chart",
    "pi_pgmau": "paid GMAU chart",
    "related_keys": "related stages",
    "spend_percent": "share of development spend",
    "extra": "other keys of the file",
}


def in_words(field: str) -> str:
    """The name of a field, or of a role that people have, as people say it.

    >>> in_words("slack_channel")
    'Slack channel'
    """
    return WORDS.get(field) or ROLES.get(field) or field.replace("_", " ")


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """A conflict with the entry that it is about."""

    conflict: FieldConflict
    entry: Entry

    @property
    def name(self) -> str:
        """What people call the entry."""
        return str(self.entry)

    @property
    def field(self) -> str:
        """The field as people say it."""
        return in_words(self.conflict.field)

    @property
    def ours(self) -> Any:
        """What the portal says: now, or when it was decided."""
        is_open = self.conflict.state == FieldConflict.State.OPEN
        return value_of(self.entry, self.conflict.field) if is_open else self.conflict.portal_value

    @property
    def sentence(self) -> str:
        """What is in dispute."""
        return f"The last import and an edit disagree about the {self.field} of {self.name}."

    @property
    def address(self) -> str:
        """Where the entry is shown."""
        if isinstance(self.entry, StartingPoint | PageText):
            return reverse("stages:crash-course")
        return self.entry.get_absolute_url()

    @property
    def scopes(self) -> tuple[str, ...]:
        """The role scopes within which an editor may decide it."""
        if isinstance(self.entry, StartingPoint | PageText):
            return ()
        if not isinstance(self.entry, Category):
            return self.entry.scopes
        groups = tuple(scope for group in self.entry.groups.all() for scope in group.scopes)
        return groups or (self.entry.stage.scopes if self.entry.stage else ())


def dispute(row: Entry, field: str, *, kept: Any, source_says: Any) -> None:
    """Keep that both sides changed a field; the portal's value stands until somebody decides."""
    FieldConflict.objects.update_or_create(
        kind=KINDS[type(row)],
        entry=row.pk,
        field=field,
        state="open",
        defaults={"portal_value": kept, "file_value": source_says, "run": None},
    )


def disagreements(conflicts: Iterable[FieldConflict] | None = None) -> list[Disagreement]:
    """The open conflicts with their entries; a query per kind that is met."""
    found = list(FieldConflict.objects.filter(state="open") if conflicts is None else conflicts)
    wanted: dict[str, list[int]] = defaultdict(list)
    for one in found:
        wanted[one.kind].append(one.entry)
    entries: dict[tuple[str, int], Entry] = {}
    for kind, pks in wanted.items():
        rows: Any = MODELS[kind]._default_manager.filter(pk__in=pks)
        if kind == "stage":
            rows = rows.select_related("section")
        elif kind == "group":
            rows = rows.select_related("stage__section")
        elif kind == "category":
            rows = rows.select_related("stage__section").prefetch_related("groups__stage__section")
        entries |= {(kind, row.pk): row for row in rows}
    return [
        Disagreement(conflict=one, entry=entries[one.kind, one.entry])
        for one in found
        if (one.kind, one.entry) in entries
    ]


@transaction.atomic
def decide(*, conflict: FieldConflict, take_source: bool, actor: User, reason: str = "") -> None:
    """Keep the portal's value, or take the file's. What was decided already stays decided.

    Refused with a sentence where the file's cannot be taken: a name that another stage has by now, say.
    """
    locked = FieldConflict.objects.select_for_update(of=("self",)).get(pk=conflict.pk)
    if locked.state != FieldConflict.State.OPEN:
        return
    row = MODELS[locked.kind]._default_manager.filter(pk=locked.entry).first()
    if row is not None:
        locked.portal_value = value_of(row, locked.field)
    if take_source:
        _assign(locked, locked.file_value, reason or "Took the source's value", actor)
    locked.state = FieldConflict.State.SOURCE if take_source else FieldConflict.State.PORTAL
    locked.decided_by, locked.decided_at, locked.reason = actor, timezone.now(), reason[:1000]
    locked.save()


@transaction.atomic
def take_back(*, conflict: FieldConflict, actor: User) -> None:
    """Take a decision back: it waits again, and the entry says what it said before.

    Refused where something newer would be lost.
    """
    locked = FieldConflict.objects.select_for_update(of=("self",)).get(pk=conflict.pk)
    if why := standing_in_the_way(locked):
        raise Refused(why)
    if locked.state == FieldConflict.State.SOURCE:
        _assign(locked, locked.portal_value, "Undone", actor)
    locked.state, locked.decided_by, locked.decided_at = FieldConflict.State.OPEN, None, None
    locked.save()


def standing_in_the_way(conflict: FieldConflict) -> str:
    """Why a decision cannot be taken back, as a sentence; empty where it can."""
    if conflict.state == FieldConflict.State.OPEN:
        return "It was taken back already."
    same = FieldConflict.objects.filter(kind=conflict.kind, entry=conflict.entry, field=conflict.field)
    if same.filter(pk__gt=conflict.pk).exists():
        return "Nothing was undone: a later import found it in dispute again."
    row = MODELS[conflict.kind]._default_manager.filter(pk=conflict.entry).first()
    if row is None:
        return "Nothing was undone: what it is about is no more."
    took = conflict.state == FieldConflict.State.SOURCE
    if took and (value_of(row, conflict.field) or "") != (conflict.file_value or ""):
        return "Nothing was undone: somebody changed it since. The history can bring any version back."
    return ""


def value_of(row: Entry, field: str) -> Any:
    """What the portal says, as a file writes it."""
    return row.written(field) if isinstance(row, Structural) else getattr(row, field)


def _assign(conflict: FieldConflict, value: Any, why: str, actor: User) -> None:
    """Give the field its value: a name and what something belongs to by the verbs that people use for them."""
    row = MODELS[conflict.kind]._default_manager.filter(pk=conflict.entry).first()
    if row is None:
        raise Refused("What it is about is no more.")
    parents = {
        name: {one.key: one for one in model._default_manager.all()}
        for name, model in PARENTS.get(conflict.kind, {}).items()
    }
    try:
        if conflict.field == "name" and isinstance(row, Structural):
            rename(entry=row, name=str(value or ""), key=None, actor=actor, on=today(), reason=why)
            return
        if conflict.field in parents and isinstance(row, Stage | Group):
            move(entry=row, parent=parents[conflict.field].get(value), actor=actor, on=today(), reason=why)
            return
    except RestructureRefused as error:
        raise Refused(f"Nothing was changed: {error}") from error
    row = MODELS[conflict.kind]._default_manager.select_for_update().get(pk=conflict.entry)
    with because(why, actor=actor):
        if isinstance(row, StartingPoint | PageText):
            row.take(conflict.field, str(value or ""))
        else:
            assign(row, conflict.field, value, parents)
        row.version += 1
        row.save()
    keys = frozenset({f"{conflict.kind}:{row.key}"}) if isinstance(row, Structural) else frozenset()
    transaction.on_commit(lambda: structure_changed.send(sender=decide, keys=keys, actor=actor))
