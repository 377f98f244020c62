"""Reads a handbook page into stages and blocks. Pure; never raises on any text and loses none of it.

Levels are not trusted: a heading is what its words say, and what is left is told by where it stands. What cannot be
placed is kept in its block's body or in a block of the kind ``other``, and named as unrecognised.

    lines    fences, layout, italics          outline  headings and what each is
    items    the items of a block             page     the whole page
"""

from stages.handbook.parsing.items import DOC_LABELS, BlockReader
from stages.handbook.parsing.lines import GUARDED, Fences, Line
from stages.handbook.parsing.page import parse_page
from stages.handbook.parsing.values import Page, ParsedBlock, ParsedStage, Start, Text

__all__ = [
    "DOC_LABELS",
    "GUARDED",
    "BlockReader",
    "Fences",
    "Line",
    "Page",
    "ParsedBlock",
    "ParsedStage",
    "Start",
    "Text",
    "parse_page",
]
