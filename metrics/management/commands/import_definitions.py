"""``manage.py import_definitions``: bring the metrics dictionary to what a folder or file of YAML says."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from metrics.definitions.importing import ImportReport, import_definitions
from metrics.definitions.months import parse_month


class Command(BaseCommand):
    """Good definitions are imported; faulty ones are refused and named, and the exit code is 1 then."""

    help = (
        "Import metric and event definitions from a folder of YAML files, one file, or one file with a list of all. "
        "Good definitions are imported together; faulty ones are refused and named (exit 1). The same files again "
        "change nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument("path", type=Path, metavar="DIR_OR_FILE")
        parser.add_argument(
            "--from", dest="from_month", metavar="YYYY-MM", help="when a changed mapping begins to hold"
        )
        parser.add_argument("--allow-unknown-fields", action="store_true", help="keep fields that no format knows")
        parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, report, and exit 1 when something was refused."""
        try:
            from_month = parse_month(options["from_month"]) if options["from_month"] else None
        except ValueError as error:
            raise CommandError(f"--from: {error}") from error
        quiet = options["json"]
        report = import_definitions(
            path=options["path"],
            from_month=from_month,
            allow_unknown_fields=options["allow_unknown_fields"],
            say=(lambda sentence: None) if quiet else self.stdout.write,
        )
        if quiet:
            self.stdout.write(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
        else:
            self._tell(report, verbose=options["verbosity"] > 1)
        if report.refused:
            sys.exit(1)

    def _tell(self, report: ImportReport, *, verbose: bool) -> None:
        self.stdout.write(
            f"Definitions: {len(report.created)} new, {len(report.updated)} changed, {report.unchanged} unchanged, "
            f"from {report.files} file{'' if report.files == 1 else 's'}."
        )
        events = len(report.events_created) + len(report.events_updated) + report.events_unchanged
        if events:
            self.stdout.write(
                f"Events: {len(report.events_created)} new, {len(report.events_updated)} changed, "
                f"{report.events_unchanged} unchanged."
            )
        if report.unresolved_groups:
            self.stdout.write(f"Groups that the catalog does not know (yet): {', '.join(report.unresolved_groups)}.")
        if report.findings:
            self.stdout.write(f"Hygiene: {len(report.findings)} findings (shown with -v 2 and on the hygiene page).")
            for key_path, finding in report.findings if verbose else ():
                self.stdout.write(f"  {key_path}: {finding.sentence}")
        for fault in report.refused:
            self.stderr.write(f"refused: {fault}")
        if report.refused:
            self.stderr.write(f"{len(report.refused)} refused and named above; everything else was imported.")
