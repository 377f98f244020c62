"""Changing facts, taking a change back, and giving a fact back to the structure files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.db import transaction

from portal.history import because
from stages import following
from stages.facts import Entry, facts_of, is_lowered, names_of, taken, wrong_with
from stages.models import Category
from stages.restructuring.common import RestructureRefused, StaleEntry, locked, tell, word_of

if TYPE_CHECKING:
    from portal.models import User


def change_facts(
    *, entry: Entry, values: Mapping[str, Any], actor: User | None, reason: str = "", version: int | None = None
) -> list[str]:
    """Change facts; the names of those that changed. Lowering a category's maturity needs a reason.

    ``version`` is the one that the values were made from. What others changed since stays; where both changed the
    same fact nothing is saved, and ``StaleEntry`` says which.
    """
    with transaction.atomic(), because(reason or "edited", actor=actor):
        entry = locked(entry, None)
        if version is not None and version != entry.version:
            values = _merged(entry, values, version)
        changed = [name for name, value in values.items() if getattr(entry, name) != value]
        if not changed:
            return []
        for name, sentence in wrong_with(entry, values).items():
            raise RestructureRefused(sentence, name)
        if is_lowered(entry, values):
            if not reason.strip():
                raise RestructureRefused("Lowering the maturity needs a reason.", "reason")
            assert isinstance(entry, Category)  # noqa: S101
            entry.maturity_reason = reason.strip()
        for name in changed:
            setattr(entry, name, values[name])
        entry.version += 1
        entry.save()
        tell([entry], actor)
        following.changed(following.stages_of(entry), actor, f"changed facts of {word_of(entry)}")
    return changed


def _merged(entry: Entry, values: Mapping[str, Any], version: int) -> dict[str, Any]:
    """What the caller changed; refused where somebody else changed the same to something else."""
    base = state_of_version(entry, version)
    if base is None:
        raise StaleEntry(entry)
    mine = {name: value for name, value in values.items() if value != base[name]}
    both = [name for name, value in mine.items() if getattr(entry, name) not in (base[name], value)]
    if both:
        raise StaleEntry(entry, both)
    return mine


def state_of_version(entry: Entry, version: int) -> dict[str, Any] | None:
    """The facts of a version; ``None`` where the history does not have it."""
    events = entry.events.filter(version=version)  # type: ignore[union-attr]
    found: dict[str, Any] | None = events.order_by("-pgh_id").values(*names_of(type(entry))).first()
    return found


def give_back(*, entry: Entry, names: Iterable[str], actor: User | None, version: int | None = None) -> list[str]:
    """Let facts be what the structure files say again; later imports then bring them up to date."""
    known = {fact.name: fact.label for fact in facts_of(type(entry))}
    wanted = list(dict.fromkeys(names))
    for name in wanted:
        if name not in known:
            raise RestructureRefused(f"There is no fact {name}.", name)
        if name not in entry.imported:
            raise RestructureRefused(f"The structure files say nothing of it: {known[name]}.", name)
    values = {name: taken(name, entry.imported[name]) for name in wanted}
    told = ", ".join(known[name] for name in wanted)
    return change_facts(
        entry=entry, values=values, actor=actor, reason=f"Given back to the structure files: {told}", version=version
    )


def restore_facts(
    *, entry: Entry, version: int, actor: User | None, reason: str = "", made_from: int | None = None
) -> list[str]:
    """Bring the facts of an earlier version back; what was in between stays in the history."""
    values = state_of_version(entry, version)
    if values is None:
        raise RestructureRefused(f"The history has no version {version} of {entry.name}.")
    why = reason or f"Restored version {version}"
    return change_facts(entry=entry, values=values, actor=actor, reason=why, version=made_from)
