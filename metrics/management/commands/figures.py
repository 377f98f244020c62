"""``manage.py figures``: figures on the command line, the same rows as the API's."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from metrics.engine.months import publish_what_is_final
from metrics.engine.rollup import roll_up_dirty
from metrics.exact import as_text
from metrics.figures.asking import PARAMETERS, questions_from
from metrics.figures.document import document, dumps
from metrics.figures.queries import Figure, figures
from metrics.figures.question import QuestionError


class Command(BaseCommand):
    """Answers one question, or one for each stage, group or section."""

    help = "Print figures. What changed since the last roll-up is rolled up first, so nothing stale is printed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--indicator", default="", help="smau, gmau, paid_gmau, umau, section_cmau, cmau, amau, metric"
        )
        parser.add_argument("--month", default="", metavar="YYYY-MM", help="a month, or several with commas")
        parser.add_argument("--week", default="", metavar="YYYY-Www", help="an ISO week, for metrics of 7 days")
        for name in ("stage", "group", "section", "metric"):
            parser.add_argument(f"--{name}", default="", metavar="KEY")
        parser.add_argument("--delivery", default="", help="saas or self_managed")
        parser.add_argument("--edition", default="", help="CE or EE")
        parser.add_argument("--tier", default="", help="free, premium or ultimate")
        parser.add_argument("--paid", action="store_true", help="only installations on a paid plan")
        # Django has an option --version of its own, which prints Django's version.
        parser.add_argument("--version", default="", dest="product_version", metavar="M.N", help="major.minor")
        parser.add_argument("--grain", default="", help="version-subscription (the default), version-seat, …")
        parser.add_argument("--as", default="live", dest="as_", help="live or published")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        """Let our ``--version`` stand in place of Django's."""
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def handle(self, *args: Any, **options: Any) -> None:
        asked = {name: options[name] for name in PARAMETERS if name not in ("version", "paid", "as")}
        asked["version"] = options["product_version"]
        asked["paid"] = "true" if options["paid"] else ""
        asked["as"] = options["as_"]
        try:
            questions = questions_from(asked)
        except QuestionError as error:
            raise CommandError(error.sentence) from error
        roll_up_dirty(task="figures")
        if options["as_"] == "published":
            publish_what_is_final(sorted({question.month for question in questions}))
        found = figures(questions)
        if options["json"]:
            self.stdout.write(dumps(document([one.as_row() for one in found])))
            return
        for one in found:
            self.stdout.write(sentence(one))


def sentence(one: Figure) -> str:
    """A figure in a line."""
    cut = one.question.cut.words()
    head = f"{one.question.indicator} {one.question.subject} {one.period}".replace("  ", " ")
    head += f" ({cut})" if cut else ""
    if one.recorded is None:
        return f"{head}: no figure ({', '.join(one.flags)})"
    numbers = f"recorded {as_text(one.recorded)}"
    if one.estimated is not None:
        numbers += f", uplift {one.uplift}, estimated {as_text(one.estimated)}"
    covered = f"{one.coverage.reporting} of {one.coverage.pinging} pinging" if one.coverage.pinging is not None else ""
    return ", ".join(part for part in (f"{head}: {numbers}", covered, one.state, *one.flags) if part)
