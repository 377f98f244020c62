"""How complete a stage's page is, why, and what would raise it most. Pure: no Django in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

# A stage has OKRs or performance indicators: either one fills the part "goals".
PARTS: tuple[tuple[str, tuple[str, ...], int], ...] = (
    ("description", ("description",), 15),
    ("dashboards", ("dashboards",), 20),
    ("data_docs", ("data_docs",), 20),
    ("research", ("research",), 10),
    ("roadmap", ("roadmap",), 5),
    ("goals", ("okrs", "indicators"), 10),
    ("key_pages", ("key_pages",), 10),
    ("slack", ("slack",), 5),
    ("team", ("team",), 5),
)
TITLES = {
    "description": "the description",
    "dashboards": "dashboards",
    "data_docs": "data documentation",
    "research": "research and demos",
    "roadmap": "the roadmap",
    "goals": "OKRs or performance indicators",
    "key_pages": "key pages",
    "slack": "Slack channels",
    "team": "the team",
}
HEADS = {
    "description": "About",
    "dashboards": "Dashboards",
    "data_docs": "Data docs",
    "research": "Research",
    "roadmap": "Roadmap",
    "goals": "Goals",
    "key_pages": "Key pages",
    "slack": "Slack",
    "team": "Team",
}
"""The same in a word or two, over a narrow column."""
PART_OF = {kind: part for part, kinds, _ in PARTS for kind in kinds}


class Filled(Enum):
    """What a block has."""

    EMPTY = "empty"
    DERIVED = "derived"
    EXPIRED = "expired"
    OWN = "own"
    NOT_APPLICABLE = "not applicable"


WORTH = {Filled.EMPTY: 0.0, Filled.DERIVED: 0.5, Filled.EXPIRED: 0.5, Filled.OWN: 1.0, Filled.NOT_APPLICABLE: 1.0}
WHY = {
    Filled.EMPTY: "nothing is there yet",
    Filled.DERIVED: "only what the structure files say; confirm or replace it",
    Filled.EXPIRED: "its review is due",
    Filled.OWN: "filled",
    Filled.NOT_APPLICABLE: "this stage has none",
}


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of the score."""

    key: str
    kind: str
    filled: Filled
    weight: int
    owner: str = ""

    @property
    def anchor(self) -> str:
        """Where the page has it."""
        return self.kind.replace("_", "-")

    @property
    def title(self) -> str:
        """What people call it."""
        return TITLES[self.key]

    @property
    def points(self) -> float:
        """What it adds."""
        return self.weight * WORTH[self.filled]

    @property
    def gain(self) -> float:
        """What filling it would add."""
        return self.weight - self.points

    @property
    def why(self) -> str:
        """Why it counts as it does."""
        return WHY[self.filled]

    @property
    def is_gap(self) -> bool:
        """Whether something is left to do."""
        return self.gain > 0


@dataclass(frozen=True, kw_only=True)
class Score:
    """The score of a stage with its parts in reading order."""

    parts: tuple[Part, ...]

    @property
    def percent(self) -> int:
        """From 0 to 100; 100 only when nothing is left to do."""
        total = sum(part.weight for part in self.parts)
        share = sum(part.points for part in self.parts) / total if total else 0
        return 100 if share == 1 else min(99, round(share * 100))

    @property
    def owner(self) -> str:
        """Whom to ask for most of what is left to do."""
        asked = Counter(part.owner for part in self.gaps if part.owner)
        return asked.most_common(1)[0][0] if asked else ""

    @property
    def gaps(self) -> tuple[Part, ...]:
        """What is left to do, the greatest gain first."""
        return tuple(sorted((part for part in self.parts if part.is_gap), key=lambda part: -part.gain))

    @property
    def best(self) -> Part | None:
        """What would raise the score most."""
        return self.gaps[0] if self.gaps else None


def score(filled: dict[str, Filled], owners: dict[str, str] | None = None) -> Score:
    """The score from what each kind of block has; kinds that are not named are empty."""
    return Score(parts=tuple(_part(part, kinds, weight, filled, owners or {}) for part, kinds, weight in PARTS))


def _part(part: str, kinds: Iterable[str], weight: int, filled: dict[str, Filled], owners: dict[str, str]) -> Part:
    best = max(kinds, key=lambda kind: WORTH[filled.get(kind, Filled.EMPTY)])
    state = filled.get(best, Filled.EMPTY)
    return Part(key=part, kind=best, filled=state, weight=weight, owner=owners.get(best, ""))
