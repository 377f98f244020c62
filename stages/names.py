"""Names as people write them, made comparable. Pure: no Django in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeVar

Named = TypeVar("Named")

PREFIX = re.compile(r"^\s*(?:group|devops|category|section|stage)\s*::?\s*", re.IGNORECASE)
SEPARATORS = re.compile(r"[\s_\-/&:]+")
STAGE_WORD = re.compile(r"\s+(stage|section)\s*$", re.IGNORECASE)


def folded(name: str) -> str:
    """The letters and digits of a name without case, label prefix and separators.

    >>> folded("group::source code") == folded("source_code") == folded("Source Code")
    True
    """
    return SEPARATORS.sub("", PREFIX.sub("", name)).casefold().strip()


def without_word(heading: str) -> str:
    """A heading without its closing word "Stage" or "Section".

    >>> without_word("Create Stage")
    'Create'
    """
    stripped = STAGE_WORD.sub("", heading.strip())
    return stripped or heading.strip()


def key_of(name: str) -> str:
    """A key made from a name, for what the structure files do not name.

    >>> key_of("SaaS Platforms")
    'saas_platforms'
    """
    key = re.sub(r"[^a-z0-9_-]+", "_", name.casefold().strip()).strip("_-")
    return key or "unnamed"


def named_in(text: str, names: Iterable[tuple[str, Named]]) -> Named | None:
    """Which of some things a text names, written as "Stage : Group" with or without blanks; the longest name counts.

    >>> named_in("For Create : Code Review only", [("Create:Code", 1), ("Create:Code Review", 2)])
    2
    """
    said = re.sub(r"\s*:\s*", ":", text.casefold())
    found = [(len(name), one) for name, one in names if _stands(name, said)]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def _stands(name: str, said: str) -> bool:
    """Whether the name stands in the text as whole words."""
    wanted = name.casefold()
    at = said.find(wanted)
    while at >= 0:
        before, after = said[at - 1 : at] if at else "", said[at + len(wanted) : at + len(wanted) + 1]
        if not before.isalnum() and not after.isalnum():
            return True
        at = said.find(wanted, at + 1)
    return False
