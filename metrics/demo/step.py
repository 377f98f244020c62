"""The metrics' part of the demo world."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from metrics.definitions.importing import import_definitions

DATA = Path(__file__).parent / "data"


def run(say: Callable[[str], None]) -> None:
    """Import the dictionary of the demo's product; a second time nothing changes."""
    report = import_definitions(path=DATA, say=say)
    if report.refused:
        faults = "; ".join(f"{fault.file}: {fault.message}" for fault in report.refused)
        raise RuntimeError(f"the demo's own definitions were refused: {faults}")
    new, changed = len(report.created), len(report.updated)
    say(f"Dictionary: {new} metrics new, {changed} changed, {report.unchanged} as they were")
