"""What an import and the portal disagree about, item by item, and what becomes of it. Pure: no Django in it.

``agreed`` is what both sides said before they disagreed: the source as last read, but for what nobody decided yet.
Merging it with the portal and the source tells what is still in dispute; settling something moves it to the source's
reading, so that the same source does not ask again, and a different one does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from stages.content import REMOVED, WORDS, BlockContent, Conflict, Difference, Item, Merged, Places, merge, pairs


class Take(StrEnum):
    """Whose reading stands."""

    PORTAL = "portal"
    SOURCE = "source"
    BOTH = "both"

    @property
    def words(self) -> str:
        """What was decided, in words."""
        return TAKEN[self]


TAKEN = {
    Take.PORTAL: "the portal's was kept",
    Take.SOURCE: "the source's was taken",
    Take.BOTH: "both were kept",
}


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One field in dispute: what the last import, the portal and the source say."""

    what: str
    base: str
    ours: str
    theirs: str

    @property
    def our_lines(self) -> tuple[tuple[str, str], ...]:
        """The lines that the portal changed, of a long text."""
        return _lines(self.base, self.ours)

    @property
    def their_lines(self) -> tuple[tuple[str, str], ...]:
        """The lines that the source changed, of a long text."""
        return _lines(self.base, self.theirs)

    @property
    def is_long(self) -> bool:
        """Whether what changed is told by its lines."""
        return bool(self.our_lines or self.their_lines)


def _lines(before: str, after: str) -> tuple[tuple[str, str], ...]:
    return () if after == REMOVED else Difference(what="", before=before, after=after).lines


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """An item, or a text of the block, that both sides changed. ``id`` stands for its readings."""

    id: str
    what: str
    readings: tuple[Reading, ...]
    can_be_both: bool
    conflicts: tuple[Conflict, ...]

    @property
    def places(self) -> Places:
        """Where the item is in what was agreed, in the portal and in the source."""
        return self.conflicts[0].places or (None, None, None)

    @property
    def choices(self) -> tuple[Take, ...]:
        """What can be decided."""
        return tuple(Take) if self.can_be_both else (Take.PORTAL, Take.SOURCE)


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What the block says after a decision, and what is agreed by then."""

    content: BlockContent
    agreed: BlockContent


def disagreements(agreed: BlockContent, ours: BlockContent, source: BlockContent) -> tuple[Disagreement, ...]:
    """What is in dispute, that of one item together."""
    together: dict[object, list[Conflict]] = {}
    for one in merge(agreed, ours, source).conflicts:
        together.setdefault(one.places or one.field, []).append(one)
    found: dict[str, Disagreement] = {}
    for conflicts in together.values():
        told = _disagreement(conflicts, ours, source)
        first, number = told.id, 1
        while told.id in found:
            number += 1
            told = replace(told, id=f"{first}-{number}")
        found[told.id] = told
    return tuple(found.values())


def _disagreement(conflicts: list[Conflict], ours: BlockContent, source: BlockContent) -> Disagreement:
    first = conflicts[0]
    readings = tuple(
        Reading(what=WORDS.get(one.field, ""), base=one.base, ours=one.ours, theirs=one.theirs) for one in conflicts
    )
    what, both = first.what, first.field == "body"
    if first.places is not None:
        _, ours_at, source_at = first.places
        mine = ours.items[ours_at] if ours_at is not None else None
        theirs = source.items[source_at] if source_at is not None else None
        what = f"“{(mine or theirs or Item()).name}”"
        both = mine is not None and theirs is not None and _are_two(mine, theirs)
    said = json.dumps([what, *((one.what, one.base, one.ours, one.theirs) for one in readings)], ensure_ascii=False)
    number = hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return Disagreement(id=number, what=what, readings=readings, can_be_both=both, conflicts=tuple(conflicts))


def _are_two(one: Item, other: Item) -> bool:
    """Whether two items lead to different things, so that a block may well have both."""
    if one.url != other.url:
        return bool(one.url and other.url)
    if one.text != other.text:
        return True
    return not one.url and not one.text and one.label != other.label


def told_apart(
    base: BlockContent, ours: BlockContent, source: BlockContent, merged: Merged
) -> tuple[BlockContent, BlockContent]:
    """What is agreed after an import, and its source: what the source says, but for what is in dispute.

    Items of both carry the ``id`` of the portal's, or one below zero where the portal has none, so that each stays
    known as the same whatever becomes of its words.
    """
    ids = {at: ours.items[merged.twins[at]].id if at in merged.twins else -1 - at for at in range(len(source.items))}
    numbered = [replace(item, id=ids[at]) for at, item in enumerate(source.items)]
    texts: dict[str, Any] = {}
    items = list(numbered)
    for one in merged.conflicts:
        if one.places is None:
            texts[one.field] = one.base
            continue
        base_at, _, source_at = one.places
        if source_at is None:
            continue
        if one.field:
            said: dict[str, Any] = {one.field: one.base}
            items[source_at] = replace(items[source_at], **said)
        elif base_at is not None:
            items[source_at] = replace(base.items[base_at], id=ids[source_at])
    items += [replace(base.items[at], id=ours.items[ours_at].id) for at, ours_at in merged.alone.items()]
    return replace(source, items=tuple(items), **texts), replace(source, items=tuple(numbered))


def unnumbered(content: BlockContent) -> BlockContent:
    """The same without the ids of its items, as a source has it."""
    return replace(content, items=tuple(replace(item, id=None) for item in content.items))


def settle(
    agreed: BlockContent,
    ours: BlockContent,
    source: BlockContent,
    takes: Mapping[str, Take],
) -> Settled:
    """Decide some of the disagreements, by their ids. What is not named stays in dispute."""
    decided = [(one, takes[one.id]) for one in disagreements(agreed, ours, source) if one.id in takes]
    our_texts: dict[str, Any] = {}
    agreed_texts: dict[str, Any] = {}
    our_items: dict[int, Item] = dict(enumerate(ours.items))
    agreed_items, added = list(agreed.items), list[tuple[int, Item]]()
    for one, take in decided:
        base_at, ours_at, source_at = one.places
        if source_at is None:
            for text in one.conflicts:
                agreed_texts[text.field] = text.theirs
                if take != Take.PORTAL:
                    our_texts[text.field] = text.theirs if take == Take.SOURCE else f"{text.ours}\n\n{text.theirs}"
            continue
        known = source.items[source_at]
        theirs = replace(known, id=None)
        fields: dict[str, Any] = {conflict.field: conflict.theirs for conflict in one.conflicts if conflict.field}
        if base_at is None:
            agreed_items.append(known)
        else:
            agreed_items[base_at] = replace(agreed_items[base_at], **fields) if fields else known
        if take == Take.BOTH and ours_at is not None:
            added.append((ours_at, theirs))
        elif take == Take.SOURCE and ours_at is not None:
            our_items[ours_at] = replace(our_items[ours_at], **fields)
        elif take == Take.SOURCE:
            added.append((_before_it(ours, source, source_at), theirs))
    items = [item for at, item in added if at < 0]
    for at in range(len(ours.items)):
        items += [our_items[at], *(item for place, item in added if place == at)]
    return Settled(
        content=replace(ours, items=tuple(items), **our_texts),
        agreed=replace(agreed, items=tuple(agreed_items), **agreed_texts),
    )


def _before_it(ours: BlockContent, source: BlockContent, at: int) -> int:
    """After which of our items one of the source stands, as it does there; -1 is the beginning."""
    matched = pairs(ours.items, unnumbered(source).items)
    return next((matched[earlier] for earlier in range(at - 1, -1, -1) if earlier in matched), -1)
