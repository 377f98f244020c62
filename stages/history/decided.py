"""What people decided beforehand, or of what waited for them: planned changes, and conflicts of an import."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import Q

from stages.facts import Entry, kind_of
from stages.history.happening import Happening, Rows
from stages.models import ConflictDecision, PlannedChange
from stages.settling import Take


class Decisions(Rows):
    """What was decided about blocks that an import and the portal both changed, or taking such a decision back."""

    def __init__(self, blocks: Sequence[int], *, undone: bool) -> None:
        self.field = "undone_at" if undone else "at"
        self.rows = ConflictDecision.objects.filter(conflict__block__in=blocks).exclude(told=[])
        if undone:
            self.rows = self.rows.exclude(undone_at=None)

    def between(self, since: datetime | None, before: datetime | None) -> Iterable[Happening]:
        """The decisions with what was decided of each item."""
        for one in self.within(since, before).select_related("conflict__block"):
            block, undone = one.conflict.block, self.field == "undone_at"
            said = "; ".join(f"{told['what']}: {Take(told['take']).words}" for told in one.told)
            yield Happening(
                at=one.undone_at if undone and one.undone_at else one.at,
                title=f"Import conflict of {block.heading or block.get_kind_display()}",
                who=one.undone_by if undone else one.actor_name or "the system",
                how=f"waits for a decision again, no longer so: {said}" if undone else f"decided: {said}",
                why="" if undone else one.reason,
            )


class Plans(Rows):
    """Changes that were planned, or what became of plans that were not carried out."""

    def __init__(self, entries: Sequence[Entry], *, settled: bool) -> None:
        asked = Q(pk=None)
        for kind, numbers in _by_kind(entries).items():
            asked |= Q(kind=kind, entry__in=numbers)
        self.field = "settled_at" if settled else "made_at"
        self.rows = PlannedChange.objects.filter(asked)
        if settled:
            self.rows = self.rows.filter(state__in=[PlannedChange.State.CANCELLED, PlannedChange.State.FAILED])
        self.names = {(kind_of(entry), entry.pk): entry.name for entry in entries}

    def between(self, since: datetime | None, before: datetime | None) -> Iterable[Happening]:
        """The plans with the day for which they are."""
        for one in self.within(since, before).select_related("settled_by"):
            settled = self.field == "settled_at"
            for_, what = f"for {one.on:%-d %b %Y}", one.get_state_display().lower() if settled else "planned"
            name = self.names[one.kind, one.entry]
            yield Happening(
                at=one.settled_at if settled and one.settled_at else one.made_at,
                title=f"Planned: {one.action} the {one.kind} {name}",
                who=str(one.settled_by or "the system") if settled else one.actor_name,
                how=f"{what} {for_}",
                why=one.sentence if settled else one.reason,
            )


def _by_kind(entries: Iterable[Entry]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for entry in entries:
        found.setdefault(kind_of(entry), []).append(entry.pk)
    return found
