"""The catalog's part of the demo world."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stages.structure.reading import read_structure
from stages.structure.sync import sync_structure

DATA = Path(__file__).parent / "data"
SOURCE = "the demo's structure files"


def run(say: Callable[[str], None]) -> None:
    """Import the structure and the handbook page of the demo's product; a second time nothing changes."""
    structure = read_structure(
        sections=DATA / "sections.yml", stages=DATA / "stages.yml", categories=DATA / "categories.yml"
    )
    report = sync_structure(structure=structure, source=SOURCE)
    words = ", ".join(f"{counts['total']} {kind}" for kind, counts in report.counts.items())
    say(f"Structure: {words}; {len(report.irregularities)} irregularities named, none fatal")
