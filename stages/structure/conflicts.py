"""What the structure files and the portal both changed: shown, and decided by an editor of the entry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from portal.history import because
from stages.derived import ROLES
from stages.models import Category, Group, Section, Stage, StructureConflict
from stages.signals import structure_changed
from stages.structure.sync import assign

if TYPE_CHECKING:
    from portal.models import User

Entry = Section | Stage | Group | Category
MODELS: dict[str, type[Entry]] = {"section": Section, "stage": Stage, "group": Group, "category": Category}
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

    conflict: StructureConflict
    entry: Entry

    @property
    def field(self) -> str:
        """The field as people say it."""
        return in_words(self.conflict.field)

    @property
    def sentence(self) -> str:
        """What is in dispute."""
        return f"The structure files and an edit disagree about the {self.field} of {self.entry.name}."

    @property
    def scopes(self) -> tuple[str, ...]:
        """The role scopes within which an editor may decide it."""
        if not isinstance(self.entry, Category):
            return self.entry.scopes
        groups = tuple(scope for group in self.entry.groups.all() for scope in group.scopes)
        return groups or (self.entry.stage.scopes if self.entry.stage else ())


def disagreements(conflicts: Iterable[StructureConflict] | None = None) -> list[Disagreement]:
    """The open conflicts with their entries; a query per kind that is met."""
    found = list(StructureConflict.objects.filter(state="open") if conflicts is None else conflicts)
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
def decide(*, conflict: StructureConflict, take_file: bool, actor: User) -> None:
    """Keep the portal's value, or take the file's. What was decided already stays decided."""
    locked = StructureConflict.objects.select_for_update(of=("self",)).get(pk=conflict.pk)
    if locked.state != StructureConflict.State.OPEN:
        return
    if take_file:
        _take(locked, actor)
    locked.state = StructureConflict.State.SOURCE if take_file else StructureConflict.State.PORTAL
    locked.decided_by, locked.decided_at = actor, timezone.now()
    locked.save()


def _take(conflict: StructureConflict, actor: User) -> None:
    row = MODELS[conflict.kind]._default_manager.select_for_update().get(pk=conflict.entry)
    parents = {
        name: {one.key: one for one in model._default_manager.all()}
        for name, model in PARENTS.get(conflict.kind, {}).items()
    }
    with because("Took the file's value", actor=actor):
        assign(row, conflict.field, conflict.file_value, parents)
        row.version += 1
        row.save()
    keys = frozenset({f"{conflict.kind}:{row.key}"})
    transaction.on_commit(lambda: structure_changed.send(sender=decide, keys=keys, actor=actor))
