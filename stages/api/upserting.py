"""Making or changing an entry by its key, as a row of a bulk request says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stages.facts import MODELS, PARENT_OF, names_of
from stages.models import Category, FormerKey
from stages.restructuring import RestructureRefused, change_facts, today
from stages.restructuring.common import locked
from stages.restructuring.wishes import Wish, carry_out, entries, make, must_edit

if TYPE_CHECKING:
    from portal.models import User


def upsert(kind: str, row: dict[str, Any], user: User) -> str:
    """Make the entry, or bring name, parent and facts in line; what the row does not name stays. Returns the key."""
    on, reason = row.get("on") or today(), row["reason"]
    parents = named_parents(kind, row)
    key = FormerKey.objects.filter(kind=kind, key=row["key"]).values_list("target_key", flat=True).first()
    entry = entries(kind).filter(key=key or row["key"]).first()
    facts = {name: row[name] for name in names_of(MODELS[kind]) if name in row}
    if entry is None:
        if not row.get("name"):
            raise RestructureRefused(
                f"There is no {kind} with the key {row['key']} yet; give a name to make it.", "name"
            )
        entry = make(kind, Wish(action="create", on=on, reason=reason, name=row["name"], key=row["key"],
                                parents=parents or ()), user)  # fmt: skip
    else:
        must_edit(user, entry)
        if row.get("version") is not None:
            locked(entry, row["version"])
        if row.get("name") and row["name"] != entry.name:
            carry_out(entry, Wish(action="rename", on=on, reason=reason, name=row["name"]), user)
        if parents is not None and set(parents) != present_parents(entry):
            carry_out(entry, Wish(action="move", on=on, reason=reason, parents=parents), user)
    change_facts(entry=entry, values=facts, actor=user, reason=reason)
    return str(entry.key)


def named_parents(kind: str, row: dict[str, Any]) -> list[str] | None:
    """What a row says that the entry belongs to; ``None`` where it says nothing."""
    if kind == "category":
        return list(row["groups"]) if "groups" in row else None
    parent = PARENT_OF.get(kind, "")
    return [row[parent]] if row.get(parent) else None


def present_parents(entry: Any) -> set[str]:
    """The keys of what it belongs to."""
    if isinstance(entry, Category):
        return {group.key for group in entry.groups.all()}
    parent = getattr(entry, PARENT_OF[type(entry).__name__.lower()], None)
    return {parent.key} if parent is not None else set()
