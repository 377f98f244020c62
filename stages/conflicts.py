"""Blocks that an import and the portal both changed: what is in dispute, deciding it item by item, taking that back.

The portal's text stands until somebody decides. What is decided is agreed with that source: the same source does not
ask again, a different one does. An edit that leaves nothing in dispute settles it as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from stages.collaboration import Refused, is_past, may_reopen, reopen, undo
from stages.content import BlockContent, from_json, pairs, to_json
from stages.editing import Saved, content_of, save_block
from stages.models import Block, ConflictDecision, ImportConflict, ImportRun, Placement
from stages.settling import Disagreement, Take, disagreements, settle, told_apart, unnumbered

if TYPE_CHECKING:
    from portal.models import User
    from stages.content import Merged

CHANGED = "What you decided about was changed meanwhile. Nothing was written; look at it again."
STATES = {
    frozenset({Take.PORTAL}): ImportConflict.State.PORTAL,
    frozenset({Take.SOURCE}): ImportConflict.State.SOURCE,
}


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What a decision did. ``left`` is how much is still in dispute; without ``saved`` the block stays as it was."""

    decision: ConflictDecision
    left: int
    saved: Saved | None


def in_dispute(conflict: ImportConflict, ours: BlockContent | None = None) -> tuple[Disagreement, ...]:
    """What is still in dispute; nothing once it was decided."""
    if conflict.state != ImportConflict.State.OPEN:
        return ()
    ours = content_of(conflict.block) if ours is None else ours
    return disagreements(from_json(conflict.agreed), ours, from_json(conflict.source_content))


def note_conflict(
    *,
    block: Block,
    conflict: ImportConflict | None,
    base: BlockContent,
    ours: BlockContent,
    source: BlockContent,
    merged: Merged,
    run: ImportRun,
) -> bool:
    """Keep what an import found in dispute, beside what was open before; whether any of it is new or settled now."""
    if conflict is None and not merged.conflicts:
        return False
    agreed, said = (to_json(one) for one in told_apart(base, ours, source, merged))
    if conflict is None:
        ImportConflict.objects.create(block=block, run=run, source_content=said, agreed=agreed)
        return True
    if (conflict.source_content, conflict.agreed) == (said, agreed):
        return False
    if merged.conflicts:
        conflict.run, conflict.source_content, conflict.agreed = run, said, agreed
    else:
        conflict.state, conflict.decided_at = ImportConflict.State.SETTLED, timezone.now()
    conflict.save()
    return True


def decide(*, conflict: ImportConflict, takes: Mapping[str, Take], actor: User, reason: str = "") -> Decided:
    """Decide some disagreements, by their ids; refused where one is not in dispute as it was read."""
    with transaction.atomic():
        locked = _locked(conflict)
        block = locked.block
        ours, source = content_of(block), from_json(locked.source_content)
        agreed = from_json(locked.agreed)
        open_ = {one.id: one for one in in_dispute(locked, ours)}
        if not takes or not open_.keys() >= takes.keys():
            raise Refused(CHANGED if takes else "Choose what to keep.")
        if wrong := [open_[number].what for number, take in takes.items() if take not in open_[number].choices]:
            raise Refused(f"Of {wrong[0]} only one can be kept.")
        decision = ConflictDecision(
            conflict=locked, actor=actor, actor_name=str(actor), reason=reason[:1000], agreed=locked.agreed,
            told=[told_of(open_[number], take) for number, take in takes.items()],
        )  # fmt: skip
        settled = settle(agreed, ours, source, takes)
        locked.agreed = to_json(settled.agreed)
        left = len(open_) - len(takes)
        if not left:
            earlier = locked.decisions.filter(undone_at=None).values_list("told", flat=True)
            every = {Take(one["take"]) for told in earlier for one in told} | set(takes.values())
            locked.state = STATES.get(frozenset(every), ImportConflict.State.MIXED)
            locked.decided_by, locked.decided_at = actor, timezone.now()
        locked.save()
        saved = None
        if settled.content != ours:
            # The words of what was decided stay with the decision: names in them can be forgotten there.
            saved = save_block(
                stage=block.stage, kind=block.kind, heading=block.heading, content=settled.content, base_version=None,
                actor=actor, how="decision", reason=reason[:1000] or "Decided what the last import left open",
            )  # fmt: skip
            mark_placements(saved.block, unnumbered(source))
            decision.version = saved.block.version
        decision.save()
    return Decided(decision=decision, left=left, saved=saved)


def decide_all(*, conflict: ImportConflict, take: Take, actor: User, reason: str = "") -> Decided:
    """Decide all that is in dispute in the same way."""
    with transaction.atomic():
        found = in_dispute(_locked(conflict))
        return decide(conflict=conflict, takes={one.id: take for one in found}, actor=actor, reason=reason)


def take_back(*, decision: ConflictDecision, actor: User) -> None:
    """Take the last decision about a block back: it is in dispute again, and the block says what it said before.

    Refused where something newer would be lost.
    """
    with transaction.atomic():
        conflict = _locked(decision.conflict)
        block = conflict.block
        decision = ConflictDecision.objects.select_for_update(of=("self",)).get(pk=decision.pk)
        if why := standing_in_the_way(decision, block, conflict):
            raise Refused(why)
        if decision.version is not None:
            undo(block=block, version=decision.version, actor=actor)
        else:
            reopen(decision, actor)


def standing_in_the_way(decision: ConflictDecision, block: Block, conflict: ImportConflict) -> str:
    """Why a decision cannot be taken back, as a sentence; empty where it can."""
    if decision.undone_at is not None:
        return "It was taken back already."
    if is_past(decision):
        return "Nothing was undone: the page was imported with something else here since."
    if not may_reopen(decision):
        return "Nothing was undone: something else was decided about it since. Take that back first."
    if decision.version is not None and block.version != decision.version:
        return "Nothing was undone: somebody changed the block since. The history can bring any version back."
    return ""


def mark_placements(block: Block, source: BlockContent) -> tuple[int, bool]:
    """Say of each placement whether the source has it: how many came from it and are gone there, and if that is new."""
    placements = list(block.placements.select_related("resource"))
    there = set(pairs(source.items, content_of(block, placements).items))
    missing, changed = 0, False
    for position, placement in enumerate(placements):
        from_source = position in there or placement.from_source
        gone = from_source and position not in there
        missing += gone
        if (placement.from_source, placement.missing_from_source) != (from_source, gone):
            Placement.objects.filter(pk=placement.pk).update(from_source=from_source, missing_from_source=gone)
            changed = True
    return missing, changed


def told_of(one: Disagreement, take: Take) -> dict[str, Any]:
    """A decision in words, as it is kept."""
    readings = [
        {"what": said.what, "base": said.base, "portal": said.ours, "source": said.theirs} for said in one.readings
    ]
    return {"id": one.id, "what": one.what, "take": take.value, "readings": readings}


def _locked(conflict: ImportConflict) -> ImportConflict:
    """The conflict as it stands, with its block locked before it, as an import locks them."""
    block = Block.objects.select_for_update(of=("self",)).select_related("stage__section").get(pk=conflict.block_id)
    locked = ImportConflict.objects.select_for_update(of=("self",)).get(pk=conflict.pk)
    locked.block = block
    return locked
