"""Writes stages as a handbook page that ``parsing`` reads back to the same content. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stages.content import BlockContent, Item
from stages.handbook import marks
from stages.handbook.parsing import GUARDED, Fences, Line, Start, Text
from stages.handbook.template import BY_KIND, KINDS
from stages.handbook.told_by_structure import region

LABELS = {"smau": "SMAU", "gmau": "GMAU", "other": "Other", "": "No label"}


@dataclass(frozen=True, kw_only=True)
class WrittenStage:
    """A stage to be written: its blocks by kind, others with their heading; and what the structure files say, by kind,
    which stands where nobody filled a block."""

    name: str
    section: str
    blocks: Sequence[tuple[str, BlockContent]]
    derived: Mapping[str, BlockContent] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class WrittenPage:
    """A page to be written: title and other front matter, its own texts, where to start, and its stages by section.

    A ``partial`` one says so, and what it lacks is not taken for missing when it is imported.
    """

    title: str
    stages: Sequence[WrittenStage]
    front: str = "layout: handbook-page-toc"
    starts: Sequence[Start] = ()
    texts: Sequence[Text] = ()
    partial: bool = False


def render_page(page: WrittenPage) -> str:
    """The whole page."""
    lines = ["---", *([page.front] if page.front else []), f"title: {' '.join(page.title.split())}"]
    lines += [*(["partial: true"] if page.partial else []), "---", ""]
    lines += render_texts(page.texts, "top")
    if page.starts:
        lines += ["## Helpful places to start", ""]
        for start in page.starts:
            lines += [f"* {' '.join(start.text.splitlines())}", ""]
    lines += render_texts(page.texts, "start")
    section = None
    for stage in page.stages:
        if stage.section != section:
            section = stage.section
            lines += [f"### {section or 'No'} Section", "", *render_texts(page.texts, "section", section)]
        lines += render_stage(stage)
    lines += render_texts(page.texts, "end")
    return "\n".join(lines).rstrip("\n") + "\n"


def render_texts(texts: Iterable[Text], place: str, section: str = "") -> list[str]:
    """The texts of a place: under a section as deep as its stages, elsewhere higher than they are."""
    lines: list[str] = []
    for text in texts:
        if text.place != place or text.section != section:
            continue
        if text.heading:
            depth = min(max(text.depth, 4), 6) if place == "section" else min(max(text.depth, 1), 3)
            lines += [f"{'#' * depth} {text.heading}", ""]
        if text.body:
            lines += [*guarded(text.body), ""]
    return lines


def render_stage(stage: WrittenStage) -> list[str]:
    """A stage, folded, with the template where nothing was filled in."""
    known = dict(stage.blocks)
    description = known.get("description", BlockContent())
    lines = [f"#### {stage.name} Stage"]
    written = render_description(stage.name, description)
    if description.is_empty and "description" in stage.derived:
        written = region(render_description(stage.name, stage.derived["description"]), written)
    lines += [*written, '<details markdown="1"><summary>Click to expand</summary>', ""]
    for kind in KINDS:
        content = known.get(kind)
        written = [] if is_left_out(kind, content, known) else render_block(kind, content or BlockContent())
        if (content is None or content.is_empty) and kind in stage.derived:
            heading = content.heading if content else ""
            written = region(render_block(kind, replace(stage.derived[kind], heading=heading)), written)
        lines += written
    for kind, content in stage.blocks:
        if kind == "other":
            lines += [f"##### {content.heading}", ""]
            if content.body:
                lines += [*guarded(content.body), ""]
            lines += [line for item in content.items for line in render_item("key_pages", item)]
    return [*lines, "</details>", ""]


def render_description(name: str, content: BlockContent) -> list[str]:
    """The italic line under the stage's heading, and the rest."""
    lines = [marks.written_italic(content.note or f"Short description of {name} Stage"), ""]
    return [*lines, *guarded(content.body), ""] if content.body else lines


def is_left_out(kind: str, content: BlockContent | None, known: Mapping[str, BlockContent]) -> bool:
    """Whether a stage has no such heading: of goals it has OKRs or performance indicators."""
    if content is None and kind == "indicators" and known.get("okrs") is None:
        return True
    if content is None and kind in ("okrs", "indicators"):
        other = known.get("indicators" if kind == "okrs" else "okrs")
        return other is not None and (kind == "indicators" or not other.is_empty)
    return False


def render_block(kind: str, content: BlockContent) -> list[str]:
    """A block under its heading."""
    template = BY_KIND[kind]
    lines = [f"##### {content.heading or template.heading}"]
    if content.not_applicable:
        lines.append(marks.written_italic(f"Not applicable: {content.not_applicable}"))
    elif content.note:
        lines.append(marks.written_italic(content.note))
    lines.append("")
    before: Item | None = None
    for item in content.items:
        if before is not None and before.dialect == "prose" and item.dialect == "prose":
            lines += ["---", ""]
        lines += render_item(kind, item)
        before = item
    placeholders = content.placeholders
    if content.is_empty and not placeholders:
        placeholders = template.placeholders
    for label in placeholders:
        lines += render_placeholder(kind, label)
    if content.body:
        lines += [*guarded(content.body), ""]
    return lines


def render_item(kind: str, item: Item) -> list[str]:
    """An item with its description."""
    if item.text and item.dialect == "prose":
        title = [f"**{item.label}**", ""] if item.label else []
        return [*title, *guarded(item.text), *render_doc_label(item), ""]
    if kind == "data_docs" and (item.text or not (item.url or item.label)):
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", item.text)), default=0))
        title = [f"**{item.label}**", ""] if item.label else []
        return [*title, f"{fence} {item.dialect or 'sql'}", item.text, fence, *render_doc_label(item), ""]
    description = [marks.written_italic(item.description)] if item.description else []
    if kind == "slack":
        name = f"**{item.label}**" if not item.url else marks.written_link(item.label, item.url)
        return [name, *description, ""]
    if not item.url:
        return [f"* {marks.escaped(item.label)}", *description, ""]
    return [marks.written_link(item.label, item.url), *description, ""]


def render_doc_label(item: Item) -> list[str]:
    """The label in italics under a query or prose, and the description under that."""
    if not item.doc_label and not item.description:
        return []
    lines = [f"_{LABELS[item.doc_label]}_"]
    return [*lines, marks.written_italic(item.description)] if item.description else lines


def render_placeholder(kind: str, label: str) -> list[str]:
    """What the template has where nothing was filled in."""
    template = BY_KIND[kind]
    if kind == "data_docs":
        query = ["``` sql", "", "SELECT * ", "FROM table", "WHERE field = stage_name", ";", "```"]
        return [*query, *([f"_{label}_"] if label else []), ""]
    if kind == "slack":
        return ["**#slack-channel**", "_Description_", ""]
    shown = label or template.label
    return [f"[{shown}]()", *([f"_{template.prompt}_"] if template.prompt else []), ""]


def guarded(text: str) -> list[str]:
    """The lines of a text, with a backslash before each that would be read as structure."""
    lines = [Line(number, line) for number, line in enumerate(text.split("\n"), start=1)]
    fences = Fences(lines)
    written: list[str] = []
    position = 0
    while position < len(lines):
        end = fences.end(position)
        if end is not None:
            written += [line.text for line in lines[position : end + 1]]
            position = end + 1
            continue
        written.append(guard(lines[position].text))
        position += 1
    return written


STRUCTURE = re.compile(r"^(\s*)(\\*(?:#{1,6}[ \t\xa0]|<|\*\*|__|-|_|\*|\{|\[|`{3}|~{3}|=|\+|\d+[.)]|h))")


def guard(line: str) -> str:
    """A line with a backslash before what is structure, or before the backslash that was there."""
    if not STRUCTURE.match(line):
        return line
    written = STRUCTURE.sub(lambda found: f"{found[1]}\\{found[2]}", line, count=1)
    return written if GUARDED.match(written) else line
