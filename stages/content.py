"""A block's content as a value: comparing, merging and telling differences. Pure: no Django in it.

Editor, importer, API, undo, restore and suggestions all make a ``BlockContent`` and hand it to one verb. What differs
between two of them is found here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from difflib import unified_diff
from typing import Any

Places = tuple[int | None, int | None, int | None]
LONGEST_COMPARED = 3000
"""Lines: comparing takes time that grows with the product of the two sides."""
REMOVED = "(removed)"
ITEM_FIELDS = ("label", "url", "description", "text", "dialect", "doc_label")
TEXT_FIELDS = ("heading", "note", "body", "not_applicable")
WORDS = {
    "label": "label",
    "url": "link",
    "description": "description",
    "text": "text",
    "dialect": "language",
    "doc_label": "kind of query",
    "heading": "heading",
    "note": "note",
    "body": "text",
    "not_applicable": "why there is none",
}


@dataclass(frozen=True, kw_only=True)
class Item:
    """A link, query, channel or name in a block. ``id`` is that of its placement and does not count as content."""

    label: str = ""
    url: str = ""
    description: str = ""
    text: str = ""
    dialect: str = ""
    doc_label: str = ""
    id: int | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """What to call it in a sentence."""
        return self.label or self.url or self.doc_label.upper() or self.text.strip().split("\n")[0][:60] or "an item"

    @property
    def is_empty(self) -> bool:
        """Whether nothing was filled in."""
        return not (self.label.strip() or self.url.strip() or self.description.strip() or self.text.strip())


@dataclass(frozen=True, kw_only=True)
class BlockContent:
    """All that people write in a block. Of a description, ``note`` is the one sentence and ``body`` the rest."""

    heading: str = ""
    note: str = ""
    body: str = ""
    not_applicable: str = ""
    items: tuple[Item, ...] = ()
    placeholders: tuple[str, ...] = field(default=(), compare=False)

    @property
    def is_empty(self) -> bool:
        """Whether nothing but a heading is there."""
        return not (self.note.strip() or self.body.strip() or self.not_applicable.strip() or self.items)


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """Something that two sides changed differently: what it is, and the three readings.

    ``field`` is that of the text or item, empty where the item as a whole is meant; ``places`` are those of the item
    in base, ours and theirs.
    """

    what: str
    base: str
    ours: str
    theirs: str
    field: str = ""
    places: Places | None = None


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One readable difference: what changed, from what to what; an empty side means added or removed."""

    what: str
    before: str
    after: str

    @property
    def sentence(self) -> str:
        """The difference as a sentence."""
        if not self.before:
            return f"Added {self.what}."
        if not self.after:
            return f"Removed {self.what}."
        return f"Changed {self.what}."

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """Of two texts of several lines those that differ, with ``-`` or ``+``, and one around them; ``…`` is a gap.

        Empty where a side is missing or short: both are then shown whole.
        """
        before, after = self.before.splitlines(), self.after.splitlines()
        if not before or not after or not 3 <= max(len(before), len(after)) <= LONGEST_COMPARED:
            return ()
        told = list(unified_diff(before, after, n=1, lineterm=""))[2:]
        gaps = (("…", "") if line.startswith("@@") else (line[:1], line[1:]) for line in told)
        return tuple(gaps)[1:]


def to_json(content: BlockContent) -> dict[str, Any]:
    """The content as it is stored in revisions, drafts and imports."""
    return {
        **{name: getattr(content, name) for name in TEXT_FIELDS},
        "items": [{one.name: getattr(item, one.name) for one in fields(Item)} for item in content.items],
        "placeholders": list(content.placeholders),
    }


def from_json(value: Mapping[str, Any] | None) -> BlockContent:
    """The content that was stored; what is missing is empty."""
    if not value:
        return BlockContent()
    known = {one.name for one in fields(Item)}
    return BlockContent(
        **{name: str(value.get(name) or "") for name in TEXT_FIELDS},
        items=tuple(
            Item(**{key: entry for key, entry in item.items() if key in known}) for item in value.get("items") or ()
        ),
        placeholders=tuple(str(label) for label in value.get("placeholders") or ()),
    )


def pairs(old: Sequence[Item], new: Sequence[Item]) -> dict[int, int]:
    """Which new item is which old one: positions in ``new`` → positions in ``old``.

    By placement, then equal, same link, same label, same kind of query, each in order of appearance.
    """
    found: dict[int, int] = {}
    taken: set[int] = set()
    keys: tuple[Callable[[Item], Any], ...] = (
        lambda item: item.id,
        lambda item: tuple(getattr(item, name) for name in ITEM_FIELDS),
        lambda item: item.url.strip(),
        lambda item: " ".join(item.label.casefold().split()),
        lambda item: item.text.strip(),
        lambda item: (item.doc_label,) if item.text else None,
    )
    for key in keys:
        waiting: dict[Any, list[int]] = {}
        for position, item in enumerate(old):
            if position not in taken and key(item):
                waiting.setdefault(key(item), []).append(position)
        for position, item in enumerate(new):
            if position in found or not key(item):
                continue
            if candidates := waiting.get(key(item)):
                found[position] = candidates.pop(0)
                taken.add(found[position])
    return found


def differences(before: BlockContent, after: BlockContent) -> list[Difference]:
    """What a person would say changed between two contents."""
    told = [
        Difference(what=f"the {WORDS[name]}", before=getattr(before, name), after=getattr(after, name))
        for name in TEXT_FIELDS
        if getattr(before, name) != getattr(after, name)
    ]
    matched = pairs(before.items, after.items)
    for position, item in enumerate(after.items):
        if position not in matched:
            told.append(Difference(what=f"“{item.name}”", before="", after=told_item(item)))
            continue
        old = before.items[matched[position]]
        told += [
            Difference(what=f"the {WORDS[name]} of “{item.name}”", before=getattr(old, name), after=getattr(item, name))
            for name in ITEM_FIELDS
            if getattr(old, name) != getattr(item, name)
        ]
    kept = set(matched.values())
    told += [
        Difference(what=f"“{item.name}”", before=told_item(item), after="")
        for position, item in enumerate(before.items)
        if position not in kept
    ]
    order = [matched[position] for position in sorted(matched)]
    if order != sorted(order):
        told.append(
            Difference(
                what="the order",
                before=", ".join(before.items[position].name for position in sorted(order)),
                after=", ".join(before.items[position].name for position in order),
            )
        )
    return told


def told_item(item: Item) -> str:
    """An item on a line or two."""
    return "\n".join(part for part in (item.label, item.url, item.description, item.text) if part) or item.name


@dataclass(frozen=True, kw_only=True)
class Merged:
    """The outcome of a merge. Where both sides changed the same thing, ours stands and the conflict is told.

    ``missing`` are the ids of our items that the other side no longer has; ``twins`` says which of theirs is which of
    ours, ``alone`` which of the base is one of ours that they have no more, each by its place.
    """

    content: BlockContent
    conflicts: tuple[Conflict, ...] = ()
    missing: tuple[int, ...] = ()
    dropped: tuple[Item, ...] = ()
    twins: Mapping[int, int] = field(default_factory=dict)
    alone: Mapping[int, int] = field(default_factory=dict)


def merge(base: BlockContent, ours: BlockContent, theirs: BlockContent, *, keep_missing: bool = True) -> Merged:
    """Three ways. ``keep_missing``: what the other side removed stays with us (an import) or goes too (an edit)."""
    conflicts: list[Conflict] = []
    texts = {
        name: _pick(WORDS[name], name, (getattr(base, name), getattr(ours, name), getattr(theirs, name)), conflicts)
        for name in TEXT_FIELDS
    }
    base_of_ours, base_of_theirs = pairs(base.items, ours.items), pairs(base.items, theirs.items)
    theirs_at = {position: theirs_position for theirs_position, position in base_of_theirs.items()}
    # What both added anew is one item when it looks like one.
    new_ours = [position for position in range(len(ours.items)) if position not in base_of_ours]
    new_theirs = [position for position in range(len(theirs.items)) if position not in base_of_theirs]
    both = {
        new_theirs[theirs_position]: new_ours[ours_position]
        for theirs_position, ours_position in pairs(
            [ours.items[position] for position in new_ours],
            [replace(theirs.items[position], id=None) for position in new_theirs],
        ).items()
    }
    merged: dict[int, Item] = {}
    missing: list[int] = []
    dropped: list[Item] = []
    twin: dict[int, int] = {ours_position: theirs_position for theirs_position, ours_position in both.items()}
    for position, item in enumerate(ours.items):
        if position in base_of_ours:
            base_position = base_of_ours[position]
            before = base.items[base_position]
            if base_position in theirs_at:
                twin[position] = theirs_at[base_position]
                places: Places = (base_position, position, theirs_at[base_position])
                merged[position] = _merge_items(before, item, theirs.items[twin[position]], conflicts, places)
            elif keep_missing:
                merged[position] = item
                if item.id is not None:
                    missing.append(item.id)
            elif item == before:
                dropped.append(item)
            else:
                merged[position] = item
                conflicts.append(
                    Conflict(
                        what=f"“{item.name}”", base=told_item(before), ours=told_item(item), theirs=REMOVED,
                        places=(base_position, position, None),
                    )
                )  # fmt: skip
        elif position in twin:
            places = (None, position, twin[position])
            merged[position] = _merge_items(Item(), item, theirs.items[twin[position]], conflicts, places)
        else:
            merged[position] = item
    kept_bases = set(base_of_ours.values())
    added: list[int] = []
    for position, item in enumerate(theirs.items):
        if position in base_of_theirs:
            before = base.items[base_of_theirs[position]]
            if base_of_theirs[position] not in kept_bases and item != before:
                conflicts.append(
                    Conflict(
                        what=f"“{item.name}”", base=told_item(before), ours=REMOVED, theirs=told_item(item),
                        places=(base_of_theirs[position], None, position),
                    )
                )  # fmt: skip
        elif position not in both:
            added.append(position)
    items = _ordered(ours, theirs, merged, twin, added, base_of_ours)
    content = BlockContent(**texts, items=items, placeholders=theirs.placeholders)
    return Merged(
        content=content, conflicts=tuple(conflicts), missing=tuple(missing), dropped=tuple(dropped),
        twins={theirs_position: position for position, theirs_position in twin.items()},
        alone={position: at for at, position in base_of_ours.items() if position not in theirs_at},
    )  # fmt: skip


def _pick(
    what: str, field: str, said: tuple[str, str, str], conflicts: list[Conflict], places: Places | None = None
) -> str:
    base, ours, theirs = said
    if ours == theirs or theirs == base:
        return ours
    if ours == base:
        return theirs
    conflicts.append(
        Conflict(what=f"the {what}", base=base, ours=ours, theirs=theirs, field=field, places=places)
    )  # fmt: skip
    return ours


def _merge_items(base: Item, ours: Item, theirs: Item, conflicts: list[Conflict], places: Places) -> Item:
    picked: dict[str, Any] = {}
    for name in ITEM_FIELDS:
        values = (getattr(base, name), getattr(ours, name), getattr(theirs, name))
        picked[name] = _pick(f"{WORDS[name]} of “{ours.name}”", name, values, conflicts, places)
    return replace(ours, **picked)


def _ordered(
    ours: BlockContent,
    theirs: BlockContent,
    merged: Mapping[int, Item],
    twin: Mapping[int, int],
    added: Iterable[int],
    base_of_ours: Mapping[int, int],
) -> tuple[Item, ...]:
    """Our order where we changed it, otherwise theirs; what one side added follows what it followed there."""
    shared = [position for position in merged if position in twin]
    in_base = [base_of_ours[position] for position in shared if position in base_of_ours]
    sequence: list[tuple[str, int]] = [("ours", position) for position in merged]
    if in_base == sorted(in_base):
        by_theirs = sorted(shared, key=lambda position: twin[position])
        renamed = dict(zip(shared, by_theirs, strict=True))
        sequence = [("ours", renamed.get(position, position)) for position in merged]
    at_theirs = {twin[position]: position for position in shared}
    for position in added:
        place = 0
        for earlier in range(position - 1, -1, -1):
            entry = ("ours", at_theirs[earlier]) if earlier in at_theirs else ("theirs", earlier)
            if entry in sequence:
                place = sequence.index(entry) + 1
                break
        sequence.insert(place, ("theirs", position))
    return tuple(
        merged[position] if side == "ours" else replace(theirs.items[position], id=None) for side, position in sequence
    )
