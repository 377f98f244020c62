"""``manage.py import_handbook FILE``: the handbook page, three ways, twice without change."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from stages.handbook.documents import page_of
from stages.handbook.importing import digest_of, import_page
from stages.handbook.reading import HandbookError, read_page
from stages.handbook.report import HandbookReport


class Command(BaseCommand):
    """Imports the whole page or, on an error, nothing."""

    help = "Import a handbook page (Markdown, or exported JSON or YAML). Edits made in the portal stay."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="show what would change and change nothing")
        parser.add_argument("--partial", action="store_true", help="only a part: what it lacks is not missing")
        parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            text = read_page(options["file"])
            page = page_of(text, str(options["file"]))
        except HandbookError as error:
            raise CommandError(f"{error} Nothing was imported.") from error
        if options["partial"]:
            page = replace(page, partial=True)
        if not page.stages:
            raise CommandError(
                f"{options['file']}: there is no stage on this page. Expected headings such as “Create Stage” with "
                "blocks such as “Top dashboards” under them. Nothing was imported."
            )
        report = import_page(
            page=page, source=str(options["file"]), digest=digest_of(text), by="the command import_handbook",
            dry_run=options["dry_run"],
        )  # fmt: skip
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
        else:
            self.stdout.write("\n".join(lines(report, dry_run=options["dry_run"])))


def lines(report: HandbookReport, *, dry_run: bool) -> list[str]:
    """The report as a person reads it."""
    told = ["Nothing was written; this is what an import would do."] if dry_run else []
    for name, counts in {
        **report.stages,
        "Starting points": report.starting_points,
        "Texts of the page": report.page_texts,
    }.items():
        new = " (not in the current structure)" if name in report.new_stages else ""
        told.append(
            f"{name}{new}: {counts.created} created, {counts.updated} updated, {counts.unchanged} unchanged, "
            f"{counts.placeholders} placeholders, {counts.missing_from_source} missing from the source"
        )
        told += [
            f"  line {one['line']} has no place of its own and was kept: {one['text']}" for one in counts.unrecognised
        ]
    for change in report.changes:
        if dry_run:
            told += [f"  {change.stage}, {change.kind}: {one.sentence}" for one in change.differences]
        told += [
            f"  {change.stage}, {change.kind}: both sides changed {one.what}; the portal's stands until someone decides"
            for one in change.conflicts
        ]
    return told
