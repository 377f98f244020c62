"""Brings the catalog in line with the structure files: all of a run or nothing.

Each field is merged three ways. What was read last time is in ``imported``; a field that still equals it follows the
file, one that was edited in the portal stays and is reported as kept.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

import pghistory
from django.db import transaction
from django.utils import timezone

from stages.contacts import set_people
from stages.models import Category, FormerKey, Group, ImportRun, Section, Stage, Succession
from stages.models.structure import Structural
from stages.names import folded
from stages.signals import structure_changed
from stages.structure.reading import Entry, Irregularity, Structure

if TYPE_CHECKING:
    from portal.models import User

Kind = TypeVar("Kind", Section, Stage, Group, Category)

DATES = ("available", "viable", "complete", "lovable")


@dataclass(kw_only=True)
class StructureReport:
    """What an import did, by kind, and what it found irregular."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    irregularities: list[Irregularity] = field(default_factory=list)
    kept_edits: list[dict[str, Any]] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)

    def as_json(self) -> dict[str, Any]:
        """One document: counts per kind, irregularities, edits of the portal that were kept."""
        kinds = Counter(found.kind for found in self.irregularities)
        return {
            **{kind: dict(counts) for kind, counts in self.counts.items()},
            "irregularities": [asdict(found) for found in self.irregularities],
            "irregularities_by_kind": dict(sorted(kinds.items())),
            "kept_edits": self.kept_edits,
        }


def sync_structure(*, structure: Structure, source: str, actor: User | None = None) -> StructureReport:
    """Create, update and retire sections, stages, groups and categories. A second run changes nothing."""
    report = StructureReport(irregularities=list(structure.irregularities))
    with transaction.atomic(), pghistory.context(source=source, verb="import_structure"):
        _write(structure, report)
        if report.changed:
            digest = hashlib.sha256(repr(structure).encode()).hexdigest()
            ImportRun.objects.create(
                kind="structure", source=source[:1000], digest=digest, actor=actor, report=report.as_json()
            )
            keys = frozenset(report.changed)
            transaction.on_commit(lambda: structure_changed.send(sender=sync_structure, keys=keys, actor=actor))
    return report


def _write(structure: Structure, report: StructureReport) -> None:
    people: list[tuple[Section | Stage | Group, Sequence[tuple[str, str]]]] = []
    if structure.sections is not None:
        sections = _sync(Section, structure.sections, report, {})
        people += [(sections[entry.key], entry.people) for entry in structure.sections]
    if structure.stages is not None:
        parents = {"section": _by_key(Section)}
        stages = _sync(Stage, structure.stages, report, parents)
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
        groups = _sync(Group, structure.groups, report, {"stage": _by_key(Stage)})
        people += [(groups[entry.key], entry.people) for entry in structure.groups]
    if structure.categories is not None:
        _sync(Category, structure.categories, report, {"stage": _by_key(Stage)})
    if structure.groups is not None:
        _place_categories(structure.groups, report)
    if set_people(people):
        report.changed.add("contacts")


def _by_key(model: type[Kind]) -> dict[str, Kind]:
    """Every row by its key and by the keys that it once had."""
    rows: dict[str, Kind] = {row.key: row for row in model._default_manager.all()}
    for former in FormerKey.objects.filter(kind=model.__name__.lower()):
        if former.target_key in rows:
            rows.setdefault(former.key, rows[former.target_key])
    return rows


def _sync(
    model: type[Kind], entries: Sequence[Entry], report: StructureReport, parents: Mapping[str, Mapping[str, Any]]
) -> dict[str, Kind]:
    kind = model.__name__.lower()
    counts = report.counts.setdefault(
        {"category": "categories"}.get(kind, f"{kind}s"), Counter(created=0, updated=0, unchanged=0, retired=0)
    )
    rows = _by_key(model)
    by_name = {folded(row.name): row for row in rows.values() if not row.in_structure and row.retired_on is None}
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
                FormerKey.objects.update_or_create(kind=kind, key=row.key, defaults={"target_key": entry.key})
                row.key = entry.key
        changed = _merge(row, values, parent_keys, parents, report, kind, new=state == "created")
        if row.retired_on is not None and not row.in_structure:
            row.retired_on = None
            changed.append("retired_on")
        if not row.in_structure:
            row.in_structure = True
            changed.append("in_structure")
        if state == "created" or changed:
            if state != "created":
                row.version += 1
                state = "updated"
            row.save()
            report.changed.add(f"{kind}:{row.key}")
        counts[state] += 1
        done[entry.key] = row
    kept = {row.pk for row in done.values()}
    for row in model._default_manager.filter(in_structure=True).exclude(pk__in=kept):
        _retire(row, kind)
        counts["retired"] += 1
        report.changed.add(f"{kind}:{row.key}")
    counts["total"] = len(entries)
    return done


def _merge(
    row: Section | Stage | Group | Category,
    values: Mapping[str, Any],
    parent_keys: Mapping[str, str],
    parents: Mapping[str, Mapping[str, Any]],
    report: StructureReport,
    kind: str,
    *,
    new: bool,
) -> list[str]:
    """Take the file's values where the portal has not changed them; the names of the fields that changed."""
    changed: list[str] = []
    before = dict(row.imported)
    for name, value in {**values, **parent_keys}.items():
        now = stored(row, name)
        base = before.get(name, None if not new else now)
        edited = name in before and now != base
        if not edited and name not in before and not new:
            edited = name not in parent_keys and now not in ("", None, [], {}, 0, False) and now != value
        if edited and now != value:
            if base != value:
                report.kept_edits.append({"kind": kind, "key": row.key, "field": name, "file_says": value, "kept": now})
        elif now != value:
            _assign(row, name, value, parents)
            changed.append(name)
        before[name] = value
    if before != row.imported:
        row.imported = before
        changed.append("imported")
    return changed


def _assign(row: Structural, name: str, value: Any, parents: Mapping[str, Mapping[str, Any]]) -> None:
    if name in parents:
        setattr(row, name, parents[name].get(value))
    elif name in DATES and value is not None:
        setattr(row, name, date.fromisoformat(value))
    elif name == "spend_percent" and value is not None:
        setattr(row, name, Decimal(value))
    else:
        setattr(row, name, value)


def stored(row: Structural, name: str) -> Any:
    """The value of a field as the reader gives it: parents by key, dates and decimals as text."""
    value = getattr(row, name, None)  # A group that is being made has no stage yet.
    if isinstance(value, Structural):
        return value.key
    if value is None and name in ("section", "stage"):
        return ""
    if isinstance(value, Decimal):
        return str(float(value))
    if isinstance(value, date):
        return value.isoformat()
    return value


def _retire(row: Section | Stage | Group | Category, kind: str) -> None:
    today = timezone.now().date()
    row.in_structure = False
    row.retired_on = row.retired_on or today
    row.version += 1
    row.save()
    Succession.objects.create(
        kind=kind, how="retired", from_key=row.key, from_name=row.name, on=today, reason="No longer in the file."
    )


def _place_categories(groups: Iterable[Entry], report: StructureReport) -> None:
    """Set the groups of each category as the file lists them."""
    categories, rows = _by_key(Category), _by_key(Group)
    through = Category.groups.through
    wanted = {
        (categories[key].pk, rows[entry.key].pk)
        for entry in groups
        for key in entry.categories
        if key in categories and entry.key in rows
    }
    in_file = {rows[entry.key].pk for entry in groups if entry.key in rows}
    have = {
        (row.category_id, row.group_id): row.pk
        for row in through._default_manager.filter(group_id__in=in_file)
    }  # fmt: skip
    gone = [pk for pair, pk in have.items() if pair not in wanted]
    new = [through(category_id=category, group_id=group) for category, group in sorted(wanted - set(have))]
    through._default_manager.filter(pk__in=gone).delete()
    through._default_manager.bulk_create(new)
    if gone or new:
        report.changed.add("category_groups")
