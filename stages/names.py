"""Names as people write them, made comparable. Pure: no Django in it."""

from __future__ import annotations

import re

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
