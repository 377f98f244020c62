"""What a history tells: one change as a value, and what every kind of change offers the timeline."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from stages.content import Difference
from stages.facts import Entry
from stages.models import BlockRevision, Succession


@dataclass(frozen=True, kw_only=True)
class Happening:
    """One change: of what, when, by whom, how and why, and from what to what.

    ``revision`` is that of a block that can be brought back, ``facts`` the entry and version whose facts can be;
    ``change`` is the record of a change of the structure, ``run`` the import that made it.
    """

    at: datetime
    title: str
    who: str
    how: str
    why: str = ""
    differences: tuple[Difference, ...] = ()
    revision: BlockRevision | None = None
    facts: Entry | None = None
    facts_version: int = 0
    change: Succession | None = None
    run: int | None = None


class Source(ABC):
    """One kind of change."""

    @abstractmethod
    def times(self, before: datetime | None) -> QuerySet[Any, datetime]:
        """The moments of its changes before a moment, newest first."""

    @abstractmethod
    def between(self, since: datetime | None, before: datetime | None) -> Iterable[Happening]:
        """The changes from one moment (counted in) to another (not counted in)."""


class Rows(Source):
    """Changes that have a row each, with the moment in its ``field``."""

    rows: QuerySet[Any]
    field = "pgh_created_at"

    def times(self, before: datetime | None) -> QuerySet[Any, datetime]:
        """The moments of the rows."""
        return self.within(None, before).order_by(f"-{self.field}").values_list(self.field, flat=True)

    def within(self, since: datetime | None, before: datetime | None) -> QuerySet[Any]:
        """The rows from one moment (counted in) to another (not counted in)."""
        rows = self.rows if since is None else self.rows.filter(**{f"{self.field}__gte": since})
        return rows if before is None else rows.filter(**{f"{self.field}__lt": before})
