"""Reads a handbook page into stages and blocks. Pure; never raises on any text and loses none of it.

Levels are not trusted: a heading is what its words say, and what is left is told by where it stands. What cannot be
placed is kept in its block's body or in a block of the kind ``other``, and named as unrecognised.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from stages.content import BlockContent, Item
from stages.handbook import marks
from stages.handbook.template import (
    PLACEHOLDER_CHANNEL,
    SHORT_DESCRIPTION,
    corrected,
    is_placeholder_sql,
    is_prompt,
    is_usual_heading,
    kind_of_heading,
    simplified,
)
from stages.names import folded, without_word

STAGE_WORD = re.compile(r"^\S.{0,60}\s+stage$", re.IGNORECASE)
SECTION_WORD = re.compile(r"^\S.{0,60}\s+section$", re.IGNORECASE)
STARTING = re.compile(r"\b(places to start|starting points?|where to start|start here)\b", re.IGNORECASE)
NOT_APPLICABLE = re.compile(r"^not applicable: (.+)$", re.IGNORECASE | re.DOTALL)
DOC_LABELS = {"smau": "smau", "gmau": "gmau", "other": "other", "no label": ""}
MOST_LINKS_OF_A_LINE = 200
LANGUAGES = {"": "sql", "sql": "sql", "snowflake": "snowflake", "postgres": "postgresql", "postgresql": "postgresql"}


@dataclass(frozen=True)
class Line:
    """A line of the page with its number."""

    number: int
    text: str


@dataclass(frozen=True, kw_only=True)
class ParsedBlock:
    """A block as read: its content, and the lines in it that had no place of their own."""

    kind: str
    line: int
    content: BlockContent
    unrecognised: tuple[Line, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ParsedStage:
    """A stage as read."""

    name: str
    section: str
    line: int
    blocks: tuple[ParsedBlock, ...]

    @property
    def unrecognised(self) -> tuple[Line, ...]:
        """All lines without a place, in order."""
        return tuple(sorted((line for block in self.blocks for line in block.unrecognised), key=lambda one: one.number))

    @property
    def placeholders(self) -> int:
        """How many values are still the template's."""
        return sum(len(block.content.placeholders) for block in self.blocks)


@dataclass(frozen=True, kw_only=True)
class Start:
    """A helpful place to start: the whole line, and the link that leads it."""

    text: str
    label: str = ""
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Page:
    """A handbook page as read. ``prose`` is the text outside stages and starting points."""

    title: str = ""
    sections: tuple[str, ...] = ()
    stages: tuple[ParsedStage, ...] = ()
    starting_points: tuple[Start, ...] = ()
    prose: tuple[Line, ...] = ()


@dataclass
class Part:
    """A heading with the lines under it, before their meaning is known."""

    heading: marks.Heading | None
    line: int
    lines: list[Line] = field(default_factory=list)
    role: str = "prose"
    kind: str | None = None


def parse_page(text: str) -> Page:
    """Read a page."""
    lines = [Line(number, line) for number, line in enumerate(text.split("\n"), start=1)]
    title, lines = front_matter(lines)
    parts = split(lines)
    assign_roles(parts)
    return assemble(title, parts)


def front_matter(lines: list[Line]) -> tuple[str, list[Line]]:
    """The title of the front matter, and the lines after it."""
    if not lines or lines[0].text.strip().lstrip("\ufeff") != "---":
        return "", lines
    for position, line in enumerate(lines[1:60], start=1):
        if line.text.strip() in ("---", "..."):
            title = ""
            kept: list[Line] = []
            for inside in lines[1:position]:
                if found := re.match(r"^\s*title:\s*(.+?)\s*$", inside.text):
                    title = title or found[1].strip("\"'")
                kept.append(inside)
            if all(re.match(r"^\s*(#.*|-\s.*|[\w-]+:.*)?$", one.text.rstrip("\r")) for one in kept):
                return title, lines[position + 1 :]
            return "", lines
    return "", lines


class Fences:
    """Where the fences of some lines close, found in one pass from the end.

    A fence that would run into the heading of a block or stage was never closed: it is text.
    """

    def __init__(self, lines: Sequence[Line]) -> None:
        self.ends: dict[int, int] = {}
        closers: dict[tuple[str, int], int] = {}
        stop = len(lines)
        for position in range(len(lines) - 1, -1, -1):
            text = lines[position].text
            stripped = text[:4].lstrip(" ")
            if stripped[:1] == "#" and (atx := marks.ATX.match(text[: marks.LONGEST_HEADING])):
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
    if not text or len(text) > 80 or not re.match(r"^(=+|-{3,})$", under):
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


def content_lines(lines: Sequence[Line]) -> list[Line]:
    """The lines that are neither blank nor layout."""
    return [line for line in lines if line.text.strip() and not marks.is_layout(line.text)]


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


GUARDED = re.compile(r"^(\s*)\\(\\*(?:#{1,6}[ \t]|<|\*\*|__|-|_|\*|\{|\[|`{3}|~{3}|=|\+|\d+[.)]|h))")


def unguarded(text: str) -> str:
    """A line without the backslash that the export put before what would be structure."""
    return GUARDED.sub(r"\1\2", text, count=1)


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


class BlockReader:
    """Reads the lines of one known block into items."""

    def __init__(self, kind: str, lines: Sequence[Line]) -> None:
        self.kind = kind
        self.lines = list(lines)
        self.fences = Fences(self.lines)
        self.at = 0
        self.note = ""
        self.not_applicable = ""
        self.items: list[Item] = []
        self.placeholders: list[str] = []
        self.body: list[Line] = []
        self.unrecognised: list[Line] = []
        self.started = False
        self.prose: list[Line] = []
        self.title = ""
        self.last_was_body = False

    def read(self) -> None:
        """Go through the lines once."""
        while self.at < len(self.lines):
            line = self.lines[self.at]
            text = line.text.rstrip("\r")
            if not text.strip():
                self.blank(line)
            elif (end := self.fences.end(self.at)) is not None:
                self.fence(end)
            elif marks.is_layout(text):
                self.end_prose()
                self.at += 1
            elif self.kind == "slack" and self.channels(text):
                self.started = True
            elif (links := list(self.links(text))) and not self.inside_prose(text):
                self.end_prose()
                self.started = True
                self.link_items(links)
            elif self.kind == "data_docs":
                self.document_line(line)
            else:
                self.text_line(line)
        self.end_prose()

    def blank(self, line: Line) -> None:
        """Blank lines keep paragraphs of a body or prose apart."""
        if self.prose:
            self.prose.append(line)
        elif self.last_was_body:
            self.body.append(line)
        self.at += 1

    def links(self, text: str) -> Iterator[marks.Link]:
        """The links of a line that starts with one; several where nothing but separators is between them."""
        content = marks.BULLET.sub("", text).strip()
        found = marks.leading_link(content)
        for _ in range(MOST_LINKS_OF_A_LINE):
            if found is None:
                return
            between = marks.SEPARATOR.match(found.rest)
            following = marks.leading_link(found.rest[between.end() :]) if between else None
            if following is None:
                yield found
                return
            yield marks.Link(found.label, found.url, "")
            found = following
        if found is not None:
            yield found

    def link_items(self, links: Sequence[marks.Link]) -> None:
        """Make items of the links of one line, the last with the description that follows."""
        self.at += 1
        for position, link in enumerate(links):
            description = ""
            if position == len(links) - 1:
                same_line = marks.DASH.sub("", link.rest.rstrip("\r"), count=1).strip() if link.rest.strip() else ""
                same_line = marks.italic(same_line) or same_line
                below = self.description_below(plain=not same_line)
                description = " ".join(part for part in (same_line, below) if part)
            self.add(link.label, link.url, description)

    def add(self, label: str, url: str, description: str) -> None:
        """An item, unless it is the template's."""
        self.last_was_body = False
        if not url and self.kind != "slack":
            self.placeholders.append(corrected(label))
            if description and not is_prompt(description) and not known_prompt(description):
                self.items.append(Item(label=label, description=description))
                self.placeholders.pop()
            return
        self.items.append(Item(label=label, url=url, description="" if is_prompt(description) else description))

    def description_below(self, *, plain: bool) -> str:
        """An italic text on the next line or after one blank line; a plain one only directly below."""
        at = self.at
        if at < len(self.lines) and not self.lines[at].text.strip():
            at += 1
            plain = False
        if at >= len(self.lines) or self.fences.end(at) is not None:
            return ""
        text = self.lines[at].text.rstrip("\r")
        if marks.is_layout(text) or marks.BULLET.match(text):
            return ""
        found, after = italic_paragraph(self.lines, at)
        if found is not None:
            self.at = after
            return found
        goes_on = at == self.at and text.startswith(("  ", "\t"))
        if not (plain or goes_on) or not text.strip() or marks.leading_link(text) or marks.CHANNEL.match(text.strip()):
            return ""
        if marks.heading(text) is not None or ("](" in text and self.kind == "slack"):
            return ""
        self.at = at + 1
        return unguarded(text.strip())

    def channels(self, text: str) -> bool:
        """The Slack channels of a line, if it starts with one."""
        content = marks.BULLET.sub("", text).strip()
        link = marks.leading_link(content)
        if link is not None and link.label.strip("*_` ").startswith("#"):
            found = [(link.label.strip("*_` "), link.url)]
            rest = link.rest
        else:
            found = []
            rest = content
            while channel := marks.CHANNEL.match(rest.lstrip(" ,;&")):
                found.append((channel[1], ""))
                rest = rest.lstrip(" ,;&")[channel.end() :]
            if not found:
                return False
        self.at += 1
        same_line = marks.DASH.sub("", rest, count=1).strip() if rest.strip() else ""
        same_line = marks.italic(same_line) or same_line
        below = self.description_below(plain=not same_line)
        description = " ".join(part for part in (same_line, below) if part)
        for position, (name, url) in enumerate(found):
            of_this = description if position == len(found) - 1 else ""
            if name.casefold() == PLACEHOLDER_CHANNEL and not url:
                self.placeholders.append(name)
                if of_this and not is_prompt(of_this):
                    self.unplaced(Line(self.lines[self.at - 1].number, of_this))
            else:
                self.items.append(Item(label=name, url=url, description="" if is_prompt(of_this) else of_this))
        self.last_was_body = False
        return True

    def fence(self, end: int) -> None:
        """A fence: a query in data documentation, text elsewhere."""
        lines = self.lines[self.at : end + 1]
        opening = marks.FENCE.match(lines[0].text)
        info = opening[2].strip() if opening else ""
        if self.kind != "data_docs":
            self.body += lines
            self.unrecognised.append(lines[0])
            self.last_was_body = True
            self.at = end + 1
            return
        self.end_prose()
        self.started = True
        text = "\n".join(line.text for line in lines[1:-1])
        self.at = end + 1
        doc_label, description = self.doc_label()
        title, self.title = self.title, ""
        if not doc_label and title.casefold() in DOC_LABELS:
            doc_label, title = DOC_LABELS[title.casefold()], ""
        if is_placeholder_sql(text):
            self.placeholders.append({"smau": "SMAU", "gmau": "GMAU", "other": "Other"}.get(doc_label, ""))
            if description or title:
                self.unplaced(Line(lines[0].number, " ".join(part for part in (title, description) if part)))
            return
        language = info.split()[0].casefold() if info else ""
        dialect = LANGUAGES.get(language, language[:20])
        self.items.append(Item(label=title, text=text, dialect=dialect, doc_label=doc_label, description=description))

    def doc_label(self) -> tuple[str, str]:
        """The label in italics after a query or prose, and a description in italics after that."""
        at = self.at
        while at < len(self.lines) and not self.lines[at].text.strip() and at - self.at < 1:
            at += 1
        if at >= len(self.lines):
            return "", ""
        found, after = italic_paragraph(self.lines, at)
        if found is None:
            return "", ""
        self.at = after
        label = found.casefold().rstrip(":. ")
        if label in DOC_LABELS:
            below = ""
            if after < len(self.lines):
                text, end = italic_paragraph(self.lines, after)
                if text is not None and text.casefold() not in DOC_LABELS:
                    below, self.at = text, end
            return DOC_LABELS[label], below
        guessed = next((word for word in ("smau", "gmau") if re.match(rf"{word}\b", label)), "")
        return guessed, found

    def inside_prose(self, text: str) -> bool:
        """Whether a link is a part of prose: a bullet or a line under prose that goes on without a blank."""
        if self.kind != "data_docs" or not self.prose or not self.prose[-1].text.strip():
            return False
        return marks.BULLET.match(text) is None

    def document_line(self, line: Line) -> None:
        """A line of data documentation that is no query and no link: its title, its label, or prose."""
        text = line.text.rstrip("\r")
        found = marks.heading(text)
        title = found.text if found and found.bold else ""
        if not title and self.followed_by_fence():
            short = text.strip().rstrip(":").strip("*_ ")
            if short.casefold() in DOC_LABELS or (text.strip().endswith(":") and len(short) < 80):
                title = short
        if title:
            self.end_prose()
            if self.title:
                self.unplaced(Line(line.number, self.title))
            self.title = title
            self.at += 1
            return
        inside = marks.italic(text)
        if inside is not None and not self.started and not self.prose:
            self.take_note(inside)
            self.at += 1
            return
        if inside is not None and self.prose and inside.casefold() in DOC_LABELS:
            doc_label, description = self.doc_label()
            self.end_prose(doc_label, description)
            return
        self.prose.append(line)
        self.started = True
        self.at += 1

    def followed_by_fence(self) -> bool:
        """Whether the next line with text opens a fence."""
        for at in range(self.at + 1, min(self.at + 3, len(self.lines))):
            if self.lines[at].text.strip():
                return self.fences.end(at) is not None
        return False

    def end_prose(self, doc_label: str = "", description: str = "") -> None:
        """Make an item of the prose so far."""
        text = body_of(self.prose)
        self.prose = []
        if text:
            title, self.title = self.title, ""
            if not doc_label and title.casefold() in DOC_LABELS:
                doc_label, title = DOC_LABELS[title.casefold()], ""
            self.items.append(
                Item(label=title, text=text, dialect="prose", doc_label=doc_label, description=description)
            )
        elif self.title and self.at >= len(self.lines):
            self.unplaced(Line(self.lines[-1].number if self.lines else 0, self.title))
            self.title = ""

    def text_line(self, line: Line) -> None:
        """A line that is no link: the note under the heading, a name in a list, or text without a place."""
        text = line.text.rstrip("\r")
        if not self.started and not self.body:
            found, after = italic_paragraph(self.lines, self.at)
            if found is not None:
                self.take_note(found)
                self.at = after
                return
        if marks.BULLET.match(text):
            label = marks.unescaped(marks.BULLET.sub("", text).strip())
            self.at += 1
            self.started = True
            self.items.append(Item(label=label, description=self.description_below(plain=False)))
            self.last_was_body = False
            return
        self.unplaced(line)
        self.at += 1

    def take_note(self, text: str) -> None:
        """The italic line under the heading."""
        self.started = True
        if found := NOT_APPLICABLE.match(text):
            self.not_applicable = found[1].strip()
        else:
            self.note = text

    def unplaced(self, line: Line) -> None:
        """Keep a line in the body and name it."""
        if self.body and not self.last_was_body:
            self.body.append(Line(line.number, ""))
        self.body.append(line)
        self.unrecognised.append(line)
        self.last_was_body = True


def known_prompt(description: str) -> bool:
    """Whether a description is word for word one of the template's, also those that real items may keep."""
    from stages.handbook.template import TEMPLATES

    wanted = folded(description)
    prompts = {folded(template.prompt) for template in TEMPLATES if template.prompt}
    return wanted in prompts | {folded("Resource to understand the current OKRs for this team")}


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
