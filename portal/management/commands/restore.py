"""``manage.py restore FILE``: fill the database from a backup."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from portal.backup import BackupError, contents, restore


class Command(BaseCommand):
    help = "Fill the database from a backup, in one transaction, and bring it up to this release's tables."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--force", action="store_true", help="replace what is in the database (make: FORCE=1)")

    def handle(self, *args: Any, **options: Any) -> None:
        file = options["file"].resolve()
        try:
            entries = contents(file)
            tables, others = state_of_database()
            if others:
                raise BackupError(f"{others} other connections use the database. Stop the portal first.")
            if tables and not options["force"]:
                raise BackupError(
                    f"The database is not empty ({tables} tables). "
                    "To replace what is in it: make restore FILE=… FORCE=1"
                )
            connection.close()
            self.say(f"Restoring {entries} entries from {file}")
            restore(settings.DATABASES["default"], file, replace=bool(tables), say=self.say)
        except (BackupError, OSError) as error:
            raise CommandError(f"{error}\nNothing was changed.") from error
        call_command("migrate", verbosity=0, interactive=False)
        self.say("Restored.")

    def say(self, words: str) -> None:
        self.stdout.write(words)
        self.stdout.flush()


def state_of_database() -> tuple[int, int]:
    """How many tables there are, and how many other connections use the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM pg_tables WHERE schemaname = 'public'),"
            " (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            "   AND backend_type = 'client backend' AND pid <> pg_backend_pid())"
        )
        tables, others = cursor.fetchone()
    return int(tables), int(others)
