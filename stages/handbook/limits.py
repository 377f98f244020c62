"""How much a page may hold: far more than any handbook page does, and little enough to be read and shown quickly. Pure.

A text that one may not save in the portal is not imported either, since nobody could edit it afterwards. A name, link
or description may be longer than a form takes, since real pages have such.
"""

from __future__ import annotations

from collections.abc import Iterator

from stages.content import BlockContent
from stages.handbook.parsing import Page, ParsedStage
from stages.names import folded
from stages.validation import LONGEST_TEXT, MOST_ITEMS

MOST_LINES = 100_000
MOST_STAGES = 200
MOST_BLOCKS = 2_500
MOST_IN_ALL = 10_000


def too_many_lines(text: str) -> str:
    """Why a text is not even read; empty when it is."""
    lines = text.count("\n") + 1
    if lines <= MOST_LINES:
        return ""
    return f"It has {lines:,} lines; at most {MOST_LINES:,} are read. Is this a handbook page?"


def told_twice(page: Page) -> str:
    """Which stage a page has twice; empty when it has none. What the second lacks of the first would be lost."""
    met: dict[str, ParsedStage] = {}
    for stage in page.stages:
        first = met.setdefault(folded(stage.name), stage)
        if first is not stage:
            lines = f" (lines {first.line} and {stage.line})" if stage.line else ""
            return f"The stage {first.name} is there twice{lines}. Put all of it under one heading."
    return ""


def too_much(page: Page) -> str:
    """Why a page is not imported, by what is too much of it; empty when it is."""
    blocks = [(stage, block) for stage in page.stages for block in stage.blocks]
    items = sum(len(block.content.items) for _, block in blocks)
    counted = (
        (len(page.stages), MOST_STAGES, "stages"),
        (len(blocks), MOST_BLOCKS, "blocks"),
        (items, MOST_IN_ALL, "links and queries"),
        (len(page.starting_points), MOST_ITEMS, "places to start"),
    )
    for number, most, what in counted:
        if number > most:
            return f"It has {number:,} {what}; at most {most:,} are imported at a time. Split the page."
    for stage, block in blocks:
        where = f"line {block.line}, {block.content.heading[:80] or block.kind} of {stage.name}"
        if len(block.content.items) > MOST_ITEMS:
            return f"{where}: there are {len(block.content.items):,} items; a block holds at most {MOST_ITEMS}."
        what, length = max(_lengths(block.content), key=lambda one: one[1])
        if length > LONGEST_TEXT:
            return f"{where}: {what} is {length:,} characters long; at most {LONGEST_TEXT:,} fit."
    return ""


def _lengths(content: BlockContent) -> Iterator[tuple[str, int]]:
    """Each text of a block in words, with its length. Lines longer than a form takes are kept as they are."""
    yield "the note under its heading", len(content.note)
    yield "a text", len(content.body)
    for item in content.items:
        yield "a name", len(item.label)
        yield "a link", len(item.url)
        yield "a description", len(item.description)
        yield "a text", len(item.text)
