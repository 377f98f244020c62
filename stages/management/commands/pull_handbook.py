"""``manage.py pull_handbook [SOURCE]``: the scheduled pull, now."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from stages.pull import PullFailed, pull


class Command(BaseCommand):
    """Imports the structure files and the handbook page from a folder or URL folder where they are new."""

    help = "Import what is new from a Git checkout or URL folder (STAGES_PULL_SOURCE)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", nargs="?")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(pull(source=options["source"]).sentence)
        except PullFailed as error:
            raise CommandError(f"{error} Nothing was imported from it.") from error
