"""``manage.py check_links``: look at the links of the catalog now."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from stages.linkcheck.verbs import MOST_PER_RUN, check_links


class Command(BaseCommand):
    """Looks at the links that are due, politely."""

    help = "Look whether the links of the catalog still lead somewhere."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--limit", type=int, default=MOST_PER_RUN)
        parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        report = check_links(limit=options["limit"])
        self.stdout.write(json.dumps(asdict(report)) if options["json"] else report.sentence)
