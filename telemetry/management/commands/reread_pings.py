"""``manage.py reread_pings``: stored pings with the present parser and dictionary; says what changed."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from telemetry.models import Ping, RereadRun
from telemetry.verbs.rereading import plan_reread, reread_ping, run_reread


class Command(BaseCommand):
    help = "Read stored pings again: some by id, those of an older parser, those that failed, or all."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ids", nargs="*", type=int, metavar="ID")
        parser.add_argument("--older", action="store_true", help="pings that an older parser has read")
        parser.add_argument("--failed", action="store_true", help="pings whose reading failed")
        parser.add_argument("--all", action="store_true")
        parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["ids"] or options["failed"]:
            ids = options["ids"] or list(Ping.objects.filter(state=Ping.State.FAILED).values_list("pk", flat=True))
            self.some(ids, json_only=options["json"])
        elif options["all"] or options["older"]:
            self.many(RereadRun.Scope.ALL if options["all"] else RereadRun.Scope.OLDER, json_only=options["json"])
        else:
            raise CommandError("Name ids, or say --older, --failed or --all.")

    def some(self, ids: Iterable[int], *, json_only: bool) -> None:
        """These pings, each with what changed."""
        changes = [reread_ping(ping=ping) for ping in Ping.objects.filter(pk__in=ids).order_by("pk")]
        changed = [change for change in changes if not change.is_empty]
        if json_only:
            told = {"read": len(changes), "changed": len(changed), "changes": [asdict(change) for change in changed]}
            self.stdout.write(json.dumps(told))
            return
        for change in changed:
            self.stdout.write(f"{change.ping_id}: {change.sentence}")
            for value in change.values:
                self.stdout.write(f"    {value.what}: {value.before} → {value.after}")
        self.stdout.write(f"{len(changes)} pings read again, {len(changed)} changed.")

    def many(self, scope: str, *, json_only: bool) -> None:
        """A run that is shown under Tasks, and that goes on where it was when it is cut off."""
        cut_off = RereadRun.objects.filter(scope=scope, state__in=[RereadRun.State.WAITING, RereadRun.State.RUNNING])
        run = run_reread((cut_off.order_by("pk").first() or plan_reread(scope=scope)).pk)
        if run is None:
            raise CommandError("Another process is reading these pings again just now; see Tasks.")
        if json_only:
            self.stdout.write(json.dumps({"read": run.looked_at, "changed": run.changed, "failed": run.failed}))
        else:
            self.stdout.write(f"{run.looked_at:,} pings looked at, {run.changed:,} changed.")
