"""How much a page may hold: far more than any handbook page does, and little enough to be read and shown quickly. Pure.

What one may not save in the portal is not imported either, since nobody could edit it afterwards.
"""

from __future__ import annotations

from stages.handbook.parsing import Page
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
        where = f"line {block.line}, {block.content.heading or block.kind} of {stage.name}"
        if len(block.content.items) > MOST_ITEMS:
            return f"{where}: there are {len(block.content.items):,} items; a block holds at most {MOST_ITEMS}."
        longest = max(
            (len(text) for text in (block.content.body, *(item.text for item in block.content.items))), default=0
        )
        if longest > LONGEST_TEXT:
            return f"{where}: a text is {longest:,} characters long; at most {LONGEST_TEXT:,} fit."
    return ""
