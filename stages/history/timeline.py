"""All that happened to an entry of the catalog, newest first: texts, facts, structure, people, reviews, resources.

Each kind of change is a ``Source``: when its latest changes were, and what they were. A page of the timeline reaches
back to the moment up to which every source was read in full, so nothing falls between two pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from stages.facts import Entry
from stages.history.decided import Decisions, Plans
from stages.history.events import events_of
from stages.history.happening import Happening, Source
from stages.history.linked import Building, People
from stages.history.records import Structure, Texts
from stages.history.tracked import Facts, Keeping, Resources
from stages.models import Block, Category, CategoryGroup, Group, Stage

__all__ = ["PER_PAGE", "Happening", "Timeline", "timeline"]

PER_PAGE = 30


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """A page of it; ``older`` is the moment before which the next page begins, ``None`` at the end."""

    happenings: tuple[Happening, ...]
    older: datetime | None


def timeline(
    entry: Entry, *, before: datetime | None = None, block: Block | None = None, own: bool = False
) -> Timeline:
    """A page of what happened to an entry: to its ``own`` facts only, or to one block of a stage only."""
    sources = of_block([block.pk]) if block is not None else sources_of(entry, own=own)
    reached = [full[-1] for source in sources if len(full := list(source.times(before)[:PER_PAGE])) == PER_PAGE]
    since = max(reached, default=None)
    found = [happening for source in sources for happening in source.between(since, before)]
    return Timeline(happenings=tuple(sorted(found, key=lambda one: one.at, reverse=True)), older=since)


def sources_of(entry: Entry, *, own: bool) -> list[Source]:
    """What is told of an entry: of a stage also of its groups and their categories, as its page shows them."""
    entries: list[Entry] = [entry]
    if own or not isinstance(entry, Stage):
        return [Facts(entries), Structure(entries), People(entries), Building(entries), *_plans(entries)]
    groups = list(entry.groups.all())
    # What left is told of as well: else the page would not say that it did.
    once = Group.objects.filter(pk__in=events_of(Group).filter(stage=entry.pk).values("pgh_obj_id"))
    built = Q(groups__in=groups) | Q(pk__in=events_of(CategoryGroup).filter(group__in=groups).values("category"))
    entries += [*groups, *Category.objects.filter(built).distinct()]
    blocks = list(entry.blocks.values_list("pk", flat=True))
    return [
        *of_block(blocks),
        Facts(entries),
        Structure([*entries, *once]),
        People(entries),
        Building(entries),
        Resources(blocks),
        *_plans(entries),
    ]


def of_block(blocks: Sequence[int]) -> list[Source]:
    """What is told of blocks alone."""
    return [Texts(blocks), Keeping(blocks), Decisions(blocks, undone=False), Decisions(blocks, undone=True)]


def _plans(entries: Sequence[Entry]) -> list[Source]:
    return [Plans(entries, settled=False), Plans(entries, settled=True)]
