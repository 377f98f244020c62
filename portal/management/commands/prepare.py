"""``manage.py prepare``: bring database and static files up to date."""

from __future__ import annotations

import hashlib
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


class Command(BaseCommand):
    help = "Migrate the database, build the browser's files and collect static files. Quick where nothing changed."

    def handle(self, *args: Any, **options: Any) -> None:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if plan:
            self.say(f"Migrating the database ({len(plan)} migrations)")
        call_command("migrate", verbosity=0, interactive=False)
        if "build_assets" in get_commands():
            call_command("build_assets", verbosity=0)
        stamp = settings.STATIC_ROOT / ".collected"
        now = fingerprint()
        if not stamp.exists() or stamp.read_text(encoding="ascii") != now:
            self.say("Collecting static files")
            call_command("collectstatic", verbosity=0, interactive=False, clear=True)
            stamp.write_text(now, encoding="ascii")

    def say(self, words: str) -> None:
        self.stdout.write(words)
        self.stdout.flush()


def fingerprint() -> str:
    """Changes when any static file of any app does."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list([]):
            found = (storage.path(path), storage.size(path), storage.get_modified_time(path).isoformat())
            digest.update(repr(found).encode())
    return digest.hexdigest()
