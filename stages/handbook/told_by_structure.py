"""What the structure files say for a part that nobody filled, on an exported page: readers see it, an import does not.

It stands between two comments, with what the page had there otherwise in a third. Read again as it was written, it is
just that; where somebody changed it, it is content like any other. Pure.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from stages.handbook.parsing.lines import Line

BEGIN = re.compile(r"^<!-- From the structure files, not imported unless it is changed here: ([0-9a-f]{12}) -->$")
INSTEAD = "<!-- Otherwise:"
CLOSE = "-->"
END = "<!-- So far the structure files -->"
FORMATTING = re.compile(r"^\s*(?:[-+*]\s|\d+[.)]\s)|[\s*_\\<>#]+", re.MULTILINE)


def region(told: Sequence[str], otherwise: Sequence[str]) -> list[str]:
    """The lines for readers, with those that an import reads in their place."""
    if any(CLOSE in line for line in (*told, *otherwise)):
        return list(otherwise)
    begin = f"<!-- From the structure files, not imported unless it is changed here: {digest(told)} -->"
    return [begin, *told, INSTEAD, *otherwise, CLOSE, END, ""]


def digest(lines: Sequence[str]) -> str:
    """What stands for some lines, but for how they are formatted."""
    text = FORMATTING.sub("", "\n".join(line.rstrip("\r") for line in lines))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def without_regions(lines: Sequence[Line]) -> list[Line]:
    """The lines with what stands there otherwise in the place of each region; of a changed one, what it says now."""
    kept: list[Line] = []
    position = 0
    while position < len(lines):
        line = lines[position]
        begins = BEGIN.match(line.text.strip())
        found = _pieces(lines, position) if begins else None
        if begins is None or found is None:
            kept.append(line)
            position += 1
            continue
        told, otherwise, position = found
        kept += otherwise if digest([one.text for one in told]) == begins[1] else told
    return kept


def _pieces(lines: Sequence[Line], begin: int) -> tuple[list[Line], list[Line], int] | None:
    """What a region tells, what stands there otherwise, and where it is over; none where a piece is missing."""
    instead = close = None
    for at in range(begin + 1, min(begin + 500, len(lines))):
        text = lines[at].text.strip()
        if BEGIN.match(text):
            return None
        if text == INSTEAD and instead is None:
            instead = at
        elif text == CLOSE and instead is not None and close is None:
            close = at
        elif text == END:
            if instead is None or close is None:
                return None
            return list(lines[begin + 1 : instead]), list(lines[instead + 1 : close]), at + 1
    return None
