"""``manage.py import_subscriptions FILE.csv``: the list of subscriptions."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from metrics.figures.document import dumps
from metrics.imports import Unreadable, import_subscriptions


class Command(BaseCommand):
    """Imports a CSV, all of it or nothing, unless the good lines are asked for."""

    help = "Import the list of subscriptions: subscription_id,account,plan,seats,starts_on,ends_on,delivery."

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
            outcome = import_subscriptions(
                content=content, good_lines=options["good_lines"], dry_run=options["dry_run"]
            )
        except Unreadable as error:
            raise CommandError(f"file: {error}") from error
        if options["json"]:
            self.stdout.write(dumps(outcome.as_document()))
        else:
            for fault in outcome.faults:
                self.stderr.write(str(fault))
            done = "imported" if outcome.imported else "nothing imported"
            self.stdout.write(
                f"{done}: {outcome.created} new, {outcome.changed} changed, {outcome.unchanged} unchanged,"
                f" {len(outcome.faults)} faulty lines."
            )
        # The lines were named above; the exit code says that some were refused.
        if outcome.faults and outcome.imported:
            raise CommandError("The good lines were imported; the faulty ones were refused.")
        if outcome.faults and options["dry_run"]:
            raise CommandError("Nothing was imported: a dry run. The faulty lines would be refused.")
        if outcome.faults:
            raise CommandError("Nothing was imported. Mend the lines, or import the good ones with --good-lines.")
