"""Brings the catalog in line with the structure files: all of a run or nothing.

Each field is merged three ways. What was read last time is in ``imported``; a field that still equals it follows the
file, one that was edited in the portal stays. Where the file changed it as well, a conflict waits for a decision.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import transaction
from django.utils import timezone

from portal.history import because
from stages import following
from stages.contacts import set_people
from stages.disputes import dispute
from stages.locks import one_import_at_a_time
from stages.models import Category, FieldConflict, FormerKey, Group, ImportRun, Section, Stage, Succession
from stages.models.changes import NOT_IN_THE_FILE
from stages.names import folded
from stages.restructuring.common import lead_on
from stages.signals import structure_changed
from stages.structure.reader import Irregularity
from stages.structure.reading import Entry, Structure
from stages.structure.report import Disputed, EntryChange, FieldChange, StructureReport
from stages.structure.values import assign

if TYPE_CHECKING:
    from portal.models import User

Kind = TypeVar("Kind", Section, Stage, Group, Category)


def sync_structure(
    *, structure: Structure, source: str, actor: User | None = None, by: str = "", dry_run: bool = False
) -> StructureReport:
    """Create, update and retire sections, stages, groups and categories. A second run changes nothing.

    ``by`` says what runs it where no person does. ``dry_run`` does the same and takes it back.
    """
    report = StructureReport(irregularities=list(structure.irregularities))
    with transaction.atomic():
        one_import_at_a_time()
        digest = hashlib.sha256(repr(structure).encode()).hexdigest()
        run = ImportRun.objects.create(kind="structure", source=source[:1000], digest=digest, actor=actor, by=by)
        with because(f"Read from {source}"[:1000], actor=actor, verb="import_structure", run=run.pk, by=by):
            _write(structure, report, actor)
        if dry_run:
            transaction.set_rollback(True)
            return report
        _tell_followers(report, actor)
        if not report.changed:
            run.delete()
        else:
            run.report = report.as_json()
            run.save(update_fields=["report"])
            FieldConflict.objects.filter(run=None, state="open").update(run=run)
            keys = frozenset(report.changed)
            transaction.on_commit(lambda: structure_changed.send(sender=sync_structure, keys=keys, actor=actor))
    return report


def _write(structure: Structure, report: StructureReport, actor: User | None) -> None:
    people: list[tuple[Section | Stage | Group, Sequence[tuple[str, str]]]] = []
    if structure.sections is not None:
        sections = _sync(Section, structure.sections, report, {}, actor)
        people += [(sections[entry.key], entry.people) for entry in structure.sections]
    if structure.stages is not None:
        parents = {"section": _by_key(Section)}
        stages = _sync(Stage, structure.stages, report, parents, actor)
        people += [(stages[entry.key], entry.people) for entry in structure.stages]
        for stage in Stage.objects.filter(in_structure=False, retired_on=None):
            report.irregularities.append(
                Irregularity(
                    kind="not_in_the_current_structure",
                    file=structure.irregularities[0].file if structure.irregularities else "",
                    key=stage.key,
                    sentence=f"{stage.name} has a page in the portal and is not in the stages file.",
                )
            )
    if structure.groups is not None:
        groups = _sync(Group, structure.groups, report, {"stage": _by_key(Stage)}, actor)
        people += [(groups[entry.key], entry.people) for entry in structure.groups]
    if structure.categories is not None:
        _sync(Category, structure.categories, report, {"stage": _by_key(Stage)}, actor)
    if structure.groups is not None:
        _place_categories(structure.groups, report)
    for owner, changes in set_people(people).items():
        report.changed.add("contacts")
        _tell_more(report, owner, changes)


def _tell_followers(report: StructureReport, actor: User | None) -> None:
    """Tell who follows a stage that the files changed something of it, its groups or its categories."""
    names = {one.stage for one in report.changes if one.stage}
    for stage in Stage.objects.filter(name__in=names).exclude(followers=None):
        following.changed([stage], actor, f"brought in what the structure files say of {stage.name}")


def _tell_more(
    report: StructureReport, row: Section | Stage | Group | Category, changes: Sequence[FieldChange]
) -> None:
    """Put what is not a field of an entry (its people, its groups) to the changes of its fields."""
    kind = type(row).__name__.lower()
    for position, one in enumerate(report.changes):
        if (one.kind, one.key) == (kind, row.key):
            report.changes[position] = replace(one, fields=(*one.fields, *changes))
            return
    report.changes.append(
        EntryChange(kind=kind, key=row.key, name=row.name, stage=stage_of(row), how="updated", fields=tuple(changes))
    )


def stage_of(row: Section | Stage | Group | Category) -> str:
    """The name of the stage that an entry belongs to; empty for a section and for what is in none."""
    if isinstance(row, Stage):
        return row.name
    if isinstance(row, Section):
        return ""
    return row.stage.name if row.stage_id and row.stage else ""


def _by_key(model: type[Kind]) -> dict[str, Kind]:
    """Every row by its key and by the keys that it once had."""
    rows: dict[str, Kind] = {row.key: row for row in model._default_manager.all()}
    for former in FormerKey.objects.filter(kind=model.__name__.lower()):
        if former.target_key in rows:
            rows.setdefault(former.key, rows[former.target_key])
    return rows


def _sync(
    model: type[Kind],
    entries: Sequence[Entry],
    report: StructureReport,
    parents: Mapping[str, Mapping[str, Any]],
    actor: User | None,
) -> dict[str, Kind]:
    kind = model.__name__.lower()
    counts = report.counts.setdefault(
        {"category": "categories"}.get(kind, f"{kind}s"), Counter(created=0, updated=0, unchanged=0, retired=0)
    )
    # Whoever edits one of them meanwhile waits, and is not overwritten by what was read before.
    list(model._default_manager.select_for_update().order_by("pk").values_list("pk"))
    rows = _by_key(model)
    by_name = {folded(row.name): row for row in rows.values() if not row.in_structure and row.retired_on is None}
    open_conflicts: dict[int, set[str]] = defaultdict(set)
    for pk, name in FieldConflict.objects.filter(kind=kind, state="open").values_list("entry", "field"):
        open_conflicts[pk].add(name)
    done: dict[str, Kind] = {}
    for entry in entries:
        values = {name: value for name, value in entry.fields.items() if name not in parents}
        values["order"] = entry.order
        parent_keys = {
            name: found[entry.parent].key if entry.parent in found else "" for name, found in parents.items()
        }
        row = rows.get(entry.key) or by_name.get(folded(entry.fields["name"]))
        if row is None:
            row = model(key=entry.key, imported={})
            state = "created"
        else:
            state = "unchanged"
            if row.key != entry.key and not row.in_structure:
                # Made from a page before the structure was known: the file's key is the better one.
                lead_on(kind, row.key, entry.key)
                row.key = entry.key
        merged = _merge(row, values, parent_keys, parents, new=state == "created")
        returns = row.retired_on is not None and not row.in_structure
        if returns:
            row.retired_on = None
        joins = not row.in_structure
        row.in_structure = True
        told = tuple(change for change in merged.changes if change.field != "order")
        if state == "created" or merged.wrote or returns or joins:
            if state != "created" and (told or returns or joins):
                row.version += 1
                state = "updated"
            row.save()
            report.changed.add(f"{kind}:{row.key}")
        _keep_conflicts(row, kind, merged, open_conflicts[row.pk], report)
        if state == "created" or told or returns or joins:
            how = "created" if state == "created" else "brought back" if returns else "updated"
            report.changes.append(
                EntryChange(kind=kind, key=row.key, name=row.name, stage=stage_of(row), how=how, fields=told)
            )
        counts[state] += 1
        done[entry.key] = row
    kept = {row.pk for row in done.values()}
    for row in model._default_manager.filter(in_structure=True).exclude(pk__in=kept):
        _retire(row, kind, actor)
        counts["retired"] += 1
        report.changes.append(EntryChange(kind=kind, key=row.key, name=row.name, stage=stage_of(row), how="retired"))
        report.changed.add(f"{kind}:{row.key}")
    counts["total"] = len(entries)
    return done


@dataclass(kw_only=True)
class Merged:
    """What came of bringing an entry in line with the file."""

    changes: list[FieldChange] = field(default_factory=list)
    conflicts: list[FieldChange] = field(default_factory=list)
    agreed: list[str] = field(default_factory=list)
    remembered: bool = False

    @property
    def wrote(self) -> bool:
        """Whether anything of the row is to be saved."""
        return bool(self.changes) or self.remembered


def _merge(
    row: Section | Stage | Group | Category,
    values: Mapping[str, Any],
    parent_keys: Mapping[str, str],
    parents: Mapping[str, Mapping[str, Any]],
    *,
    new: bool,
) -> Merged:
    """Take the file's values where the portal has not changed them; where both changed, keep ours and say so."""
    merged = Merged()
    before = dict(row.imported)
    for name, value in {**values, **parent_keys}.items():
        now = row.written(name)
        base = before.get(name, None if not new else now)
        edited = name in before and now != base
        if not edited and name not in before and not new:
            edited = name not in parent_keys and now not in ("", None, [], {}, 0, False) and now != value
        if now == value:
            merged.agreed.append(name)
        elif not edited:
            assign(row, name, value, parents)
            merged.changes.append(FieldChange(field=name, before=now, after=value))
        elif base != value and name != "order":
            merged.conflicts.append(FieldChange(field=name, before=now, after=value))
        if name not in before or before[name] != value:
            merged.remembered = merged.remembered or name != "order"
            before[name] = value
    row.imported = before
    return merged


def _keep_conflicts(
    row: Section | Stage | Group | Category, kind: str, merged: Merged, open_: set[str], report: StructureReport
) -> None:
    """Keep what both sides changed until somebody decides; what both say alike by now needs no decision."""
    if settled := open_.intersection(merged.agreed):
        FieldConflict.objects.filter(kind=kind, entry=row.pk, state="open", field__in=settled).delete()
    for one in merged.conflicts:
        dispute(row, one.field, kept=one.before, source_says=one.after)
        report.conflicts.append(
            Disputed(
                kind=kind, key=row.key, name=row.name, stage=stage_of(row), field=one.field,
                kept=one.before, file_says=one.after,
            )
        )  # fmt: skip


def _retire(row: Section | Stage | Group | Category, kind: str, actor: User | None) -> None:
    today = timezone.now().date()
    row.in_structure = False
    row.retired_on = row.retired_on or today
    row.version += 1
    row.save()
    Succession.objects.create(
        kind=kind,
        how="retired",
        from_key=row.key,
        from_name=row.name,
        on=today,
        reason=NOT_IN_THE_FILE,
        actor=actor,
    )


def _place_categories(groups: Iterable[Entry], report: StructureReport) -> None:
    """Follow the file in which groups build a category; what was added or taken out in the portal stays so."""
    categories, rows = _by_key(Category), _by_key(Group)
    listed = {rows[entry.key]: [key for key in entry.categories if key in categories] for entry in groups}
    through = Category.groups.through
    placed: dict[int, dict[int, int]] = defaultdict(dict)
    for row in through._default_manager.filter(group_id__in=[group.pk for group in listed]):
        placed[row.group_id][row.category_id] = row.pk
    by_pk = {category.pk: category for category in categories.values()}
    gone: list[int] = []
    new: list[tuple[Category, Group]] = []
    for group, keys in listed.items():
        ours, theirs = placed[group.pk], {categories[key].pk for key in keys}
        base = group.imported.get("categories")
        before = set() if base is None else {categories[key].pk for key in base if key in categories}
        for pk in (before - theirs) & set(ours):
            gone.append(ours[pk])
            _tell_more(report, by_pk[pk], [FieldChange(field="groups", before=group.name, after="")])
        for pk in sorted(theirs - before - set(ours)):
            new.append((by_pk[pk], group))
            _tell_more(report, by_pk[pk], [FieldChange(field="groups", before="", after=group.name)])
        if base != keys:
            group.imported["categories"] = keys
            group.save(update_fields=["imported"])
    through._default_manager.filter(pk__in=gone).delete()
    through._default_manager.bulk_create([through(category=category, group=group) for category, group in new])
    if gone or new:
        report.changed.add("category_groups")
