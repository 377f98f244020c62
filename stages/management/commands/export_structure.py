"""``manage.py export_structure FOLDER``: the structure as the three files from which it is imported."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from stages.structure.exporting import export_structure


class Command(BaseCommand):
    """Writes sections.yml, stages.yml and categories.yml."""

    help = "Write sections.yml, stages.yml and categories.yml into a folder; they import without change."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        if not folder.is_dir():
            raise CommandError(f"{folder} is not a folder. Nothing was written.")
        for name, text in export_structure().items():
            (folder / f"{name}.yml").write_text(text, encoding="utf-8")
            self.stdout.write(str(folder / f"{name}.yml"))
