"""The catalog's part of the demo world."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from portal.models import User
from stages.collaboration import suggest
from stages.content import Item
from stages.editing import content_of, find_block, save_block
from stages.handbook.importing import import_page
from stages.handbook.parsing import parse_page
from stages.handbook.reading import read_page
from stages.models import BlockKind, BlockRevision, ImportRun, Stage, Suggestion
from stages.structure.reading import read_structure
from stages.structure.sync import sync_structure

DATA = Path(__file__).parent / "data"
FILES = ("sections.yml", "stages.yml", "categories.yml", "handbook.md")
DEMO = "the demo"
SOURCE = "the demo's structure files"
PAGE = "the demo's handbook page"
ENVIRONMENTS = Item(
    label="Environments, made and forgotten",
    url="https://charts.quayside.example/boards/environments",
    description="Steer : Environments. How long an environment lives after the last change to it",
)
ALERTS = Item(
    label="Which alerts are worth a night",
    url="https://research.quayside.example/2026/worth-a-night/",
    description="Forty people on call sorted 600 alerts; two thirds could have waited",
)


def run(say: Callable[[str], None]) -> None:
    """Import the structure and the handbook page of the demo's product; a second time nothing changes."""
    digest = hashlib.sha256(b"".join((DATA / name).read_bytes() for name in FILES)).hexdigest()
    if ImportRun.objects.filter(kind="handbook", source=PAGE, digest=digest, by=DEMO).exists():
        say("Structure and handbook page are there")
    else:
        import_catalog(digest, say)
    add_people_s_work()


def import_catalog(digest: str, say: Callable[[str], None]) -> None:
    """Bring the catalog to what the files say, by the import that real files take."""
    sections, stages, categories, page = (DATA / name for name in FILES)
    report = sync_structure(
        structure=read_structure(sections=sections, stages=stages, categories=categories), source=SOURCE, by=DEMO
    )
    words = ", ".join(f"{counts['total']} {kind}" for kind, counts in report.counts.items())
    say(f"Structure: {words}; {len(report.irregularities)} irregularities named, none fatal")
    imported = import_page(page=parse_page(read_page(page)), source=PAGE, digest=digest, by=DEMO)
    counted = [*imported.stages.values(), imported.starting_points]
    new, same = sum(counts.created for counts in counted), sum(counts.unchanged for counts in counted)
    say(f"Handbook page: {new} entries new, {same} as they were")


def add_people_s_work() -> None:
    """An edit for the history, and a suggestion that waits for an editor. Once; without the people, neither."""
    editor = User.objects.filter(username="editor").first()
    viewer = User.objects.filter(username="viewer").first()
    stages = Stage.objects.in_bulk(["steer", "watch"], field_name="key")
    if editor is not None and not BlockRevision.objects.filter(actor=editor).exists():
        before = content_of(find_block(stages["steer"], BlockKind.DASHBOARDS))
        save_block(
            stage=stages["steer"],
            kind=BlockKind.DASHBOARDS,
            content=replace(before, items=(*before.items, ENVIRONMENTS)),
            base_version=None,
            actor=editor,
            how="edit",
            reason="Found on the board of boards",
        )
    if viewer is not None and not Suggestion.objects.exists():
        block = find_block(stages["watch"], BlockKind.RESEARCH)
        before = content_of(block)
        suggest(
            user=viewer,
            stage=stages["watch"],
            kind=BlockKind.RESEARCH,
            heading="",
            content=replace(before, items=(*before.items, ALERTS)),
            base_version=block.version if block else 0,
            reason="We quote it every week and nobody finds it",
        )
