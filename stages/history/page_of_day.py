"""The page of a stage as it was at a moment: blocks, facts, people, which group built which category.

First a plan: what differs between that page and the present one, and what is left as it is, with the reason. Then the
plan is carried out in one transaction. What several pages share, such as where a group belongs, is not turned back by
one of them; the plan names it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from portal.history import because
from stages.contacts import put_people
from stages.content import BlockContent, Difference, differences, from_json
from stages.derived import role_in_words
from stages.editing import content_of, save_block
from stages.facts import Entry, facts_of, kind_of, names_of, said_of
from stages.history.events import events_of
from stages.models import Block, BlockRevision, Category, CategoryGroup, Contact, Group, Responsibility, Stage
from stages.restructuring import change_facts
from stages.restructuring.common import tell

if TYPE_CHECKING:
    from portal.models import User


@dataclass(frozen=True, kw_only=True)
class BlockThen:
    """A block with its content at the moment."""

    block: Block
    content: BlockContent
    differences: tuple[Difference, ...]


@dataclass(frozen=True, kw_only=True)
class FactsThen:
    """Facts that were otherwise."""

    entry: Entry
    values: dict[str, Any]
    differences: tuple[Difference, ...]


@dataclass(frozen=True, kw_only=True)
class PeopleThen:
    """Who was responsible for a stage or group: (role, contact) in order."""

    owner: Stage | Group
    people: tuple[tuple[str, Contact], ...]
    differences: tuple[Difference, ...]


@dataclass(frozen=True, kw_only=True)
class CategoriesThen:
    """Which categories a group built."""

    group: Group
    added: tuple[Category, ...]
    removed: tuple[Category, ...]

    @property
    def differences(self) -> tuple[Difference, ...]:
        """In words."""
        return (
            *(Difference(what=f"“{one.name}”", before="", after=one.name) for one in self.added),
            *(Difference(what=f"“{one.name}”", before=one.name, after="") for one in self.removed),
        )


@dataclass(kw_only=True)
class PageThen:
    """The page of a moment: what it said, what would change, and what would not."""

    stage: Stage
    moment: datetime
    blocks: list[BlockThen] = field(default_factory=list)
    facts: list[FactsThen] = field(default_factory=list)
    people: list[PeopleThen] = field(default_factory=list)
    categories: list[CategoriesThen] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def changes(self) -> list[tuple[str, tuple[Difference, ...]]]:
        """What restoring would change, by title."""
        blocks = [(one.block.heading or one.block.get_kind_display(), one.differences) for one in self.blocks]
        facts = [(f"Facts of the {kind_of(one.entry)} {one.entry.name}", one.differences) for one in self.facts]
        people = [(f"People of the {kind_of(one.owner)} {one.owner.name}", one.differences) for one in self.people]
        categories = [(f"Categories of the group {one.group.name}", one.differences) for one in self.categories]
        return [(title, told) for title, told in (*blocks, *facts, *people, *categories) if told]


def page_of_day(stage: Stage, moment: datetime) -> PageThen:
    """The page at a moment beside the present one."""
    page = PageThen(stage=stage, moment=moment)
    page.blocks = _blocks(stage, moment)
    groups = _groups(page)
    categories = _categories(page, groups)
    entries: list[Entry] = [stage, *groups, *categories]
    for entry in entries:
        then = _facts(entry, moment)
        if then is not None and then.values:
            page.facts.append(then)
    owners: list[Stage | Group] = [stage, *groups]
    for owner in owners:
        people = _people(owner, moment, page)
        if people.differences:
            page.people.append(people)
    return page


@transaction.atomic
def restore_page(*, stage: Stage, moment: datetime, actor: User) -> PageThen:
    """Bring the page of a moment back, all of it or nothing; what was in between stays in the history."""
    why = f"Restored the page of {moment:%Y-%m-%d %H:%M} UTC"
    Stage.objects.select_for_update().get(pk=stage.pk)
    with because(why, actor=actor):
        page = page_of_day(stage, moment)
        for one in page.blocks:
            if one.differences:
                heading = one.block.heading if one.block.kind == "other" else ""
                save_block(
                    stage=stage, kind=one.block.kind, heading=heading, content=one.content, base_version=None,
                    actor=actor, how="restore", reason=why,
                )  # fmt: skip
        for building in page.categories:
            building.group.categories.add(*building.added)
            building.group.categories.remove(*building.removed)
            tell([building.group, *building.added, *building.removed], actor)
        for facts in page.facts:
            change_facts(entry=facts.entry, values=facts.values, actor=actor, reason=why)
        for people in page.people:
            put_people(people.owner, people.people)
    return page


def _blocks(stage: Stage, moment: datetime) -> list[BlockThen]:
    revisions = BlockRevision.objects.filter(block__stage=stage, at__lte=moment)
    latest = {one.block_id: one for one in revisions.order_by("block_id", "-version").distinct("block_id")}
    found = []
    for block in stage.blocks.prefetch_related("placements__resource"):
        now = content_of(block, list(block.placements.all()))
        revision = latest.get(block.pk)
        then = from_json(revision.content) if revision else BlockContent(heading=now.heading)
        present = {item.id for item in now.items}
        then = _without_ids(then, present)
        told = tuple(differences(now, then)) if block.version or revision else ()
        found.append(BlockThen(block=block, content=then, differences=told))
    return found


def _without_ids(content: BlockContent, present: set[int | None]) -> BlockContent:
    items = tuple(item if item.id in present else replace(item, id=None) for item in content.items)
    return replace(content, items=items)


def _state(entry: Entry, moment: datetime) -> dict[str, Any] | None:
    """The row of an entry at a moment; ``None`` before it was there."""
    events = entry.events.filter(pgh_created_at__lte=moment)  # type: ignore[union-attr]
    found: dict[str, Any] | None = events.order_by("-pgh_id").values().first()
    return found


def _facts(entry: Entry, moment: datetime) -> FactsThen | None:
    then = _state(entry, moment)
    if then is None:
        return None
    values = {name: then[name] for name in names_of(type(entry)) if then[name] != getattr(entry, name)}
    told = tuple(
        Difference(
            what=f"“{fact.label}”",
            before=said_of(fact, getattr(entry, fact.name)),
            after=said_of(fact, values[fact.name]),
        )
        for fact in facts_of(type(entry))
        if fact.name in values
    )
    return FactsThen(entry=entry, values=values, differences=told)


def _groups(page: PageThen) -> list[Group]:
    """The groups that were in the stage and still are; of the others it is told where they are."""
    stage, moment = page.stage, page.moment
    then = _state(stage, moment)
    if then is not None:
        if then["name"] != stage.name:
            page.left.append(f"Its name was {then['name']} then. Rename it on its structure page.")
        if then["section_id"] != stage.section_id:
            page.left.append("It was in another section then. Move it on its structure page.")
    events = events_of(Group).filter(pgh_created_at__lte=moment)
    latest = events.order_by("pgh_obj_id", "-pgh_id").distinct("pgh_obj_id")
    were = {row["pgh_obj_id"]: row for row in latest.values() if row["stage_id"] == stage.pk and not row["retired_on"]}
    known = {group.pk: group for group in Group.objects.filter(pk__in=were).select_related("stage__section")}
    for number, row in were.items():
        group = known.get(number)
        if group is None:
            page.left.append(f"The group {row['name']} was deleted since.")
        elif group.stage_id != stage.pk:
            page.left.append(
                f"The group {group.name} belongs to {group.stage.name} by now. Move it on its structure page."
            )
        elif group.retired_on is not None:
            page.left.append(f"The group {group.name} is retired. Bring it back on its structure page.")
    for group in stage.groups.filter(retired_on=None).exclude(pk__in=were):
        page.left.append(f"The group {group.name} came to this stage later; it stays.")
    staying = [group for group in known.values() if group.stage_id == stage.pk and group.retired_on is None]
    return sorted(staying, key=lambda group: (group.order, group.key))


def _categories(page: PageThen, groups: Sequence[Group]) -> list[Category]:
    """Which categories each group built then; those that both then and now belong to one of them."""
    now: dict[int, set[int]] = defaultdict(set)
    for row in CategoryGroup.objects.filter(group__in=groups):
        now[row.group_id].add(row.category_id)
    then = {group.pk: set(now[group.pk]) for group in groups}
    events = events_of(CategoryGroup).filter(group__in=groups, pgh_created_at__gt=page.moment)
    # Backwards from the present, since the links are older than their history.
    for event in events.order_by("-pgh_id"):
        change = then[event.group_id].discard if event.pgh_label == "insert" else then[event.group_id].add
        change(event.category_id)
    numbers = {number for one in (*now.values(), *then.values()) for number in one}
    rows = {row.pk: row for row in Category.objects.filter(pk__in=numbers).select_related("stage")}
    for group in groups:
        added = sorted((rows[pk] for pk in then[group.pk] - now[group.pk] if pk in rows), key=lambda one: one.name)
        removed = sorted((rows[pk] for pk in now[group.pk] - then[group.pk]), key=lambda one: one.name)
        back = [one for one in added if one.retired_on is None]
        page.left += [
            f"The category {one.name} is retired. Bring it back on its structure page."
            for one in added
            if one.retired_on is not None
        ]
        if back or removed:
            page.categories.append(CategoriesThen(group=group, added=tuple(back), removed=tuple(removed)))
    staying = {pk for group in groups for pk in then[group.pk]}
    return sorted((rows[pk] for pk in staying if pk in rows), key=lambda one: one.name)


def _people(owner: Stage | Group, moment: datetime, page: PageThen) -> PeopleThen:
    kind = kind_of(owner)
    now = [
        (one.role, one.contact_id)
        for one in owner.people.select_related("contact").order_by("order", "pk")
    ]  # fmt: skip
    then = {(one.role, one.contact_id): one.order for one in owner.people.all()}
    events = events_of(Responsibility).filter(**{kind: owner.pk}, pgh_created_at__gt=moment)
    for event in events.order_by("-pgh_id"):
        if event.pgh_label == "insert":
            then.pop((event.role, event.contact_id), None)
        else:
            then[event.role, event.contact_id] = event.order
    numbers = {contact for _, contact in (*now, *then)}
    contacts = {one.pk: one for one in Contact.objects.filter(pk__in=numbers)}
    gone = [pair for pair in then if pair[1] not in contacts or contacts[pair[1]].removed_on is not None]
    if gone:
        page.left.append(f"{len(gone)} people of the {kind} {owner.name} were removed on request; they stay nameless.")
    kept = sorted((order, role, contact) for (role, contact), order in then.items() if (role, contact) not in gone)
    people = tuple((role, contacts[contact]) for _, role, contact in kept)
    return PeopleThen(owner=owner, people=people, differences=_told(now, people, contacts))


def _told(
    now: Iterable[tuple[str, int]], then: Sequence[tuple[str, Contact]], contacts: dict[int, Contact]
) -> tuple[Difference, ...]:
    before, after = set(now), {(role, contact.pk) for role, contact in then}
    words = {pair: f"{role_in_words(pair[0])}: {contacts[pair[1]]}" for pair in before | after if pair[1] in contacts}
    return (
        *(Difference(what=f"“{words[pair]}”", before="", after=words[pair]) for pair in sorted(after - before)),
        *(Difference(what=f"“{words[pair]}”", before=words[pair], after="") for pair in sorted(before - after)),
    )
