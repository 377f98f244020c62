"""``manage.py import_structure``: sections, stages, groups and categories from the YAML files."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from stages.disputes import in_words
from stages.structure.reading import read_structure
from stages.structure.report import StructureReport
from stages.structure.sync import sync_structure
from stages.structure.yamlfile import StructureError


class Command(BaseCommand):
    """Imports all of the files or, on an error, nothing. Irregularities are reported and imported all the same."""

    help = "Import sections, stages, groups and categories from YAML files. On an error nothing is imported."

    def add_arguments(self, parser: ArgumentParser) -> None:
        for name in ("sections", "stages", "categories"):
            parser.add_argument(f"--{name}", type=Path, help=f"{name}.yml")
        parser.add_argument("--dry-run", action="store_true", help="show what would change and change nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        files = {name: options[name] for name in ("sections", "stages", "categories") if options[name]}
        if not files:
            raise CommandError("Name at least one file: --sections F --stages F --categories F. Nothing was imported.")
        try:
            structure = read_structure(**files)
        except StructureError as error:
            raise CommandError(f"{error} Nothing was imported.") from error
        source = ", ".join(str(path) for path in files.values())
        report = sync_structure(
            structure=structure, source=source, by="the command import_structure", dry_run=options["dry_run"]
        )
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
        else:
            self.stdout.write("\n".join(lines(report, dry_run=options["dry_run"])))


def lines(report: StructureReport, *, dry_run: bool) -> list[str]:
    """The report as a person reads it."""
    told = ["Nothing was written; this is what an import would do."] if dry_run else []
    for kind, counts in report.counts.items():
        words = ", ".join(f"{counts[state]} {state}" for state in ("created", "updated", "unchanged", "retired"))
        told.append(f"{counts['total']} {kind}: {words}")
    kinds = Counter(found.kind for found in report.irregularities)
    if kinds:
        told.append("")
        told.append("Irregular, imported all the same:")
    for kind, count in sorted(kinds.items()):
        told.append(f"  {kind.replace('_', ' ')} ({count})")
        for found in report.irregularities:
            if found.kind == kind:
                place = found.file + (f":{found.line}" if found.line else "")
                told.append(f"    {place} {found.key}: {found.sentence}")
    if dry_run:
        told += changes(report)
    told += [
        f"Both sides changed the {in_words(one.field)} of {one.kind} {one.key}; the portal's stands until someone "
        f"decides; the file says {one.file_says!r}."
        for one in report.conflicts
    ]
    return told


def changes(report: StructureReport) -> list[str]:
    """What would change, under the stage that it belongs to."""
    told = []
    for stage, changed, _ in report.by_stage():
        told += ["", stage or "Sections, and what is in no stage"] if changed else []
        for one in changed:
            told.append(f"  {one.kind} {one.key}: {one.how}")
            if one.how != "created":
                told += [f"    {in_words(field.field)}: {field.before!r} → {field.after!r}" for field in one.fields]
    return told
