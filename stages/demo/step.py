"""The catalog's part of the demo world."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stages.handbook.importing import digest_of, import_page
from stages.handbook.parsing import parse_page
from stages.handbook.reading import read_page
from stages.structure.reading import read_structure
from stages.structure.sync import sync_structure

DATA = Path(__file__).parent / "data"
SOURCE = "the demo's structure files"
PAGE = "the demo's handbook page"


def run(say: Callable[[str], None]) -> None:
    """Import the structure and the handbook page of the demo's product; a second time nothing changes."""
    structure = read_structure(
        sections=DATA / "sections.yml", stages=DATA / "stages.yml", categories=DATA / "categories.yml"
    )
    report = sync_structure(structure=structure, source=SOURCE)
    words = ", ".join(f"{counts['total']} {kind}" for kind, counts in report.counts.items())
    say(f"Structure: {words}; {len(report.irregularities)} irregularities named, none fatal")
    text = read_page(DATA / "handbook.md")
    imported = import_page(page=parse_page(text), source=PAGE, digest=digest_of(text))
    counted = [*imported.stages.values(), imported.starting_points]
    new, same = sum(counts.created for counts in counted), sum(counts.unchanged for counts in counted)
    say(f"Handbook page: {new} entries new, {same} as they were")
