"""From the source reference of a report to the page behind it, whichever plugin brought it in."""

from __future__ import annotations

from portal.plugin import SourceLink
from portal.plugins.registry import registry


def source_link(reference: str) -> SourceLink | None:
    """The page of a source record ``name:rest``, or ``None`` where no plugin knows it (any more)."""
    return registry.resolve(reference)
