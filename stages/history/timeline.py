"""All that happened to an entry of the catalog, newest first: texts, facts, structure, people, reviews, resources.

Each kind of change is a ``Source``: when its latest changes were, and what they were. A page of the timeline reaches
back to the moment up to which every source was read in full, so nothing falls between two pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from portal.history import Action, history_of_all
from portal.models import User
from stages.content import Difference, differences, from_json
from stages.derived import role_in_words
from stages.facts import Entry, facts_of, kind_of, said_of
from stages.history.decided import Decisions, Plans
from stages.history.events import events_of
from stages.history.happening import Happening, Source, within
from stages.history.imports import Cause, cause_of
from stages.models import (
    Block,
    BlockRevision,
    Category,
    CategoryGroup,
    Contact,
    Group,
    Placement,
    Resource,
    Responsibility,
    Section,
    Stage,
    Succession,
)
from stages.models.changes import NOT_IN_THE_FILE

PER_PAGE = 30
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


class Texts(Source):
    """Versions of blocks."""

    def __init__(self, blocks: Sequence[int]) -> None:
        self.rows = BlockRevision.objects.filter(block__in=blocks)

    def times(self, before: datetime | None) -> QuerySet[Any, datetime]:
        """When versions were saved."""
        return within(self.rows, "at", None, before).order_by("-at").values_list("at", flat=True)

    def between(self, since: datetime | None, before: datetime | None) -> Iterable[Happening]:
        """The versions with their differences to the ones before; one query more."""
        rows = list(within(self.rows, "at", since, before).select_related("block__stage"))
        keys = {(one.block_id, one.version - 1) for one in rows}
        earlier = {
            (one.block_id, one.version): one.content
            for one in BlockRevision.objects.filter(
                block__in={block for block, _ in keys}, version__in={version for _, version in keys}
            )
        }
        causes = self.causes(rows)
        for one in rows:
            told = differences(from_json(earlier.get((one.block_id, one.version - 1))), from_json(one.content))
            cause = causes.get((one.block_id, one.version), Cause(who="an import", how=one.how))
            if one.how != "import":
                cause = Cause(who=one.actor_name or "the system", how=one.how)
            title = f"{one.block.heading or one.block.get_kind_display()}, version {one.version}"
            yield Happening(
                at=one.at, title=title, who=one.actor_name or cause.who, how=cause.how, why=one.reason,
                differences=tuple(told), revision=one, run=cause.run,
            )  # fmt: skip

    def causes(self, rows: Sequence[BlockRevision]) -> dict[tuple[int, int], Cause]:
        """The imports that made some of the versions; a query where there is any."""
        imported = [one for one in rows if one.how == "import"]
        if not imported:
            return {}
        events = events_of(Block).filter(
            pgh_obj_id__in={one.block_id for one in imported}, version__in={one.version for one in imported}
        )
        return {
            (event.pgh_obj_id, event.version): cause_of("", event.pgh_context.metadata or {}, how="import")
            for event in events.exclude(pgh_context=None).select_related("pgh_context").order_by("-pgh_id")
        }


class Tracked(Source):
    """Changes of rows as the triggers wrote them; only those of some fields are told."""

    def __init__(self, model: type[Any], keys: Iterable[int], fields: Sequence[str]) -> None:
        self.model, self.keys, self.fields = model, list(keys), fields
        self.rows = events_of(model).filter(pgh_obj_id__in=self.keys)

    def times(self, before: datetime | None) -> QuerySet[Any, datetime]:
        """When rows changed."""
        rows = within(self.rows, "pgh_created_at", None, before)
        return rows.order_by("-pgh_created_at").values_list("pgh_created_at", flat=True)

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

    def happening(self, row: Any, entry: Any, told: Sequence[Any]) -> Happening:
        """One change in words."""
        cause = cause_of(str(entry.who or ""), entry.more)
        return Happening(
            at=entry.at,
            title=self.title(row),
            who=cause.who,
            how=cause.how,
            run=cause.run,
            why=entry.why,
            differences=tuple(
                Difference(what=WORDS[one.field], before=_shown(one.before_text), after=_shown(one.after_text))
                for one in told
            ),
        )

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

    def happening(self, row: Entry, entry: Any, told: Sequence[Any]) -> Happening:
        """One change in words, and which version it made."""
        cause = cause_of(str(entry.who or ""), entry.more)
        return Happening(
            at=entry.at,
            title=f"Facts of the {kind_of(row)} {row.name}",
            who=cause.who,
            how=cause.how,
            run=cause.run,
            why=entry.why,
            differences=tuple(
                Difference(
                    what=f"“{self.facts[one.field].label}”",
                    before=said_of(self.facts[one.field], one.before),
                    after=said_of(self.facts[one.field], one.after),
                )
                for one in told
            ),
            facts=row,
            facts_version=entry.row["version"],
        )


class Structure(Source):
    """Made, renamed, moved, split, merged, retired."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        asked = Q(pk=None)
        for entry in entries:
            same = Q(kind=kind_of(entry))
            asked |= same & (Q(from_key=entry.key) | Q(to_key=entry.key) | Q(entry=entry.pk))
        self.rows = Succession.objects.filter(asked)

    def times(self, before: datetime | None) -> QuerySet[Any, datetime]:
        """When it was noted."""
        return within(self.rows, "at", None, before).order_by("-at").values_list("at", flat=True)

    def between(self, since: datetime | None, before: datetime | None) -> Iterable[Happening]:
        """The changes with the day from which they hold."""
        rows = within(self.rows, "at", since, before).select_related("actor", "undoes", "undone_by")
        for one in rows:
            who = "the structure files" if one.reason == NOT_IN_THE_FILE else "the system"
            how = f"{one.get_how_display().lower()} on {one.on:%-d %b %Y}"
            how += ", taken back since" if hasattr(one, "undone_by") else ""
            before_, after = one.from_name, one.to_name or "(no more)"
            told = () if before_ == after else (Difference(what=f"the {one.kind}", before=before_, after=after),)
            yield Happening(
                at=one.at, title=f"Structure: the {one.kind} {one.from_name}", who=str(one.actor or who), how=how,
                why=one.reason, differences=told, change=one,
            )  # fmt: skip


class Linked(Source):
    """Links that come and go: who is responsible, which group builds which category."""

    model: type[Any]

    def __init__(self, asked: Q) -> None:
        events = events_of(self.model)
        self.rows = events.filter(asked).select_related("pgh_context")

    def times(self, before: datetime | None) -> QuerySet[Any, datetime]:
        """When any came or went."""
        rows = within(self.rows, "pgh_created_at", None, before)
        return rows.order_by("-pgh_created_at").values_list("pgh_created_at", flat=True)

    def between(self, since: datetime | None, before: datetime | None) -> Iterable[Happening]:
        """What came and went, that of one change together."""
        rows = list(within(self.rows, "pgh_created_at", since, before).order_by("pgh_id"))
        contexts = {row.pk: (row.pgh_context.metadata or {}) if row.pgh_context else {} for row in rows}
        people = User.objects.in_bulk({user for one in contexts.values() if (user := one.get("user")) is not None})
        together: dict[tuple[datetime, Any, Any], list[Any]] = {}
        for row in rows:
            together.setdefault((row.pgh_created_at, row.pgh_context_id, self.subject(row)), []).append(row)
        names = self.names(rows)
        for (at, _, subject), found in together.items():
            said = contexts[found[0].pk]
            cause = cause_of(str(people.get(said.get("user")) or ""), said)
            yield Happening(
                at=at,
                title=f"{self.word} of {names.get(subject, 'something that is no more')}",
                who=cause.who,
                how=cause.how,
                run=cause.run,
                why=str(said.get("why", "")),
                differences=tuple(
                    Difference(
                        what=f"“{told}”",
                        before=told if row.pgh_label == "delete" else "",
                        after=told if row.pgh_label == "insert" else "",
                    )
                    for row in found
                    if row.pgh_label != "update" and (told := self.said(row, names))
                ),
            )

    word = ""

    def subject(self, row: Any) -> Any:
        """What it is told of."""
        raise NotImplementedError

    def names(self, rows: Sequence[Any]) -> dict[Any, str]:
        """The names that the words need."""
        raise NotImplementedError

    def said(self, row: Any, names: dict[Any, str]) -> str:
        """One link in words."""
        raise NotImplementedError


class People(Linked):
    """Who is responsible for what."""

    model, word = Responsibility, "People"

    def __init__(self, entries: Sequence[Entry]) -> None:
        asked = Q(pk=None)
        for kind in (Section, Stage, Group):
            pks = [entry.pk for entry in entries if isinstance(entry, kind)]
            if pks:
                asked |= Q(**{f"{kind.__name__.lower()}__in": pks})
        super().__init__(asked)

    def subject(self, row: Any) -> Any:
        """The section, stage or group."""
        return next((kind, pk) for kind in ("section", "stage", "group") if (pk := getattr(row, f"{kind}_id")))

    def names(self, rows: Sequence[Any]) -> dict[Any, str]:
        """Names of entries and people; of one removed on request there is none."""
        found: dict[Any, str] = {}
        for kind, model in (("section", Section), ("stage", Stage), ("group", Group)):
            pks = {pk for row in rows if (pk := getattr(row, f"{kind}_id"))}
            found |= {(kind, one.pk): f"the {kind} {one.name}" for one in model._default_manager.filter(pk__in=pks)}
        contacts = Contact.objects.filter(pk__in={row.contact_id for row in rows})
        return found | {("contact", one.pk): str(one) for one in contacts}

    def said(self, row: Any, names: dict[Any, str]) -> str:
        """Role and name."""
        return f"{role_in_words(row.role)}: {names.get(('contact', row.contact_id), '(gone)')}"


class Building(Linked):
    """Which group builds which category."""

    model, word = CategoryGroup, "Groups"

    def __init__(self, entries: Sequence[Entry]) -> None:
        groups = [entry.pk for entry in entries if isinstance(entry, Group)]
        categories = [entry.pk for entry in entries if isinstance(entry, Category)]
        super().__init__(Q(group__in=groups) | Q(category__in=categories))

    def subject(self, row: Any) -> Any:
        """The category."""
        return ("category", row.category_id)

    def names(self, rows: Sequence[Any]) -> dict[Any, str]:
        """Names of categories and groups."""
        categories = Category.objects.filter(pk__in={row.category_id for row in rows})
        groups = Group.objects.filter(pk__in={row.group_id for row in rows}).select_related("stage")
        found: dict[Any, str] = {("category", one.pk): f"the category {one.name}" for one in categories}
        return found | {("group", one.pk): one.full_name for one in groups}

    def said(self, row: Any, names: dict[Any, str]) -> str:
        """The group."""
        return names.get(("group", row.group_id), "a group that is no more")


def _shown(text: str) -> str:
    """A value in words; the dash that stands for none is none."""
    return "" if text == "–" else text
