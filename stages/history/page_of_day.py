"""The page of a stage as it was at a moment: its structure, blocks, facts, people, which group built which category.

First a plan: what differs between that page and the present one, and what is left as it is, with the reason. Then the
plan is carried out in one transaction, the structure by the verbs that people use (``structure_of_day``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from portal.history import because
from stages import following
from stages.collaboration import without_ids
from stages.contacts import put_people
from stages.content import BlockContent, Difference, differences, from_json
from stages.derived import role_in_words
from stages.editing import HeadingTaken, content_of, name_groups_of, save_block
from stages.facts import Entry, facts_of, kind_of, names_of, said_of
from stages.history.events import events_of
from stages.history.structure_of_day import CategoriesThen, StructureThen, structure_of_day
from stages.models import Block, BlockRevision, Category, Contact, Group, Responsibility, Stage
from stages.restructuring import RestructureRefused, change_facts
from stages.restructuring.common import tell

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

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


@dataclass(kw_only=True)
class PageThen:
    """The page of a moment: what it said, what would change, and what would not."""

    stage: Stage
    moment: datetime
    structure: list[StructureThen] = field(default_factory=list)
    blocks: list[BlockThen] = field(default_factory=list)
    facts: list[FactsThen] = field(default_factory=list)
    people: list[PeopleThen] = field(default_factory=list)
    categories: list[CategoriesThen] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def changes(self) -> list[tuple[str, tuple[Difference, ...]]]:
        """What restoring would change, by title."""
        return [*((one.title, one.differences) for one in self.structure), *self.whole]

    @property
    def whole(self) -> list[tuple[str, tuple[Difference, ...]]]:
        """What comes back without a choice: all but the structure."""
        blocks = [(one.block.heading or one.block.get_kind_display(), one.differences) for one in self.blocks]
        facts = [(f"Facts of the {kind_of(one.entry)} {one.entry.name}", one.differences) for one in self.facts]
        people = [(f"People of the {kind_of(one.owner)} {one.owner.name}", one.differences) for one in self.people]
        categories = [(f"Categories of the group {one.group.name}", one.differences) for one in self.categories]
        return [(title, told) for title, told in (*blocks, *facts, *people, *categories) if told]


def page_of_day(
    stage: Stage,
    moment: datetime,
    *,
    user: User | AnonymousUser | None = None,
    without: Iterable[str] = (),
) -> PageThen:
    """The page at a moment beside the present one, as far as ``user`` may bring it back; ``None`` may everything.

    ``without`` names the changes of the structure to leave out.
    """
    page = PageThen(stage=stage, moment=moment)
    page.blocks = _blocks(stage, moment)
    structure = structure_of_day(stage, moment, user=user, without=without)
    page.structure, page.categories, page.left = structure.changes, structure.categories, structure.left
    entries: list[Entry] = [stage, *structure.groups, *structure.built]
    for entry in entries:
        then = _facts(entry, moment)
        if then is not None and then.values:
            page.facts.append(then)
    owners: list[Stage | Group] = [stage, *structure.groups]
    for owner in owners:
        people = _people(owner, moment, page)
        if people.differences:
            page.people.append(people)
    return page


@transaction.atomic
def restore_page(
    *, stage: Stage, moment: datetime, actor: User, without: Iterable[str] = (), only: Collection[str] | None = None
) -> PageThen:
    """Bring the page of a moment back, all of it or nothing; what was in between stays in the history.

    Of the changes of the structure leave those ``without`` out; or, where ``only`` is given, make these and no others.
    """
    why = f"Restored the page of {moment:%Y-%m-%d %H:%M} UTC"
    lock_page(stage)
    if only is not None:
        planned = structure_of_day(stage, moment, user=actor)
        without = {*without, *(one.id for one in planned.changes if one.id not in only)}
    back = f"brought back the page of {moment:%-d %b %Y} of {stage.name}"
    with because(why, actor=actor), following.as_one(actor, back):
        page = page_of_day(stage, moment, user=actor, without=without)
        late = [one for one in page.structure if one.action == "retire"]
        for change in page.structure:
            if change not in late:
                change.carry_out(actor, why)
        for building in page.categories:
            _build(building, actor)
        for change in late:
            change.carry_out(actor, why)
        for one in page.blocks:
            if one.differences:
                _put_back(stage, one, actor, why)
        for facts in page.facts:
            change_facts(entry=facts.entry, values=facts.values, actor=actor, reason=why)
        for people in page.people:
            put_people(people.owner, people.people)
            following.changed([stage], actor, back)
        if page.structure:
            name_groups_of(stage)
    return page


def lock_page(stage: Stage) -> None:
    """Keep a stage and its blocks from others until the end of the transaction: what is shown is what is changed."""
    stage.refresh_from_db(from_queryset=Stage.objects.select_for_update())
    list(stage.blocks.select_for_update().order_by("pk").values_list("pk"))


def _put_back(stage: Stage, one: BlockThen, actor: User, why: str) -> None:
    heading = one.block.heading if one.block.kind == "other" else ""
    try:
        save_block(
            stage=stage, kind=one.block.kind, heading=heading, content=one.content, base_version=None, actor=actor,
            how="restore", reason=why,
        )  # fmt: skip
    except HeadingTaken as error:
        raise RestructureRefused(f"{heading} was called {one.content.heading} then. {error}") from error


def _build(building: CategoriesThen, actor: User) -> None:
    """Let a group build what it built; a category's own stage is that of a group that builds it."""
    group, turned = building.group, (*building.added, *building.removed)
    group.categories.add(*building.added)
    group.categories.remove(*building.removed)
    for category in turned:
        stages = list(category.groups.order_by("pk").values_list("stage", flat=True))
        if stages and category.stage_id not in stages:
            category.stage_id = stages[0]
            Category.objects.filter(pk=category.pk).update(stage=stages[0])
    tell([group, *turned], actor)


def _blocks(stage: Stage, moment: datetime) -> list[BlockThen]:
    revisions = BlockRevision.objects.filter(block__stage=stage, at__lte=moment)
    latest = {one.block_id: one for one in revisions.order_by("block_id", "-version").distinct("block_id")}
    found = []
    for block in stage.blocks.prefetch_related("placements__resource"):
        now = content_of(block, list(block.placements.all()))
        revision = latest.get(block.pk)
        then = from_json(revision.content) if revision else BlockContent(heading=now.heading)
        then = without_ids(then, now)
        told = tuple(differences(now, then)) if block.version or revision else ()
        found.append(BlockThen(block=block, content=then, differences=told))
    return found


def _state(entry: Entry, moment: datetime) -> dict[str, Any] | None:
    """The row of an entry at a moment; ``None`` before it was there."""
    events = events_of(type(entry)).filter(pgh_obj=entry.pk, pgh_created_at__lte=moment)
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
