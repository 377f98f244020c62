"""The lines of a page: which stand in a fence, which only arrange it, which text is in italics. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from stages.handbook import marks
from stages.handbook.template import kind_of_heading
from stages.validation import LONGEST_HEADING

STAGE_WORD = re.compile(r"^\S.{0,60}\s+stage$", re.IGNORECASE)
FRONT_LINE = re.compile(r"^\s*(#.*|-\s.*|[\w-]+:.*)?$")
GUARDED = re.compile(r"^(\s*)\\(\\*(?:#{1,6}[ \t\xa0]|<|\*\*|__|-|_|\*|\{|\[|`{3}|~{3}|=|\+|\d+[.)]|h))")


@dataclass(frozen=True)
class Line:
    """A line of the page with its number."""

    number: int
    text: str


class Fences:
    """Where the fences and comments of some lines close, found in one pass from the end.

    A fence that would run into the heading of a block or stage was never closed: it is text. A comment ends with a line
    that ends with ``-->``; one that holds another beginning was never closed.
    """

    def __init__(self, lines: Sequence[Line]) -> None:
        self.ends: dict[int, int] = {}
        closers: dict[tuple[str, int], int] = {}
        stop = len(lines)
        comment_ends: int | None = None
        for position in range(len(lines) - 1, -1, -1):
            text = lines[position].text
            stripped = text[:4].lstrip(" ")
            if "-->" in text:
                comment_ends = position if text.rstrip().endswith("-->") else None
            if "<!--" in text:
                if text.lstrip().startswith("<!--") and comment_ends is not None and text.count("<!--") == 1:
                    self.ends[position] = comment_ends
                comment_ends = None
                continue
            if stripped[:1] == "#" and (atx := marks.ATX.match(text[:LONGEST_HEADING])):
                if kind_of_heading(atx[2]) or STAGE_WORD.match(marks.strip_marks(atx[2])):
                    stop = position
            elif stripped[:1] in ("`", "~") and (found := marks.FENCE.match(text[:200])):
                mark, length = found[1][0], min(len(found[1]), 20)
                end = closers.get((mark, length))
                if end is not None and end < stop:
                    self.ends[position] = end
                if not found[2]:
                    closers.update({(mark, shorter): position for shorter in range(3, length + 1)})

    def end(self, position: int) -> int | None:
        """The line that closes the fence that opens here; ``None`` where none opens."""
        return self.ends.get(position)


@dataclass(frozen=True)
class Front:
    """The front matter of a page: its title, whether the page says that it is only a part, and its other lines."""

    title: str = ""
    partial: bool = False
    rest: str = ""


def front_matter(lines: list[Line]) -> tuple[Front, list[Line]]:
    """The front matter, and the lines after it."""
    if not lines or lines[0].text.strip().lstrip("\ufeff") != "---":
        return Front(), lines
    end = next((at for at, line in enumerate(lines[1:60], start=1) if line.text.strip() in ("---", "...")), None)
    inside = [line.text.rstrip("\r") for line in lines[1:end]] if end else []
    if end is None or not all(FRONT_LINE.match(line) for line in inside):
        return Front(), lines
    title, partial, rest = "", False, []
    for line in inside:
        found = re.match(r"^\s*(title|partial):\s*(.+?)\s*$", line)
        if found and found[1] == "title" and not title:
            title = found[2].strip("\"'")
        elif found and found[1] == "partial":
            partial = found[2] == "true"
        elif line.strip():
            rest.append(line)
    return Front(title, partial, "\n".join(rest)), lines[end + 1 :]


def body_of(lines: Sequence[Line]) -> str:
    """Lines as the text of a body: layout left out, escapes taken off, blank lines at the ends cut."""
    kept: list[str] = []
    fences = Fences(lines)
    position = 0
    while position < len(lines):
        end = fences.end(position)
        if end is not None:
            kept += [line.text for line in lines[position : end + 1]]
            position = end + 1
            continue
        text = lines[position].text.rstrip("\r")
        if not marks.is_layout(text):
            kept.append(unguarded(text))
        position += 1
    while kept and not kept[0].strip():
        kept.pop(0)
    while kept and not kept[-1].strip():
        kept.pop()
    return "\n".join(kept)


def unguarded(text: str) -> str:
    """A line without the backslash that the export put before what would be structure."""
    return GUARDED.sub(r"\1\2", text, count=1)


def italic_paragraph(lines: Sequence[Line], position: int) -> tuple[str | None, int]:
    """An italic text that starts at ``position``, on one line or several, and where it ends."""
    first = lines[position].text.strip()
    if (whole := marks.italic(first)) is not None:
        return whole, position + 1
    if first[:1] in ("_", "*") and first[1:2] not in (" ", "*", "_", ""):
        for end in range(position + 1, min(position + 20, len(lines))):
            text = lines[end].text.strip()
            if not text or marks.leading_link(text) or marks.BULLET.match(lines[end].text):
                return None, position
            if text.endswith(first[0]):
                inside = " ".join(line.text.strip() for line in lines[position : end + 1])
                if inside.count(first[0]) % 2 == 0:
                    return inside[1:-1].strip(), end + 1
    return None, position
