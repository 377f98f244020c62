"""``manage.py rollup``: let the figures follow the facts."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from metrics.engine.rollup import known_months, roll_up_all, roll_up_dirty, roll_up_one
from metrics.management.progress import Aloud
from metrics.periods import Month
from portal.jobs import job


class Command(BaseCommand):
    """Rolls up the months that have something to follow; with ``--month`` or ``--all`` counts them anew."""

    help = "Let the figures follow the facts: all months with changes, one month, or every month anew."

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--month", metavar="YYYY-MM", help="count this month anew")
        which.add_argument("--all", action="store_true", help="count every month anew")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        say = None if options["json"] else self.stdout.write
        within = None if options["json"] else Aloud(self.stderr.write)
        if options["all"]:
            with job("Count every month anew", total=len(known_months())) as progress:

                def advance(sentence: str) -> None:
                    progress.advance(1, sentence)
                    if say is not None:
                        say(sentence)

                done = roll_up_all(task="rollup --all", say=advance, within=within)
        elif options["month"]:
            try:
                month = Month.parse(options["month"])
            except ValueError as error:
                raise CommandError(f"--month: {error}.") from error
            done = roll_up_one(month, task="rollup --month", within=within)
        else:
            done = roll_up_dirty(task="rollup", say=say, within=within)
        if options["json"]:
            rows = [{"month": str(one.month), "whole": one.whole, "changed": one.changed} for one in done]
            self.stdout.write(json.dumps({"months": rows}))
        else:
            changed = sum(one.changed for one in done)
            self.stdout.write(f"{len(done)} months looked at, {changed} changed.")
