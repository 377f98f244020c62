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
    front_matter,
    italic_paragraph,
    unguarded,
)
from stages.handbook.parsing.outline import Part, assign_roles, split
from stages.handbook.parsing.references import with_links_in_place
from stages.handbook.parsing.values import Page, ParsedBlock, ParsedStage, Start, Text
from stages.handbook.template import SHORT_DESCRIPTION, is_usual_heading, simplified
from stages.handbook.told_by_structure import without_regions
from stages.names import without_word

NO_SECTION = "no"


def parse_page(text: str) -> Page:
    """Read a page."""
    text = text.lstrip("\ufeff")
    if "\n" not in text:
        # Some programs end lines with nothing but a carriage return.
        text = text.replace("\r", "\n")
    lines = [Line(number, line) for number, line in enumerate(text.split("\n"), start=1)]
    front, lines = front_matter(lines)
    parts = split(with_links_in_place(without_regions(lines)))
    assign_roles(parts)
    assembler = Assembler()
    for part in parts:
        assembler.take(part)
    return replace(assembler.page(), title=front.title, front=front.rest, partial=front.partial)


class Assembler:
    """Takes the parts of a page in order and puts them where they belong."""

    def __init__(self) -> None:
        self.sections: list[str] = []
        self.stages: list[ParsedStage] = []
        self.starts: list[Start] = []
        self.texts: list[Text] = []
        self.blocks: list[ParsedBlock] = []
        self.block: Part | None = None
        self.stage: Part | None = None
        self.place = "top"
        self.in_start = False

    def take(self, part: Part) -> None:
        """Put a part where it belongs."""
        if part.role in ("block", "other") and self.stage is not None:
            self.close_block()
            self.block = part
        elif part.role == "text" and self.stage is not None:
            (self.block or self.stage).lines += [Line(part.line, as_written(part)), *part.lines]
        else:
            self.close_stage()
            {"section": self.section, "stage": self.open_stage, "start": self.start}.get(part.role, self.prose)(part)

    def section(self, part: Part) -> None:
        """A section, with the text directly under its heading."""
        name = without_word(part.heading.text if part.heading else "")
        self.sections.append("" if name.casefold() == NO_SECTION else name)
        self.place, self.in_start = "section", False
        self.add_text("", body_of(part.lines), 4)

    def open_stage(self, part: Part) -> None:
        """A stage; its blocks follow."""
        self.stage, self.in_start = part, False

    def start(self, part: Part) -> None:
        """The helpful places to start."""
        self.starts += read_starts(part.lines)
        self.in_start = True
        self.place = "start" if self.place == "top" else self.place

    def prose(self, part: Part) -> None:
        """A text of the page itself; a heading in bold belongs to the text that it stands in."""
        heading = part.heading
        if self.in_start and heading is not None and heading.bold:
            self.starts += [Start(text=as_written(part)), *read_starts(part.lines)]
            return
        self.in_start = False
        body = body_of(part.lines)
        if heading is not None and heading.bold:
            body = "\n\n".join(text for text in (as_written(part), body) if text)
            if self.texts and self.texts[-1].place == self.place:
                last = self.texts.pop()
                self.texts.append(replace(last, body="\n\n".join(text for text in (last.body, body) if text)))
                return
            heading = None
        words = heading.text if heading is not None else ""
        if words.casefold() == "on this page":
            words = ""
        self.add_text(words, body, heading.depth if heading is not None else 2)

    def add_text(self, heading: str, body: str, depth: int) -> None:
        """Keep a text of the page, if there is any."""
        if heading or body:
            section = self.sections[-1] if self.sections and self.place == "section" else ""
            self.texts.append(Text(heading=heading, body=body, depth=depth, place=self.place, section=section))

    def close_block(self) -> None:
        """The block is over."""
        if self.block is not None:
            self.blocks.append(read_block(self.block))
        self.block = None

    def close_stage(self) -> None:
        """The stage is over, with its last block."""
        self.close_block()
        if self.stage is not None and self.stage.heading is not None:
            self.stages.append(
                ParsedStage(
                    name=without_word(self.stage.heading.text),
                    section=self.sections[-1] if self.sections else "",
                    line=self.stage.line,
                    blocks=joined([read_description(self.stage), *self.blocks]),
                )
            )
            self.place = "end"
        self.stage, self.blocks = None, []

    def page(self) -> Page:
        """The whole page."""
        self.close_stage()
        return Page(
            sections=tuple(name for name in self.sections if name),
            stages=tuple(self.stages),
            starting_points=tuple(self.starts),
            texts=tuple(self.texts),
        )


def as_written(part: Part) -> str:
    """The heading of a part that is text after all, as Markdown."""
    heading = part.heading
    if heading is None:
        return ""
    return f"**{heading.text}**" if heading.bold else f"{'#' * heading.depth} {heading.text}"


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
    position = 0
    while position < len(lines) and (
        not lines[position].text.strip()
        or marks.is_layout(lines[position].text)
        or lines[position].text.lstrip().startswith("<!--")
    ):
        position = (fences.end(position) or position) + 1
    if position < len(lines) and fences.end(position) is None:
        taken, after = italic_paragraph(lines, position)
        if taken is None:
            paragraph = lines[position].text.strip()
            below = lines[position + 1].text if position + 1 < len(lines) else ""
            alone = not below.strip() or marks.is_layout(below)
            if alone and (SHORT_DESCRIPTION.match(paragraph) or is_plain_sentence(paragraph)):
                taken, after = unguarded(paragraph), position + 1
        if taken is not None:
            rest = [*lines[:position], *lines[after:]]
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
