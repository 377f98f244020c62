"""The structure that a stage's page showed at a moment, and the changes that bring it back.

A plan only: what stands in the way is told in a sentence, and the rest goes on without it. What touches another page,
such as a group that went to another stage, is planned only for who may edit there too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from stages.content import Difference
from stages.facts import Entry, kind_of
from stages.history.events import events_of
from stages.models import Category, CategoryGroup, FormerKey, Group, Section, Stage
from stages.restructuring import RestructureRefused, bring_back, move, rename, retire
from stages.restructuring.common import free_key, named, today, word_of
from stages.restructuring.wishes import entries, may_edit

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.models import User

IN_USE = "whether it is in use"


@dataclass(frozen=True, kw_only=True)
class StructureThen:
    """One change of the structure; the editor may leave it out by its ``id``."""

    action: str
    entry: Entry
    differences: tuple[Difference, ...]
    name: str = ""
    key: str = ""
    parent: Section | Stage | None = None
    on: date | None = None
    later: bool = False

    @property
    def id(self) -> str:
        """What names it in a form and in the API."""
        return f"{self.action}-{kind_of(self.entry)}-{self.entry.pk}"

    @property
    def title(self) -> str:
        """What it does."""
        word = word_of(self.entry)
        if self.later:
            return f"Retire {word}, which came later"
        done = {"rename": "Rename", "move": "Move", "retire": "Retire", "bring_back": "Bring back"}[self.action]
        return f"{done} {word}"

    def carry_out(self, actor: User, why: str) -> None:
        """Do it by the verb that people use."""
        if self.action == "rename":
            rename(entry=self.entry, name=self.name, key=self.key, actor=actor, on=today(), reason=why)
        elif self.action == "move":
            move(entry=self.entry, parent=self.parent, actor=actor, on=today(), reason=why)
        elif self.action == "retire":
            retire(entry=self.entry, actor=actor, on=self.on or today(), reason=why)
        else:
            bring_back(entry=self.entry, actor=actor, on=today(), reason=why)


@dataclass(frozen=True, kw_only=True)
class CategoriesThen:
    """Which categories a group built; of a group on another page those that went to it or came from it."""

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
class Structure:
    """The plan: changes, placements of categories, what is left and why, and what will be on the page."""

    changes: list[StructureThen] = field(default_factory=list)
    categories: list[CategoriesThen] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    built: list[Category] = field(default_factory=list)


def structure_of_day(
    stage: Stage, moment: datetime, *, user: User | AnonymousUser | None, without: Iterable[str] = ()
) -> Structure:
    """What brings the structure of a moment back; of changes ``without`` some. ``user`` ``None`` may do everything."""
    return _Planning(stage, moment, user, frozenset(without)).plan()


class _Planning:
    def __init__(
        self, stage: Stage, moment: datetime, user: User | AnonymousUser | None, without: frozenset[str]
    ) -> None:
        self.stage, self.moment, self.user, self.without = stage, moment, user, without
        self.found = Structure()
        self.changes: dict[str, StructureThen] = {}
        self.later: list[Group] = []

    def plan(self) -> Structure:
        then = _states(Stage, self.moment, [self.stage.pk]).get(self.stage.pk)
        if then is None:
            self.found.left.append("The portal knew nothing of this stage then; its name, place and groups stay.")
            return self.found
        self._stage(then)
        self._groups()
        self._categories()
        self._keep_what_is_needed(then)
        self.found.changes = _in_order(self.changes.values())
        self.found.groups.sort(key=lambda group: (group.order, group.key))
        return self.found

    # What may be done

    def _may(self, entry: Entry) -> bool:
        return self.user is None or may_edit(self.user, entry)

    def _change(self, change: StructureThen) -> bool:
        """Plan a change unless it is left out."""
        if change.id in self.without:
            return False
        self.changes[change.id] = change
        return True

    def _stage_stands(self) -> bool:
        return self.stage.retired_on is None or f"bring_back-stage-{self.stage.pk}" in self.changes

    # The stage itself

    def _stage(self, then: dict[str, Any]) -> None:
        stage = self.stage
        if then["section_id"] != stage.section_id:
            self._move_stage(Section.objects.filter(pk=then["section_id"]).first(), then["section_id"])
        self._retired(stage, then)
        self._named(stage, then)

    def _move_stage(self, section: Section | None, number: int | None) -> None:
        if number is not None and section is None:
            self.found.left.append("The section that it belonged to was deleted since.")
        elif section is not None and section.retired_on is not None:
            self.found.left.append(f"It belonged to the section {section.name} then, which is retired by now.")
        elif section is not None and not self._may(section):
            self.found.left.append(
                f"It belonged to the section {section.name} then. You are no editor there, so it stays where it is."
            )
        else:
            now = self.stage.section
            told = Difference(what="the section", before=now.name if now else "", after=section.name if section else "")
            self._change(StructureThen(action="move", entry=self.stage, parent=section, differences=(told,)))

    def _retired(self, entry: Entry, then: dict[str, Any]) -> bool:
        """Plan to bring it back or to retire it; whether it will be in use."""
        was, now = then["retired_on"], entry.retired_on
        if was is not None and now is None:
            told = Difference(what=IN_USE, before="in use", after=f"retired from {was:%-d %b %Y}")
            return not self._change(StructureThen(action="retire", entry=entry, on=was, differences=(told,)))
        if was is None and now is not None:
            told = Difference(what=IN_USE, before=f"retired from {now:%-d %b %Y}", after="in use")
            return self._change(StructureThen(action="bring_back", entry=entry, differences=(told,)))
        if was != now:
            self.found.left.append(f"{_word(entry)} was retired from {was:%-d %b %Y} then; it stays retired as it is.")
        return now is None

    def _named(self, entry: Entry, then: dict[str, Any]) -> None:
        name, key = then["name"], then["key"]
        if key != entry.key and (whose := _taken(entry, key)):
            self.found.left.append(f"The key of {word_of(entry)} was {key} then. {whose}, so it keeps {entry.key}.")
            key = entry.key
        told = [
            Difference(what=what, before=before, after=after)
            for what, before, after in (("the name", entry.name, name), ("the key", entry.key, key))
            if before != after
        ]
        if told:
            self._change(StructureThen(action="rename", entry=entry, name=name, key=key, differences=tuple(told)))

    # Its groups

    def _groups(self) -> None:
        states = _states(Group, self.moment)
        here = {number: row for number, row in states.items() if row["stage_id"] == self.stage.pk}
        rows = {group.pk: group for group in entries("group")}
        for number, row in here.items():
            if number in rows:
                self._group_of_then(rows[number], row)
            elif row["retired_on"] is None:
                self.found.left.append(f"The group {row['name']} was deleted since.")
        for group in rows.values():
            if group.stage_id == self.stage.pk and group.pk not in here and group.retired_on is None:
                self._group_of_later(group, states.get(group.pk))

    def _group_of_then(self, group: Group, then: dict[str, Any]) -> None:
        if then["retired_on"] is not None and (group.stage_id != self.stage.pk or group.retired_on is not None):
            return  # Neither that page nor the present one shows it.
        if group.stage_id != self.stage.pk and not self._moved(group, self.stage):
            return
        if group.retired_on is not None and not self._stage_stands():
            self.found.left.append(f"The group {group.name} stays retired, as the stage does.")
        elif self._retired(group, then):
            self.found.groups.append(group)
            self._named(group, then)

    def _moved(self, group: Group, stage: Stage) -> bool:
        """Plan to move a group between the stage and another one; whether it will be there."""
        other = group.stage if stage == self.stage else stage
        if not self._may(other):
            belongs = "belongs to" if stage == self.stage else "belonged to"
            when = "by now" if stage == self.stage else "then"
            self.found.left.append(
                f"The group {group.name} {belongs} the stage {other.name} {when}. You are no editor there, so it stays "
                "where it is."
            )
            return False
        stands = self._stage_stands() if stage == self.stage else stage.retired_on is None
        if not stands:
            self.found.left.append(
                f"The group {group.name} belonged to the stage {stage.name} then, which is retired by now. Bring that "
                "back first."
            )
            return False
        told = Difference(what="the stage", before=group.stage.name, after=stage.name)
        return self._change(StructureThen(action="move", entry=group, parent=stage, differences=(told,)))

    def _group_of_later(self, group: Group, then: dict[str, Any] | None) -> None:
        if then is not None:
            was = entries("stage").filter(pk=then["stage_id"]).first()
            if was is None:
                self.found.left.append(f"The group {group.name} belonged to a stage that was deleted since; it stays.")
            else:
                self._moved(group, was)
        elif _made_later(Group, group.pk):
            told = Difference(what=IN_USE, before="in use", after="retired")
            if self._change(StructureThen(action="retire", entry=group, later=True, differences=(told,))):
                self.later.append(group)
        else:
            self.found.left.append(f"The history of the group {group.name} begins later; it stays.")

    # Their categories

    def _categories(self) -> None:
        staying = {group.pk for group in self.found.groups}
        ours = staying | {group.pk for group in self.later}
        now, then = _placements(self.moment, group__in=ours)
        concerned = {number for one in (now, then) for number, groups in one.items() if groups & ours}
        now, then = _placements(self.moment, category__in=concerned)
        states = _states(Category, self.moment, concerned)
        rows = {one.pk: one for one in entries("category").filter(pk__in=concerned)}
        others = {number for one in (now, then) for groups in one.values() for number in groups}
        groups = {group.pk: group for group in entries("group").filter(pk__in=others)}
        added: dict[int, list[Category]] = defaultdict(list)
        removed: dict[int, list[Category]] = defaultdict(list)
        for number in sorted(concerned, key=lambda pk: rows[pk].name if pk in rows else ""):
            was, has = then[number], now[number]
            category, state = rows.get(number), states.get(number)
            if category is None:
                if was & staying:
                    self.found.left.append(f"The category {state['name'] if state else number} was deleted since.")
                continue
            if not self._may(category):
                self.found.left.append(
                    f"The category {category.name} belongs to another page by now. You are no editor there, so it "
                    "stays as it is."
                )
                continue
            if state is None and _made_later(Category, number):
                if not self._category_of_later(category, has - ours):
                    continue
                was = has - ours
            elif state is not None and not self._category_of_then(category, state, on_page=bool(was & staying)):
                continue
            if (was ^ has) & ours and self._may_place(category, (was ^ has) - ours, was, groups):
                for group in was - has:
                    added[group].append(category)
                for group in has - was:
                    removed[group].append(category)
            if was & staying:
                self.found.built.append(category)
        self.found.categories = [
            CategoriesThen(group=groups[number], added=tuple(added[number]), removed=tuple(removed[number]))
            for number in sorted({*added, *removed}, key=lambda pk: (pk not in ours, groups[pk].order, pk))
            if number in groups
        ]

    def _category_of_then(self, category: Category, state: dict[str, Any], *, on_page: bool) -> bool:
        """Plan its name and whether it was in use; whether its groups are turned back as well."""
        if not on_page:
            return True
        retired = state["retired_on"] is not None
        stays = self._retired(category, state)
        if stays or retired:
            self._named(category, state)
        return stays or retired

    def _category_of_later(self, category: Category, elsewhere: set[int]) -> bool:
        """One that came later leaves the page: retired, unless groups elsewhere build it."""
        if elsewhere or category.retired_on is not None:
            return True
        told = Difference(what=IN_USE, before="in use", after="retired")
        return self._change(StructureThen(action="retire", entry=category, later=True, differences=(told,)))

    def _may_place(self, category: Category, others: set[int], was: set[int], groups: dict[int, Group]) -> bool:
        """Whether the groups of other pages that it went to or came from may be changed along."""
        for number in sorted(others):
            group = groups.get(number)
            if group is None:
                self.found.left.append(f"The category {category.name} was built by a group that was deleted since.")
            elif not self._may(group):
                self.found.left.append(
                    f"The category {category.name} has to do with the group {group.full_name}. You are no editor "
                    "there, so its groups stay."
                )
                return False
            elif number in was and group.retired_on is not None:
                self.found.left.append(
                    f"The category {category.name} was built by the group {group.full_name}, which is retired by now; "
                    "its groups stay."
                )
                return False
        return True

    # What would be left hanging

    def _keep_what_is_needed(self, then: dict[str, Any]) -> None:
        """A group that would still build something alone, and a stage that would still have groups, are not retired."""
        going = {one.entry.pk for one in self.changes.values() if isinstance(one.entry, Category) and one.on is None}
        gone = {group.pk for group in self.later}
        turned = {one.group.pk: one.removed for one in self.found.categories}
        retiring = [one for one in self.changes.values() if one.action == "retire"]
        for change, group in [(one, one.entry) for one in retiring if isinstance(one.entry, Group)]:
            away = {one.pk for one in turned.get(group.pk, ())}
            building = group.categories.filter(retired_on=None).exclude(pk__in=away)
            standing = Group.objects.filter(retired_on=None).exclude(pk__in=gone | {group.pk})
            alone = building.exclude(pk__in=Category.objects.filter(groups__in=standing))
            names = [one.name for one in alone.order_by("name") if f"retire-category-{one.pk}" not in self.changes]
            if names and not going & {one.pk for one in alone}:
                del self.changes[change.id]
                self.found.left.append(f"The group {group.name} stays, as no other builds {named(names)}.")
        if f"retire-stage-{self.stage.pk}" in self.changes:
            moved = {one.entry.pk for one in self.changes.values() if one.action in ("move", "retire")}
            names = list(self.stage.groups.filter(retired_on=None).exclude(pk__in=moved).values_list("name", flat=True))
            if names:
                del self.changes[f"retire-stage-{self.stage.pk}"]
                self.found.left.append(
                    f"It was retired from {then['retired_on']:%-d %b %Y} then; it stays in use, as the groups "
                    f"{named(names)} belong to it."
                )


def _in_order(changes: Iterable[StructureThen]) -> list[StructureThen]:
    """As they can be carried out: places first, what is put somewhere after it, and what is emptied last."""
    steps: Sequence[Callable[[StructureThen], bool]] = (
        partial(_is, "move", Stage), partial(_is, "bring_back", Stage), partial(_is, "rename", Stage),
        partial(_is, "move", Group), partial(_is, "bring_back", Group), partial(_is, "bring_back", Category),
        partial(_is, "rename", Group), partial(_is, "rename", Category), partial(_is, "retire", Category),
        partial(_is, "retire", Group), partial(_is, "retire", Stage),
    )  # fmt: skip
    listed = list(changes)
    return [one for step in steps for one in listed if step(one)]


def _is(action: str, model: type[Entry], change: StructureThen) -> bool:
    return change.action == action and isinstance(change.entry, model)


def _states(model: type[Entry], moment: datetime, keys: Iterable[int] | None = None) -> dict[int, dict[str, Any]]:
    """The rows of a kind as they were at a moment, by number."""
    events = events_of(model).filter(pgh_created_at__lte=moment)
    if keys is not None:
        events = events.filter(pgh_obj_id__in=list(keys))
    latest = events.order_by("pgh_obj_id", "-pgh_id").distinct("pgh_obj_id")
    return {row["pgh_obj_id"]: row for row in latest.values()}


def _made_later(model: type[Entry], number: int) -> bool:
    """Whether the history has its beginning; else it may be older than its history."""
    first = events_of(model).filter(pgh_obj_id=number).order_by("pgh_id").first()
    return first is not None and first.pgh_label == "insert"


def _placements(moment: datetime, **which: Any) -> tuple[dict[int, set[int]], dict[int, set[int]]]:
    """The groups of categories, now and at a moment."""
    now: dict[int, set[int]] = defaultdict(set)
    for row in CategoryGroup.objects.filter(**which):
        now[row.category_id].add(row.group_id)
    then: dict[int, set[int]] = defaultdict(set, {number: set(groups) for number, groups in now.items()})
    # Backwards from the present, since the links are older than their history.
    for event in events_of(CategoryGroup).filter(**which, pgh_created_at__gt=moment).order_by("-pgh_id"):
        change = then[event.category_id].discard if event.pgh_label == "insert" else then[event.category_id].add
        change(event.group_id)
    return now, then


def _taken(entry: Entry, key: str) -> str:
    """Who has the key by now, as a sentence without its full stop; empty where it can be given back."""
    try:
        free_key(type(entry), key, entry)
    except RestructureRefused as error:
        other = type(entry)._default_manager.filter(key=key).exclude(pk=entry.pk).first()
        if other is not None:
            return f"By now that is the key of {word_of(other)}"
        former = FormerKey.objects.filter(kind=kind_of(entry), key=key).first()
        return f"By now it leads to {former.target_key}" if former else str(error).rstrip(".")
    return ""


def _word(entry: Entry) -> str:
    text = word_of(entry)
    return text[0].upper() + text[1:]
