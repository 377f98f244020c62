"""``manage.py passport ID``: open a figure."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from metrics.engine.months import publish_what_is_final
from metrics.engine.rollup import roll_up_dirty
from metrics.exact import as_text
from metrics.figures.asking import check_subject
from metrics.figures.contributions import stream_contributions
from metrics.figures.document import dumps
from metrics.figures.left_out import stream_left_out
from metrics.figures.passport import passport
from metrics.figures.question import QuestionError, parse_id


class Command(BaseCommand):
    """Everything that a figure is made of."""

    help = "Print a figure's passport: its definition, its mapping, each contribution, and what was left out and why."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", help="the figure's id, for example smau.create.2026-10")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            question = parse_id(options["id"])
            check_subject(question)
        except QuestionError as error:
            raise CommandError(error.sentence) from error
        roll_up_dirty(task="passport")
        if question.published:
            publish_what_is_final([question.month])
        found = passport(question)
        rows = [part.as_row() for part in found.parts] or [one.as_row() for one in stream_contributions(question)]
        left = [one.as_row() for one in stream_left_out(question)]
        if options["json"]:
            self.stdout.write(dumps({**found.as_document(), "contributions": rows, "left_out": left}))
            return
        figure = found.figure
        value = "no figure" if figure.recorded is None else as_text(figure.recorded)
        self.stdout.write(f"{figure.id}: {value} ({', '.join([figure.state, *figure.flags])})")
        if found.definition is not None:
            self.stdout.write(f"metric {found.definition.key_path}, version {found.definition.version}")
        for row in rows:
            who = row["installation"]["hostname"] if row["installation"] else row.get("figure", "")
            self.stdout.write(f"  {row['value']}  {who}  {row['report'] or ''}".rstrip())
        for row in left:
            who = row["installation"]["hostname"] if row["installation"] else row.get("subject") or row["subscription"]
            self.stdout.write(f"  left out: {who} ({row['reason']})")
        for one in found.restatements:
            self.stdout.write(f"  restated {one.at:%Y-%m-%d %H:%M}: {one.old} to {one.new} ({one.cause})")
