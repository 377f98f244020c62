"""What the dictionary does when something changes below it."""

from __future__ import annotations

from typing import Any

from metrics.definitions.mapping import follow_structure


def follow_the_catalog(*, actor: Any = None, **kwargs: Any) -> None:
    """The structure changed: join definitions and mappings to it anew."""
    follow_structure(actor=actor)
