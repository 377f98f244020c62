"""Puts a page together: its stages with their blocks, its starting points, and its own text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from stages.content import BlockContent
from stages.handbook import marks
from stages.handbook.parsing.items import BlockReader
from stages.handbook.parsing.lines import (
    Fences,
    Line,
    body_of,
    content_lines,
    front_matter,
    italic_paragraph,
    unguarded,
)
from stages.handbook.parsing.outline import Part, assign_roles, split
from stages.handbook.parsing.values import Page, ParsedBlock, ParsedStage, Start
from stages.handbook.template import SHORT_DESCRIPTION, is_usual_heading, simplified
from stages.names import without_word


def parse_page(text: str) -> Page:
    """Read a page."""
    lines = [Line(number, line) for number, line in enumerate(text.split("\n"), start=1)]
    title, lines = front_matter(lines)
    parts = split(lines)
    assign_roles(parts)
    return assemble(title, parts)


def assemble(title: str, parts: Sequence[Part]) -> Page:
    """Put the parts together."""
    sections: list[str] = []
    stages: list[ParsedStage] = []
    starts: list[Start] = []
    prose: list[Line] = []
    blocks: list[ParsedBlock] = []
    block: Part | None = None
    stage: Part | None = None
    in_start = False

    def close_block() -> None:
        nonlocal block
        if block is not None:
            blocks.append(read_block(block))
        block = None

    def close_stage() -> None:
        nonlocal stage, blocks
        close_block()
        if stage is not None and stage.heading is not None:
            stages.append(
                ParsedStage(
                    name=without_word(stage.heading.text),
                    section=sections[-1] if sections else "",
                    line=stage.line,
                    blocks=joined([read_description(stage), *blocks]),
                )
            )
        stage, blocks = None, []

    for part in parts:
        heading_text = part.heading.text if part.heading else ""
        if part.role == "section":
            close_stage()
            in_start = False
            sections.append(without_word(heading_text))
            prose += content_lines(part.lines)
        elif part.role == "stage":
            close_stage()
            in_start = False
            stage = part
        elif part.role in ("block", "other") and stage is not None:
            close_block()
            block = part
        elif part.role == "text" and stage is not None:
            level = part.heading.depth if part.heading else 7
            written = f"**{heading_text}**" if level > 6 else f"{'#' * level} {heading_text}"
            (block or stage).lines += [Line(part.line, written), *part.lines]
        elif part.role == "start":
            close_stage()
            in_start = True
            starts += read_starts(part.lines)
        else:
            close_stage()
            if part.heading and part.heading.text.casefold() != "on this page":
                prose.append(Line(part.line, heading_text))
            if in_start and part.heading and part.heading.bold:
                starts += read_starts(part.lines)
            else:
                in_start = False
                prose += content_lines(part.lines)
    close_stage()
    return Page(
        title=title, sections=tuple(sections), stages=tuple(stages), starting_points=tuple(starts), prose=tuple(prose)
    )


def joined(blocks: Sequence[ParsedBlock]) -> tuple[ParsedBlock, ...]:
    """Blocks of one kind under one heading are one; under another heading the later one is an ``other``."""
    found: dict[tuple[str, str], list[ParsedBlock]] = {}
    for block in blocks:
        key = (block.kind, simplified(block.content.heading) if block.kind == "other" else "")
        if block.kind != "other" and key in found:
            first = found[key][0].content
            if simplified(first.heading) != simplified(block.content.heading):
                heading = block.content.heading or block.kind.replace("_", " ").capitalize()
                key = ("other", simplified(heading))
                block = replace(block, kind="other", content=replace(block.content, heading=heading))
        found.setdefault(key, []).append(block)
    return tuple(one[0] if len(one) == 1 else as_one(one) for one in found.values())


def as_one(blocks: Sequence[ParsedBlock]) -> ParsedBlock:
    """Several blocks under the same heading as one, in order."""
    contents = [block.content for block in blocks]
    texts = [contents[0].body]
    for content in contents[1:]:
        texts += [content.note, content.not_applicable, content.body]
    content = replace(
        contents[0],
        body="\n\n".join(text for text in texts if text),
        items=tuple(item for content in contents for item in content.items),
        placeholders=tuple(label for content in contents for label in content.placeholders),
    )
    unrecognised = tuple(line for block in blocks for line in block.unrecognised)
    return replace(blocks[0], content=content, unrecognised=unrecognised)


def read_description(part: Part) -> ParsedBlock:
    """The italic line under the stage's heading, and the paragraphs before the first block."""
    lines = part.lines
    note, rest = "", lines
    placeholders: tuple[str, ...] = ()
    fences = Fences(lines)
    position = next((at for at, one in enumerate(lines) if one.text.strip() and not marks.is_layout(one.text)), None)
    if position is not None and fences.end(position) is None:
        taken, after = italic_paragraph(lines, position)
        if taken is None:
            paragraph = lines[position].text.strip()
            below = lines[position + 1].text if position + 1 < len(lines) else ""
            alone = not below.strip() or marks.is_layout(below)
            if alone and (SHORT_DESCRIPTION.match(paragraph) or is_plain_sentence(paragraph)):
                taken, after = unguarded(paragraph), position + 1
        if taken is not None:
            rest = lines[after:]
            if SHORT_DESCRIPTION.match(taken):
                placeholders = ("",)
            else:
                note = taken
    content = BlockContent(note=note, body=body_of(rest), placeholders=placeholders)
    return ParsedBlock(kind="description", line=part.line, content=content)


def is_plain_sentence(text: str) -> bool:
    """Whether a paragraph is one line of words without a link, a bullet or a fence."""
    return not (marks.leading_link(text) or marks.BULLET.match(text) or marks.FENCE.match(text) or "](" in text)


def read_block(part: Part) -> ParsedBlock:
    """A block from its heading and lines."""
    heading = part.heading.text if part.heading else ""
    if part.kind is None:
        content = BlockContent(heading=heading, body=body_of(part.lines))
        return ParsedBlock(kind="other", line=part.line, content=content, unrecognised=(Line(part.line, heading),))
    reader = BlockReader(part.kind, part.lines)
    reader.read()
    content = BlockContent(
        heading="" if is_usual_heading(heading, part.kind) else heading,
        note=reader.note,
        body=body_of(reader.body),
        not_applicable=reader.not_applicable,
        items=tuple(reader.items),
        placeholders=tuple(reader.placeholders),
    )
    return ParsedBlock(kind=part.kind, line=part.line, content=content, unrecognised=tuple(reader.unrecognised))


def read_starts(lines: Sequence[Line]) -> list[Start]:
    """Bullets or paragraphs as starting points; a line that goes on belongs to the one before."""
    texts: list[str] = []
    open_ = False
    for line in lines:
        text = line.text.rstrip("\r")
        if not text.strip() or marks.is_layout(text):
            open_ = False
        elif marks.BULLET.match(text):
            texts.append(marks.BULLET.sub("", text).strip())
            open_ = True
        elif open_:
            texts[-1] = f"{texts[-1]} {text.strip()}"
        else:
            texts.append(text.strip())
            open_ = True
    starts: list[Start] = []
    for text in texts:
        link = marks.markdown_link(text)
        starts.append(Start(text=text, label=link.label if link else "", url=link.url if link else ""))
    return starts
