"""What a handbook page says, as values. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from stages.content import BlockContent
from stages.handbook.parsing.lines import Line


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
class Text:
    """A text of the page itself, outside its stages. ``place`` says where: ``top`` before the starting points,
    ``start`` after them, ``section`` under the heading of a section, ``end`` after a stage.
    """

    heading: str = ""
    body: str = ""
    depth: int = 2
    place: str = "top"
    section: str = ""


@dataclass(frozen=True, kw_only=True)
class Page:
    """A handbook page as read. ``front`` is its front matter but for the title; a ``partial`` one does not claim to
    hold all stages.
    """

    title: str = ""
    front: str = ""
    partial: bool = False
    sections: tuple[str, ...] = ()
    stages: tuple[ParsedStage, ...] = ()
    starting_points: tuple[Start, ...] = ()
    texts: tuple[Text, ...] = ()
