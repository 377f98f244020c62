"""``manage.py import_releases FILE``: released versions for the version check."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from telemetry.versions import BadReleases, import_releases, read_releases


class Command(BaseCommand):
    help = (
        "Import releases from YAML, JSON or CSV: version, released_on, supported_until, security, vulnerable, "
        "critical_vulnerability, details. All of them or none."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            counts = import_releases(entries=read_releases(options["file"]))
        except BadReleases as error:
            raise CommandError(f"{error} Nothing was imported.") from None
        if options["json"]:
            self.stdout.write(json.dumps(counts))
        else:
            self.stdout.write(", ".join(f"{count} {word}" for word, count in counts.items()) + ".")
