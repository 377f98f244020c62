"""``manage.py export_handbook``: the catalog as one page on stdout."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from stages.handbook.exporting import FORMS
from stages.models import Stage


class Command(BaseCommand):
    """Markdown that imports to the same content; JSON and YAML of the same."""

    help = "Write the handbook page as Markdown (or JSON, YAML) to stdout."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--stage", help="only this stage (its key)")
        parser.add_argument("--format", choices=list(FORMS), default="markdown")

    def handle(self, *args: Any, **options: Any) -> None:
        stages = None
        if options["stage"]:
            stages = list(Stage.objects.filter(key=options["stage"]).select_related("section"))
            if not stages:
                raise CommandError(f"There is no stage with the key {options['stage']}.")
        self.stdout.write(FORMS[options["format"]](stages), ending="")
