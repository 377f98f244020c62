"""``manage.py close_month``: publish a month's figures."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from metrics.engine.months import MonthError, close_month, reopen_month
from metrics.figures.document import as_moment, dumps
from metrics.management.progress import Aloud
from metrics.periods import Month


class Command(BaseCommand):
    """Makes a month final and publishes its figures, or opens it again."""

    help = "Close a month: its figures are published, and every later change of them is a restatement."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("month", metavar="YYYY-MM")
        parser.add_argument("--reason", required=True, help="why it is closed (or re-opened)")
        parser.add_argument("--reopen", action="store_true", help="take a closed month back to provisional")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            month = Month.parse(options["month"])
        except ValueError as error:
            raise CommandError(f"month: {error}.") from error
        say = None if options["json"] else Aloud(self.stderr.write)
        try:
            if options["reopen"]:
                kept = reopen_month(month=month, actor=None, reason=options["reason"])
            else:
                kept = close_month(month=month, actor=None, reason=options["reason"], say=say)
        except MonthError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            published = None if kept.published_at is None else as_moment(kept.published_at)
            self.stdout.write(
                dumps({"month": str(month), "state": kept.state, "published_at": published, "revision": kept.revision})
            )
        else:
            self.stdout.write(f"{month} is {kept.state}.")
