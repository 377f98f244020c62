"""``manage.py backup FILE``: the whole database in one file."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.backup import BackupError, backup


class Command(BaseCommand):
    help = "Write the whole database (embedded or outside) into FILE, as one consistent snapshot."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        file = options["file"].resolve()
        try:
            size = backup(settings.DATABASES["default"], file, say=self.say)
        except (BackupError, OSError) as error:
            raise CommandError(str(error)) from error
        self.say(f"Backup of {size / 2**20:,.1f} MB written to {file}")

    def say(self, words: str) -> None:
        self.stdout.write(words)
        self.stdout.flush()
