"""Taking a change of the structure back: exactly that one, as long as nothing later stands in the way.

What a change took along stands in its record by numbers of rows, so that a rename in between does not matter. What was
changed since stays as it is and is told. The taking back is a change of its own, which names what it took back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any, cast

from django.core.exceptions import PermissionDenied
from django.db import transaction

from portal.history import because
from portal.permissions import has_role
from portal.roles import Role
from stages import following
from stages.collaboration import without_ids
from stages.content import BlockContent, merge
from stages.editing import HeadingTaken, content_at, content_of, save_block
from stages.facts import MODELS, Entry, kind_of
from stages.models import (
    Block,
    Category,
    Follow,
    Group,
    Placement,
    Responsibility,
    Section,
    Stage,
    Succession,
    Suggestion,
)
from stages.restructuring.common import WORDS, RestructureRefused, locked, record, tell, today
from stages.restructuring.joining import merge as merge_entries
from stages.restructuring.joining import put_groups, put_stages
from stages.restructuring.lifecycle import (
    bring_back,
    delete,
    dependants,
    move,
    must_fit_again,
    place_category,
    rename,
    retire,
)
from stages.restructuring.wishes import entries, may_edit, must_edit, numbered

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.models import User


@dataclass(kw_only=True)
class Undone:
    """What came of it: the entry to look at, ``None`` where it is gone, and what stayed and why."""

    entry: Entry | None
    stayed: list[str] = field(default_factory=list)


def can_be_undone(change: Succession) -> bool:
    """Whether it is a change that is ever taken back: by a person, with its record, not taken back already.

    Of a split that was taken back twice, what came last is not taken back: split anew instead.
    """
    if change.entry is None or change.how not in WORDS or hasattr(change, "undone_by"):
        return False
    return _parted(change) is None or _was_merge(cast(Succession, change.undoes))


def _parted(change: Succession) -> int | None:
    """The number of what it was merged into, where the change took a merge back."""
    parted = change.how == "restored" and change.undoes is not None and change.undoes.how == "merged"
    return cast(Succession, change.undoes).took["other"] if parted else None


def _was_merge(change: Succession) -> bool:
    """Whether it was made by merging. A split that is taken back is told as merged too, but hands no people over."""
    return change.kind == "category" or "people" in change.took


def undoable(changes: Iterable[Succession], user: User | AnonymousUser) -> frozenset[int]:
    """Which of some changes this person may take back; four queries for all of them."""
    asked = [change for change in changes if can_be_undone(change)]
    wanted: dict[str, set[int]] = {kind: set() for kind in MODELS}
    for change in asked:
        for kind, number in _touched(change):
            wanted[kind].add(number)
    found = {
        (kind, one.pk): one
        for kind, numbers in wanted.items()
        if numbers
        for one in entries(kind).filter(pk__in=numbers)
    }
    return frozenset(
        change.pk
        for change in asked
        if all(place in found and may_edit(user, found[place]) for place in _touched(change))
        and (not _leaves_all(change) or has_role(user, Role.EDITOR))
    )


def _touched(change: Succession) -> list[tuple[str, int]]:
    """The entry, and of other pages what taking it back puts something under or takes something from."""
    took = change.took
    places = [(change.kind, cast(int, change.entry))]
    if change.how in ("merged", "split") and "other" in took:
        places.append((change.kind, took["other"]))
    elif (other := _parted(change)) is not None:
        places.append((change.kind, other))
    elif change.how == "moved" and change.kind == "category":
        places += [("group", number) for number in took["groups"] if number not in took["to"]]
    elif change.how == "moved" and took["from"] is not None:
        places.append(({"stage": "section", "group": "stage"}[change.kind], took["from"]))
    return places


def _leaves_all(change: Succession) -> bool:
    """Whether taking it back puts a stage in no section, where only an editor of everything may put one."""
    return change.kind == "stage" and change.how == "moved" and change.took["from"] is None


def told(change: Succession) -> str:
    """The change in a few words."""
    after = f" → {change.to_name}" if change.to_name not in ("", change.from_name) else ""
    return f"the {change.kind} {change.from_name} {WORDS.get(change.how, change.how)}{after}"


def undo(*, change: Succession, user: User, reason: str = "", version: int | None = None) -> Undone:
    """Take a change back for a person who may edit what it touches. ``version`` is that of the entry that they read."""
    with transaction.atomic():
        # Two people who take back the same change: the second finds it taken back.
        change = Succession.objects.select_for_update(of=("self",)).select_related("undoes").get(pk=change.pk)
        if hasattr(change, "undone_by"):
            raise RestructureRefused("It was taken back already.")
        if not can_be_undone(change):
            raise RestructureRefused(f"That cannot be taken back here: {told(change)}.")
        found = [numbered(kind, number) for kind, number in _touched(change)]
        must_edit(user, *found)
        if _leaves_all(change) and not has_role(user, Role.EDITOR):
            raise PermissionDenied("This puts the stage in no section and needs the role editor for everything.")
        # Where something goes before it, as a move does it, and in the order of their numbers, as a merge does it, so
        # that no two of them wait for each other.
        kinds = list(MODELS)
        for one in sorted(found, key=lambda one: (kinds.index(kind_of(one)), one.pk)):
            locked(one, None)
        why = f"Taken back: {told(change)}" + (f". {reason}" if reason else "")
        with because(why, actor=user), following.as_one(user, f"took back: {told(change)}"):
            return _Undoing(change, user, why[:1000], version).of(found[0])


class _Undoing:
    def __init__(self, change: Succession, user: User, why: str, version: int | None) -> None:
        self.change, self.user, self.why, self.version = change, user, why, version
        self.took: dict[str, Any] = change.took
        self.stayed: list[str] = []

    def of(self, entry: Entry) -> Undone:
        """Take it back by the way that fits."""
        entry = locked(entry, self.version)
        ways = {
            "created": self._made, "renamed": self._renamed, "moved": self._moved, "retired": self._retired,
            "restored": self._brought_back, "merged": self._merged, "split": self._split,
        }  # fmt: skip
        ways[self.change.how](entry)
        gone = self.change.how == "created"
        return Undone(entry=None if gone else entry, stayed=self.stayed)

    @property
    def _common(self) -> dict[str, Any]:
        return {"actor": self.user, "reason": self.why, "undoes": self.change}

    def _made(self, entry: Entry) -> None:
        if isinstance(entry, Category):
            groups = set(entry.groups.values_list("pk", flat=True))
            if groups != set(self.took.get("groups", ())):
                raise RestructureRefused(f"The groups of {entry.name} changed since. Retire it instead.")
            entry.groups.clear()
        delete(entry=entry, **self._common)

    def _renamed(self, entry: Entry) -> None:
        change = self.change
        if (entry.key, entry.name) != (change.to_key, change.to_name):
            raise RestructureRefused(f"It was renamed to {entry.name} ({entry.key}) since. Take that back first.")
        rename(entry=entry, name=change.from_name, key=change.from_key, on=today(), **self._common)

    def _moved(self, entry: Entry) -> None:
        if isinstance(entry, Category):
            self._placed(entry)
            return
        assert isinstance(entry, Stage | Group)  # noqa: S101
        now: Section | Stage | None = entry.section if isinstance(entry, Stage) else entry.stage
        if (now.pk if now else None) != self.took["to"]:
            where = f"to {now.name}" if now else "out of its section"
            raise RestructureRefused(f"{entry.name} was moved {where} since. Take that back first.")
        number, kind = self.took["from"], "section" if isinstance(entry, Stage) else "stage"
        parent = cast("Section | Stage", numbered(kind, number)) if number is not None else None
        move(entry=entry, parent=parent, on=today(), **self._common)

    def _placed(self, entry: Category) -> None:
        if set(entry.groups.values_list("pk", flat=True)) != set(self.took["to"]):
            raise RestructureRefused(f"The groups of {entry.name} changed since. Take that back first.")
        groups = [cast(Group, numbered("group", number)) for number in self.took["groups"]]
        place_category(entry=entry, groups=groups, on=today(), **self._common)
        stage = self.took["stage"]
        if entry.stage_id != stage and Stage.objects.filter(pk=stage).exists():
            entry.stage_id = stage
            entry.save(update_fields=["stage", "updated_at"])

    def _retired(self, entry: Entry) -> None:
        self._still_retired(entry)
        bring_back(entry=entry, on=today(), **self._common)

    def _brought_back(self, entry: Entry) -> None:
        if entry.retired_on is not None:
            raise RestructureRefused(f"{entry.name} is retired by now already.")
        other = _parted(self.change)
        if other is not None:
            merge_entries(source=entry, target=numbered(kind_of(entry), other), on=today(), **self._common)
            return
        retire(entry=entry, on=date.fromisoformat(self.took["retired_on"]), **self._common)

    def _still_retired(self, entry: Entry) -> None:
        if entry.retired_on is None:
            raise RestructureRefused(f"{entry.name} was brought back since.")
        if entry.retired_on != self.change.on:
            raise RestructureRefused(f"{entry.name} was retired anew since. Take that back first.")

    # Merges

    def _merged(self, source: Entry) -> None:
        target = locked(numbered(kind_of(source), self.took["other"]), None)
        self._still_retired(source)
        if target.retired_on is not None:
            raise RestructureRefused(f"{target.name} is retired since. Bring it back first.")
        must_fit_again(source)
        self._give_parts_back(source, target)
        if isinstance(source, Stage) and isinstance(target, Stage):
            self._give_page_back(source, target)
        self._people_back(target)
        source.retired_on = None
        for entry in (source, target):
            entry.version += 1
            entry.save()
        same = (source.key, source.name)
        record(source, "restored", same, same, self.user, today(), self.why, undoes=self.change)
        tell([source, target], self.user)

    def _split(self, source: Entry) -> None:
        new = locked(numbered(kind_of(source), self.took["other"]), None)
        if new.retired_on is not None:
            raise RestructureRefused(f"{new.name} is retired since. Bring it back first.")
        if source.retired_on is not None:
            raise RestructureRefused(f"{source.name} is retired since. Bring it back first.")
        self._give_parts_back(source, new)
        used = dependants(new)
        if used:
            raise RestructureRefused(f"{new.name} cannot be taken back: {used} Move them first.")
        took: dict[str, Any] = {"other": source.pk}
        if isinstance(new, Category):
            numbers = list(new.groups.values_list("pk", flat=True))
            took["building"] = {"had": numbers, "new": []}
            new.groups.clear()
        else:
            took |= {
                name: self.took[name]
                for name in ("stages", "groups", "own_categories", "categories")
                if name in self.took
            }
        new.retired_on = today()
        new.version += 1
        new.save()
        source.version += 1
        source.save()
        record(
            new, "merged", (new.key, new.name), (source.key, source.name), self.user, today(), self.why, took=took,
            undoes=self.change,
        )  # fmt: skip
        tell([source, new], self.user)

    def _give_parts_back(self, to: Entry, holder: Entry) -> None:
        """Give back what went along and still is where it went; the rest is told."""
        took = self.took
        if isinstance(to, Section) and isinstance(holder, Section):
            stages = list(Stage.objects.filter(pk__in=took.get("stages", ())))
            put_stages(self._still(stages, [one for one in stages if one.section_id == holder.pk]), to)
        elif isinstance(to, Stage) and isinstance(holder, Stage):
            groups = list(Group.objects.filter(pk__in=took.get("groups", ())))
            put_groups(self._still(groups, [one for one in groups if one.stage_id == holder.pk]), to)
            Category.objects.filter(pk__in=took.get("own_categories", ()), stage=holder).update(stage=to)
        elif isinstance(to, Group) and isinstance(holder, Group):
            self._links_back("categories", to.categories, holder.categories)
            Placement.objects.filter(pk__in=took.get("placements", ()), group=holder).update(group=to)
        elif isinstance(to, Category) and isinstance(holder, Category):
            self._links_back("building", to.groups, holder.groups)

    def _still(self, all_: list[Any], there: list[Any]) -> list[Any]:
        self.stayed += [f"{one.name} was moved since; it stays where it is." for one in all_ if one not in there]
        return there

    def _links_back(self, name: str, to: Any, holder: Any) -> None:
        handed = self.took.get(name, {"had": [], "new": []})
        there = set(holder.values_list("pk", flat=True))
        back = [number for number in handed["had"] if number in there]
        if len(back) < len(handed["had"]):
            gone = to.model._default_manager.filter(pk__in=set(handed["had"]) - there).order_by("name")
            self.stayed += [f"{one.name} was moved since; it stays where it is." for one in gone]
        to.add(*back)
        holder.remove(*(number for number in handed["new"] if number in there))

    def _give_page_back(self, source: Stage, target: Stage) -> None:
        for number, before, after in self.took.get("blocks", ()):
            block = Block.objects.select_for_update().filter(pk=number, stage=target).first()
            if block is not None:
                self._block_back(block, target, before, after)
        for number, base in self.took.get("suggestions", ()):
            Suggestion.objects.filter(pk=number, stage=target, state="open").update(stage=source, base_version=base)
        Follow.objects.filter(stage=target, user__in=self.took.get("followers", ())).delete()

    def _block_back(self, block: Block, target: Stage, before: int, after: int) -> None:
        """What the block was before; where it was edited since, without what the merge had added."""
        heading = block.heading if block.kind == "other" else ""
        now = content_of(block)
        earlier = content_at(block, before) if before else BlockContent(heading=heading)
        if block.version != after:
            merged = merge(content_at(block, after), now, earlier, keep_missing=False)
            if merged.conflicts:
                title = block.heading or block.get_kind_display()
                self.stayed.append(f"{title} of {target.name} was changed since; it stays as it is.")
                return
            earlier = merged.content
        try:
            save_block(
                stage=target, kind=block.kind, heading=heading,
                content=without_ids(replace(earlier, placeholders=now.placeholders), now), base_version=block.version,
                actor=self.user, how="undo", reason=self.why,
            )  # fmt: skip
        except HeadingTaken:
            self.stayed.append(f"{heading} of {target.name} stays: its heading of before is another's by now.")

    def _people_back(self, target: Entry) -> None:
        numbers = self.took.get("people", ())
        if numbers:
            Responsibility.objects.filter(pk__in=numbers, **{kind_of(target): target}).delete()
