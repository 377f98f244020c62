"""What the commands that import a CSV have in common."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from metrics.figures.document import dumps
from metrics.imports import Outcome, Unreadable
from metrics.management.progress import Aloud


class CsvImport(BaseCommand):
    """Imports a CSV, all of it or nothing, unless the good lines are asked for."""

    def import_content(self, **asked: Any) -> Outcome:
        """The import itself, with the verb's keywords."""
        raise NotImplementedError

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE.csv", help="the CSV, or - for standard input")
        parser.add_argument("--good-lines", action="store_true", help="import the good lines all the same")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["file"]
        try:
            content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        except OSError as error:
            raise CommandError(f"file: {name} cannot be read: {error.strerror}.") from error
        try:
            outcome = self.import_content(
                content=content,
                good_lines=options["good_lines"],
                dry_run=options["dry_run"],
                say=None if options["json"] else Aloud(self.stderr.write),
            )
        except Unreadable as error:
            raise CommandError(f"file: {error}") from error
        self.tell(outcome, as_json=options["json"])
        # The lines were named above; the exit code says that some were refused.
        if outcome.faults and outcome.imported:
            raise CommandError("The good lines were imported; the faulty ones were refused.")
        if outcome.faults and options["dry_run"]:
            raise CommandError("Nothing was imported: a dry run. The faulty lines would be refused.")
        if outcome.faults:
            raise CommandError("Nothing was imported. Mend the lines, or import the good ones with --good-lines.")

    def tell(self, outcome: Outcome, *, as_json: bool) -> None:
        """Say what was done, and name the faulty lines."""
        if as_json:
            self.stdout.write(dumps(outcome.as_document()))
            return
        for fault in outcome.faults:
            self.stderr.write(str(fault))
        done = "imported" if outcome.imported else "nothing imported"
        self.stdout.write(
            f"{done}: {outcome.created} new, {outcome.changed} changed, {outcome.unchanged} unchanged,"
            f" {len(outcome.faults)} faulty lines."
        )
