"""What the triggers wrote of rows: keeping of blocks, what is said of resources, facts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from portal.history import Action, Change, history_of_all
from portal.history import Entry as Tracking
from stages.content import Difference
from stages.facts import Entry, facts_of, kind_of, said_of
from stages.history.events import events_of
from stages.history.happening import Happening, Rows, Source
from stages.history.imports import cause_of
from stages.models import Block, Placement, Resource

WORDS = {
    "owner": "who keeps it",
    "reviewed_on": "when it was reviewed",
    "review_every_days": "how many days a review holds",
    "owner_name": "who keeps it",
    "access": "who can open it",
    "official": "whether it is the official one",
    "source_updated_on": "when it last changed itself",
    "label": "its name",
    "url": "its link",
}
OF_BLOCKS = ("owner", "reviewed_on", "review_every_days")
OF_RESOURCES = (
    "label",
    "url",
    "owner_name",
    "access",
    "official",
    "reviewed_on",
    "review_every_days",
    "source_updated_on",
)


class Tracked(Rows):
    """Changes of rows as the triggers wrote them; only those of some fields are told."""

    def __init__(self, model: type[Any], keys: Iterable[int], fields: Sequence[str]) -> None:
        self.model, self.keys, self.fields = model, list(keys), fields
        self.rows = events_of(model).filter(pgh_obj_id__in=self.keys)

    def between(self, since: datetime | None, before: datetime | None) -> Iterable[Happening]:
        """The changes of the fields that are told."""
        if not self.keys:
            return
        names = {row.pk: row for row in self.model._default_manager.filter(pk__in=self.keys)}
        found = history_of_all(self.model, keys=self.keys, since=since, before=before, limit=5000)
        for one in found:
            told = [change for change in one.changes if change.field in self.fields]
            if not told or one.action is Action.CREATED or one.key not in names:
                continue
            yield self.happening(names[one.key], one, told)

    def happening(self, row: Any, entry: Tracking, told: Sequence[Change]) -> Happening:
        """One change in words."""
        cause = cause_of(str(entry.who or ""), entry.more)
        return Happening(
            at=entry.at,
            title=self.title(row),
            who=cause.who,
            how=cause.how,
            run=cause.run,
            why=entry.why,
            differences=tuple(self.difference(one) for one in told),
        )

    def difference(self, one: Change) -> Difference:
        """A field in words."""
        return Difference(what=WORDS[one.field], before=_shown(one.before_text), after=_shown(one.after_text))

    def title(self, row: Any) -> str:
        """What changed."""
        return str(row)


class Keeping(Tracked):
    """Who keeps blocks, and when they were reviewed."""

    def __init__(self, blocks: Iterable[int]) -> None:
        super().__init__(Block, blocks, OF_BLOCKS)

    def title(self, row: Block) -> str:
        """Of which block."""
        return f"Keeping of {row.heading or row.get_kind_display()}"


class Resources(Tracked):
    """What is said of the shared resources that the blocks place now."""

    def __init__(self, blocks: Sequence[int]) -> None:
        placed = Placement.objects.filter(block__in=blocks).values_list("resource", flat=True).distinct()
        super().__init__(Resource, placed, OF_RESOURCES)

    def title(self, row: Resource) -> str:
        """Which one."""
        return f"Resource “{row}”"


class Facts(Source):
    """Facts of sections, stages, groups and categories."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        by_model: dict[type[Any], list[Entry]] = {}
        for entry in entries:
            by_model.setdefault(type(entry), []).append(entry)
        self.parts = [FactsOfKind(model, found) for model, found in by_model.items()]

    def times(self, before: datetime | None) -> QuerySet[Any, datetime]:
        """When any of them changed."""
        first, *others = [part.times(before) for part in self.parts]
        return first.union(*others, all=True).order_by("-pgh_created_at") if others else first

    def between(self, since: datetime | None, before: datetime | None) -> Iterable[Happening]:
        """The changes of all of them."""
        for part in self.parts:
            yield from part.between(since, before)


class FactsOfKind(Tracked):
    """Facts of the entries of one kind."""

    def __init__(self, model: type[Any], entries: Sequence[Entry]) -> None:
        self.facts = {fact.name: fact for fact in facts_of(model)}
        super().__init__(model, [entry.pk for entry in entries], [*self.facts])

    def happening(self, row: Entry, entry: Tracking, told: Sequence[Change]) -> Happening:
        """One change in words, and which version it made."""
        return replace(super().happening(row, entry, told), facts=row, facts_version=entry.row["version"])

    def title(self, row: Entry) -> str:
        """Of which entry."""
        return f"Facts of the {kind_of(row)} {row.name}"

    def difference(self, one: Change) -> Difference:
        """A fact in words."""
        fact = self.facts[one.field]
        return Difference(what=f"“{fact.label}”", before=said_of(fact, one.before), after=said_of(fact, one.after))


def _shown(text: str) -> str:
    """A value in words; the dash that stands for none is none."""
    return "" if text == "–" else text
