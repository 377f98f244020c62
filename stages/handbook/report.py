"""What an import of a handbook page did, or would do, stage by stage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from stages.content import Conflict, Difference
from stages.models import BlockKind


@dataclass(kw_only=True)
class Counts:
    """What happened to the items of a stage."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    placeholders: int = 0
    missing_from_source: int = 0
    unrecognised: list[dict[str, Any]] = field(default_factory=list)

    @property
    def told(self) -> str:
        """What happened in words; empty when nothing did."""
        words = (
            (self.created, "created"),
            (self.updated, "updated"),
            (self.missing_from_source, "no longer in the source"),
            (self.placeholders, "still the template's"),
        )
        return ", ".join(f"{number} {word}" for number, word in words if number)

    def as_json(self) -> dict[str, Any]:
        """The counts as the command prints them."""
        return {
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "placeholders": self.placeholders,
            "missing_from_source": self.missing_from_source,
            "unrecognised": self.unrecognised,
        }


@dataclass(frozen=True, kw_only=True)
class BlockChange:
    """What an import did, or would do, to one block."""

    stage: str
    kind: str
    heading: str
    differences: tuple[Difference, ...]
    conflicts: tuple[Conflict, ...]

    @property
    def title(self) -> str:
        """What people call the block."""
        return self.heading or BlockKind(self.kind).label


STARTS, TEXTS = "Starting points", "Texts of the page"


@dataclass(frozen=True, kw_only=True)
class OwnTextChange:
    """What an import did, or would do, to a text that the page has outside its stages. ``gone``: not in the source."""

    where: str
    title: str
    differences: tuple[Difference, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    gone: bool = False


@dataclass(kw_only=True)
class HandbookReport:
    """What an import did. ``versions`` are the blocks that it changed with the version of each that it made,
    ``texts`` the kind, row and version of each place to start and text of the page, and that it is there."""

    stages: dict[str, Counts] = field(default_factory=dict)
    starting_points: Counts = field(default_factory=Counts)
    page_texts: Counts = field(default_factory=Counts)
    kinds: dict[str, dict[str, int]] = field(default_factory=dict)
    changes: list[BlockChange] = field(default_factory=list)
    own_texts: list[OwnTextChange] = field(default_factory=list)
    new_stages: list[str] = field(default_factory=list)
    disputes: int = 0
    wrote: bool = False
    versions: list[tuple[int, int]] = field(default_factory=list)
    texts: list[tuple[str, int, int, bool]] = field(default_factory=list)

    @property
    def all_counts(self) -> dict[str, Counts]:
        """The counts of the stages, and of what stands outside them."""
        return {**self.stages, STARTS: self.starting_points, TEXTS: self.page_texts}

    @property
    def says_something(self) -> bool:
        """Whether anything is different for readers; what is kept of a source besides may be."""
        counts = self.all_counts.values()
        moved = any(one.created or one.updated or one.missing_from_source for one in counts)
        return bool(moved or self.changes or self.own_texts or self.new_stages)

    def as_json(self) -> dict[str, Any]:
        """The document of ``--json``."""
        return {
            "stages": {name: counts.as_json() for name, counts in self.stages.items()},
            "starting_points": self.starting_points.as_json(),
            "page_texts": self.page_texts.as_json(),
            "kinds": self.kinds,
            "new_stages": self.new_stages,
            "conflicts": [
                {"stage": change.stage, "kind": change.kind, "what": [one.what for one in change.conflicts]}
                for change in self.changes
                if change.conflicts
            ],
        }
