"""Who made a change that an import made: the person or the schedule that ran it, and the run itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

HOW = {"import_structure": "the structure files said so", "import_handbook": "the handbook page said so"}


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Who changed something and how, in words; ``run`` is the import, if it was one that is still known."""

    who: str
    how: str
    run: int | None = None


def cause_of(person: str, more: Mapping[str, Any], *, how: str = "edit") -> Cause:
    """The cause by what was kept beside a change; ``person`` is empty where nobody was signed in."""
    verb = str(more.get("verb", ""))
    if verb not in HOW:
        return Cause(who=person or "the system", how=how)
    run = more.get("run")
    return Cause(
        who=person or str(more.get("by") or "an import"), how=HOW[verb], run=run if isinstance(run, int) else None
    )
