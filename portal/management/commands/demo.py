"""``manage.py demo``: fill the database with the demo world."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal import demo


class Command(BaseCommand):
    help = "Fill the database with the demo world: sign-ins and every plugin's part. A second run changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            demo.build(self.say)
        except RuntimeError as error:
            raise CommandError(str(error)) from error

    def say(self, words: str) -> None:
        self.stdout.write(words)
        self.stdout.flush()
