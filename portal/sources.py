"""From the source references of reports to the pages behind them, whichever plugin brought them in."""

from __future__ import annotations

from collections.abc import Iterable

from portal.plugin import SourceLink
from portal.plugins.registry import registry


def source_links(references: Iterable[str]) -> dict[str, SourceLink]:
    """The pages of source records ``name:rest``, asked for together; those that no plugin knows are left out."""
    return registry.resolve(references)


def source_link(reference: str) -> SourceLink | None:
    """The page of one source record, or ``None`` where no plugin knows it (any more)."""
    return source_links([reference]).get(reference)
