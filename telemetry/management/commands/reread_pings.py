"""``manage.py reread_pings``: stored pings with the present parser and dictionary; says what changed."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from telemetry.models import Ping
from telemetry.reading import PARSER_VERSION
from telemetry.verbs.rereading import reread_ping


class Command(BaseCommand):
    help = "Read stored pings again: some by id, those of an older parser, those that failed, or all."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ids", nargs="*", type=int, metavar="ID")
        parser.add_argument("--older", action="store_true", help="pings that an older parser has read")
        parser.add_argument("--failed", action="store_true", help="pings whose reading failed")
        parser.add_argument("--all", action="store_true")
        parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        pings = Ping.objects.order_by("pk")
        if options["ids"]:
            pings = pings.filter(pk__in=options["ids"])
        elif options["failed"]:
            pings = pings.filter(state=Ping.State.FAILED)
        elif options["older"]:
            pings = pings.filter(parser_version__lt=PARSER_VERSION)
        elif not options["all"]:
            raise CommandError("Name ids, or say --older, --failed or --all.")
        total = changed = 0
        changes = []
        for ping in pings.iterator(chunk_size=200):
            change = reread_ping(ping=ping)
            total += 1
            if not change.is_empty:
                changed += 1
                changes.append(asdict(change))
                if not options["json"]:
                    self.stdout.write(
                        f"{ping.pk}: {change.values_before} → {change.values_after} values, {change.filled} filled, "
                        f"{len(change.new_issues)} new issues, {len(change.gone_issues)} gone"
                    )
        if options["json"]:
            self.stdout.write(json.dumps({"read": total, "changed": changed, "changes": changes}))
        else:
            self.stdout.write(f"{total} pings read again, {changed} changed.")
