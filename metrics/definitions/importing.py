"""The import of the dictionary: files to definitions, all good ones in one transaction, the faulty ones named."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from django.db import transaction

from metrics.definitions.catalogue import raise_version
from metrics.definitions.changing import change_definition
from metrics.definitions.files import SUFFIXES, Fault, definition_files, read_file
from metrics.definitions.hygiene import Finding, findings_of
from metrics.definitions.mapping import (
    announce,
    follow_new_definition,
    kinds_of,
    lock_dictionary,
    targets_of,
)
from metrics.definitions.months import current_month
from metrics.definitions.parsing import ParsedDefinition, ParsedEvent, is_event, parse_definition, parse_event
from metrics.definitions.signals import definitions_changed
from metrics.definitions.slots import allot_slots
from metrics.models.dictionary import EventDefinition, MetricDefinition
from portal.models import User
from stages.models import Group
from stages.queries import group_named

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """What a folder or file holds, before the database is asked."""

    files: int
    definitions: tuple[ParsedDefinition, ...]
    events: tuple[ParsedEvent, ...]
    refused: tuple[Fault, ...]


@dataclass(kw_only=True)
class ImportReport:
    """What an import did. ``refused`` are the faults; everything else in the files was imported."""

    files: int = 0
    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: int = 0
    events_created: list[str] = field(default_factory=list)
    events_updated: list[str] = field(default_factory=list)
    events_unchanged: int = 0
    unresolved_groups: list[str] = field(default_factory=list)
    findings: list[tuple[str, Finding]] = field(default_factory=list)
    refused: list[Fault] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The report as one plain document."""
        return {
            "files": self.files,
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "events": {
                "created": self.events_created,
                "updated": self.events_updated,
                "unchanged": self.events_unchanged,
            },
            "unresolved_groups": self.unresolved_groups,
            "findings": [{"key_path": key_path, **finding.as_json()} for key_path, finding in self.findings],
            "refused": [fault.as_json() for fault in self.refused],
        }


def gather(path: Path, *, allow_unknown_fields: bool = False, say: Say = lambda sentence: None) -> Gathered:
    """Read a folder or file. Of two definitions with one key path the second is refused, naming both places."""
    paths = definition_files(path)
    base = path if path.is_dir() else path.parent
    refused: list[Fault] = []
    definitions: dict[str, ParsedDefinition] = {}
    events: dict[str, ParsedEvent] = {}
    if not paths:
        refused.append(Fault(file=str(path), message=f"holds no definition files (*{', *'.join(SUFFIXES)})"))
    for number, file in enumerate(paths, start=1):
        if number % 500 == 0:
            say(f"{number:,} of {len(paths):,} files read")
        entries, faults = read_file(file, os.path.relpath(file, base))
        refused += faults
        for entry in entries:
            if is_event(entry):
                event = parse_event(entry)
                if isinstance(event, Fault):
                    refused.append(event)
                elif (first := events.setdefault(event.action, event)) is not event:
                    refused.append(_twice("action", event.action, event, first))
                continue
            found, faults = parse_definition(entry, allow_unknown_fields=allow_unknown_fields)
            refused += faults
            clashes = [(one, definitions[one.key_path]) for one in found if one.key_path in definitions]
            refused += [_twice("key_path", one.key_path, one, first) for one, first in clashes]
            if not clashes:
                definitions.update({one.key_path: one for one in found})
    return Gathered(
        files=len(paths),
        definitions=tuple(definitions.values()),
        events=tuple(events.values()),
        refused=tuple(refused),
    )


def _twice(
    key: str, value: str, second: ParsedDefinition | ParsedEvent, first: ParsedDefinition | ParsedEvent
) -> Fault:
    where = f"{first.file}, line {first.line}"
    return Fault(
        file=second.file, line=second.line, key=key, message=f"{value} is already defined in {where}; this one is left"
    )


def import_definitions(
    *,
    path: Path,
    from_month: date | None = None,
    actor: User | None = None,
    allow_unknown_fields: bool = False,
    say: Say = lambda sentence: None,
) -> ImportReport:
    """Bring the dictionary to what the files say. Good definitions are imported together, faulty ones are refused.

    A definition that the files do not hold stays as it is: metrics are never deleted. ``from_month`` (the current
    month when not given) is when a changed mapping begins to hold; a new definition's mapping holds for all months.
    """
    gathered = gather(path, allow_unknown_fields=allow_unknown_fields, say=say)
    return record_definitions(gathered=gathered, from_month=from_month, actor=actor, say=say)


@transaction.atomic
def record_definitions(
    *, gathered: Gathered, from_month: date | None = None, actor: User | None = None, say: Say = lambda sentence: None
) -> ImportReport:
    """Write what was gathered, in one transaction; the same again changes nothing."""
    lock_dictionary()
    report = ImportReport(files=gathered.files, refused=list(gathered.refused))
    known = MetricDefinition.objects.select_related("group__stage").in_bulk(
        [parsed.key_path for parsed in gathered.definitions], field_name="key_path"
    )
    groups = {
        written: group_named(written) for written in {str(p.values["product_group"]) for p in gathered.definitions}
    }
    report.unresolved_groups = sorted(written for written, group in groups.items() if written and group is None)
    fresh: list[MetricDefinition] = []
    changed: list[MetricDefinition] = []
    month = from_month or current_month()
    for parsed in gathered.definitions:
        findings = findings_of(parsed)
        report.findings += [(parsed.key_path, finding) for finding in findings]
        definition = known.get(parsed.key_path)
        group = groups[parsed.values["product_group"]]
        if definition is None:
            fresh.append(_new(parsed, group, findings))
        elif _update(definition, parsed, group, findings, month, actor):
            changed.append(definition)
        else:
            report.unchanged += 1
    say(f"{len(fresh):,} new and {len(changed):,} changed definitions")
    allotment = allot_slots(fresh)
    MetricDefinition.objects.bulk_create(fresh, batch_size=500)
    allotment.write()
    for definition in fresh:
        targets = targets_of(kinds=kinds_of(definition), product_group=definition.product_group, group=definition.group)
        if targets:
            follow_new_definition(definition=definition, targets=targets, actor=actor)
            announce((None, None), reason=f"{definition.key_path} was added to the dictionary", actor=actor)
    report.created = [definition.key_path for definition in fresh]
    report.updated = [definition.key_path for definition in changed]
    _record_events(gathered, report)
    if fresh or changed:
        raise_version()
        key_paths = (*report.created, *report.updated)
        transaction.on_commit(
            lambda: definitions_changed.send(sender=MetricDefinition, key_paths=key_paths, actor=actor)
        )
    return report


def _new(parsed: ParsedDefinition, group: Group | None, findings: list[Finding]) -> MetricDefinition:
    return MetricDefinition(
        key_path=parsed.key_path,
        **parsed.values,
        group=group,
        raw=parsed.raw,
        raw_text=parsed.text,
        source_file=parsed.file,
        findings=[finding.as_json() for finding in findings],
    )


def _update(
    definition: MetricDefinition,
    parsed: ParsedDefinition,
    group: Group | None,
    findings: list[Finding],
    month: date,
    actor: User | None,
) -> bool:
    """Bring one definition to what its file says; says whether what it means changed (and not just how it is laid out).

    What a reviewer approved here stands above the file until the file says the same.
    """
    overrides = {key: value for key, value in definition.overrides.items() if parsed.values.get(key) != value}
    values = parsed.values | overrides
    group = group if group is not None or definition.product_group != values["product_group"] else definition.group
    aside = {
        "raw": parsed.raw,
        "raw_text": parsed.text,
        "source_file": parsed.file,
        "findings": [finding.as_json() for finding in findings],
        "overrides": overrides,
        "group": group,
    }
    return change_definition(
        definition=definition,
        values=values,
        aside=aside,
        from_month=month,
        reason="the definition changed",
        actor=actor,
    )


def _record_events(gathered: Gathered, report: ImportReport) -> None:
    known = EventDefinition.objects.in_bulk([event.action for event in gathered.events], field_name="action")
    for event in gathered.events:
        values = {**event.values, "source_file": event.file, "raw": event.raw}
        row = known.get(event.action)
        if row is None:
            EventDefinition.objects.create(action=event.action, **values)
            report.events_created.append(event.action)
        elif any(getattr(row, key) != value for key, value in values.items()):
            for key, value in values.items():
                setattr(row, key, value)
            row.save()
            report.events_updated.append(event.action)
        else:
            report.events_unchanged += 1
