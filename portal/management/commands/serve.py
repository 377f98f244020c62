"""``manage.py serve``: everything on this machine, with one command."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.checks import ERROR
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from portal import demo
from portal.run.__main__ import obstacle
from portal.settings import env


class Command(BaseCommand):
    help = "Prepare, then run web, workers and beat, with the embedded PostgreSQL where no DATABASE_URL is set."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--host", default=env.text("PORTAL_HOST", "127.0.0.1"))
        parser.add_argument("--demo", action="store_true", help="fill the database with the demo world first")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 < options["port"] < 65536:
            raise CommandError(f"PORT must be between 1 and 65535; it is {options['port']}.")
        # Asked before the long part, and once more by the runner.
        if (words := obstacle(settings.DATA_DIR, options["host"], options["port"])) is not None:
            raise CommandError(words)
        # Before "prepare" the tables of the checks may be missing; afterwards a wrong set-up must stop us.
        call_command("prepare")
        self.check(fail_level=ERROR)
        if options["demo"]:
            call_command("demo")
        connections.close_all()
        command = [sys.executable, "-m", "portal.run", "--data-dir", str(settings.DATA_DIR)]
        command += ["--host", options["host"], "--port", str(options["port"])]
        command += ["--web-workers", str(env.integer("WEB_WORKERS", 2, least=1))]
        command += ["--web-threads", str(env.integer("WEB_THREADS", 4, least=1))]
        command += ["--task-processes", str(env.integer("TASK_PROCESSES", 2, least=1))]
        if not os.environ.get("DATABASE_URL"):
            command.append("--embedded")
        if options["demo"]:
            people = [{"username": who.username, "password": who.password, "words": who.words} for who in demo.SIGN_INS]
            command += ["--sign-ins", json.dumps(people)]
        self.stdout.write("Starting web, workers and beat")
        self.stdout.flush()
        os.chdir(settings.BASE_DIR)
        # Becoming the runner keeps the memory of the demo's making out of a process that lives for months.
        os.execv(command[0], command)  # noqa: S606
