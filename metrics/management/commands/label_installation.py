"""``manage.py label_installation``: name a SaaS, or leave an installation out."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from metrics.figures.document import dumps
from metrics.labels import LabelError, label_installation
from metrics.periods import Month


class Command(BaseCommand):
    """Labels an installation, also before its first report."""

    help = "Say who runs an installation (saas or self_managed), or that it counts nowhere and why."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("uuid")
        parser.add_argument("hostname")
        parser.add_argument("--delivery", default="", help="saas or self_managed")
        parser.add_argument("--exclude", metavar="REASON", help="leave it out of all figures")
        parser.add_argument("--include", action="store_true", help="take an exclusion back")
        parser.add_argument("--from", dest="first", default="", metavar="YYYY-MM", help="the first month")
        parser.add_argument("--to", dest="last", default="", metavar="YYYY-MM", help="the last month")
        parser.add_argument("--reason", default="", help="why, for a delivery or an inclusion")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = label_installation(
                uuid=options["uuid"],
                hostname=options["hostname"],
                delivery=options["delivery"],
                exclude=options["exclude"],
                include=options["include"],
                first=self.month("from", options["first"]),
                last=self.month("to", options["last"]),
                reason=options["reason"],
            )
        except LabelError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(
                dumps({"uuid": options["uuid"], "hostname": options["hostname"], "labels": [str(one) for one in made]})
            )
        else:
            self.stdout.write("\n".join(str(one) for one in made) or "Nothing changed: it is labelled so already.")

    def month(self, name: str, text: str) -> Month | None:
        if not text:
            return None
        try:
            return Month.parse(text)
        except ValueError as error:
            raise CommandError(f"--{name}: {error}.") from error
