"""``manage.py plugins``: what is installed, what each plugin adds, and what is wrong with it."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal.plugins.registry import registry
from portal.plugins.summary import Overview, as_json, overview


class Command(BaseCommand):
    """Lists the plugins. Ends with 1 when one of them has a problem."""

    help = "List the installed plugins, what each adds, and any problems."
    # The command shows the problems itself, also those that would stop any other.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Say what can be asked."""
        parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        """Show them."""
        shown = overview(registry)
        if options["json"]:
            self.stdout.write(json.dumps(as_json(shown), indent=2, ensure_ascii=False))
        else:
            self.tell(shown)
        if shown.all_problems:
            sys.exit(1)

    def tell(self, shown: Overview) -> None:
        """The overview as text."""
        if not shown.plugins:
            self.stdout.write("No plugins are loaded.")
        for plugin in shown.plugins:
            needs = f", requires {', '.join(plugin.requires)}" if plugin.requires else ""
            self.stdout.write(self.style.MIGRATE_HEADING(f"{plugin.name} {plugin.version} ({plugin.app}{needs})"))
            self.stdout.write(f"  {plugin.summary}")
            for addition in plugin.additions:
                self.stdout.write(f"  {addition.title}")
                for line in addition.lines:
                    self.stdout.write(f"    {line}")
        if shown.not_loaded:
            self.stdout.write(f"Installed but not loaded: {', '.join(shown.not_loaded)}")
        for problem in shown.all_problems:
            self.stderr.write(self.style.ERROR(f"{problem.full_id} {problem.plugin}: {problem.sentence}"))
            self.stderr.write(f"  {problem.hint}")
