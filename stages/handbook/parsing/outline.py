"""Cuts a page at its headings and says what each heading is: by its words, and where they do not tell, by its place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from stages.handbook import marks
from stages.handbook.parsing.lines import STAGE_WORD, Fences, Line
from stages.handbook.template import kind_of_heading

SECTION_WORD = re.compile(r"^\S.{0,60}\s+section$", re.IGNORECASE)
STARTING = re.compile(r"\b(places to start|starting points?|where to start|start here)\b", re.IGNORECASE)


@dataclass
class Part:
    """A heading with the lines under it, before their meaning is known."""

    heading: marks.Heading | None
    line: int
    lines: list[Line] = field(default_factory=list)
    role: str = "prose"
    kind: str | None = None


def split(lines: list[Line]) -> list[Part]:
    """Cut the page at its headings; what stands in a closed fence is never one."""
    parts = [Part(None, 1)]
    fences = Fences(lines)
    position = 0
    while position < len(lines):
        line = lines[position]
        end = fences.end(position)
        if end is not None:
            parts[-1].lines += lines[position : end + 1]
            position = end + 1
            continue
        found = marks.heading(line.text.rstrip("\r"))
        if found is None and position + 1 < len(lines):
            found = underlined(line, lines[position + 1])
            if found is not None:
                position += 1
        if found is not None:
            parts.append(Part(found, line.number))
        else:
            parts[-1].lines.append(line)
        position += 1
    return parts


def underlined(line: Line, below: Line) -> marks.Heading | None:
    """A heading that is underlined with = or -; only of words that mean one, as --- is a rule as well."""
    text, under = line.text.strip(), below.text.strip()
    if under[:1] not in ("=", "-") or not text or len(text) > 80 or not re.match(r"^(=+|-{3,})$", under):
        return None
    words = marks.strip_marks(text)
    if under[0] == "=" or STAGE_WORD.match(words) or SECTION_WORD.match(words) or kind_of_heading(words):
        return marks.Heading(1 if under[0] == "=" else 2, words) if words else None
    return None


def assign_roles(parts: list[Part]) -> None:
    """Say of each heading whether it is a stage, a section, a kind of block, the starting points, or something else."""
    for part in parts:
        if part.heading is not None:
            part.kind = kind_of_heading(part.heading.text)
    depth_of_stages = stage_depth(parts)
    stage: Part | None = None
    block: Part | None = None
    bold_blocks = False
    for position, part in enumerate(parts):
        heading = part.heading
        if heading is None:
            continue
        text, depth = heading.text, heading.depth
        if SECTION_WORD.match(text) and (depth_of_stages is None or depth <= depth_of_stages):
            part.role, stage, block = "section", None, None
        elif is_stage(part, parts, position, depth_of_stages):
            part.role, stage, block, bold_blocks = "stage", part, None, False
        elif stage is None:
            part.role = "start" if STARTING.search(text) and not part.kind else "prose"
            if depth_of_stages and depth < depth_of_stages and leads_to_stage(parts, position, depth_of_stages):
                part.role = "section" if len(text.split()) <= 3 and part.role != "start" else part.role
        elif not heading.bold and stage.heading is not None and depth < stage.heading.depth:
            # Out of the stage: a section without the word, or the page's own text.
            short = len(text.split()) <= 3 and bool(depth_of_stages)
            leads = bool(depth_of_stages) and leads_to_stage(parts, position, depth_of_stages or 0)
            part.role = "section" if short and leads else ("start" if STARTING.search(text) else "prose")
            stage, block = None, None
        elif part.kind is not None:
            part.role, block = "block", part
            bold_blocks = bold_blocks or heading.bold
        elif (heading.bold and not bold_blocks) or (block and block.heading and depth > block.heading.depth):
            part.role = "text"
        else:
            part.role, block = "other", part


def stage_depth(parts: Sequence[Part]) -> int | None:
    """How deep the stages lie: by their word, else as the nearest higher heading of most known blocks."""
    worded = Counter(
        part.heading.depth for part in parts if part.heading and STAGE_WORD.match(part.heading.text) and not part.kind
    )
    if worded:
        return worded.most_common(1)[0][0]
    above: Counter[int] = Counter()
    open_: list[int] = []
    for part in parts:
        if part.heading is None:
            continue
        depth = part.heading.depth
        if part.kind is None:
            while open_ and open_[-1] >= depth:
                open_.pop()
            open_.append(depth)
        elif higher := next((one for one in reversed(open_) if one < depth), None):
            above[higher] += 1
    return above.most_common(1)[0][0] if above else None


def is_stage(part: Part, parts: Sequence[Part], position: int, depth_of_stages: int | None) -> bool:
    """Whether a heading is a stage: at the depth of stages, with the word or with a known block under it."""
    heading = part.heading
    if heading is None or depth_of_stages is None or part.kind is not None or heading.depth != depth_of_stages:
        return False
    if SECTION_WORD.match(heading.text):
        return False
    if STAGE_WORD.match(heading.text):
        return True
    if STARTING.search(heading.text):
        return False
    for at in range(position + 1, len(parts)):
        later = parts[at]
        if later.heading is None or later.heading.depth <= heading.depth:
            return False
        if later.kind is not None:
            return True
    return False


def leads_to_stage(parts: Sequence[Part], position: int, depth_of_stages: int) -> bool:
    """Whether the next heading is one of a stage."""
    at = position + 1
    return at < len(parts) and is_stage(parts[at], parts, at, depth_of_stages)
