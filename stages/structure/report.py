"""What an import of the structure files did, or would do, entry by entry. Pure: no Django in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from stages.structure.reader import Irregularity


@dataclass(frozen=True, kw_only=True)
class FieldChange:
    """A field that took the file's value."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, kw_only=True)
class Disputed:
    """A field that the file and the portal both changed since the last import; the portal's value stands."""

    kind: str
    key: str
    name: str
    stage: str
    field: str
    kept: Any
    file_says: Any


@dataclass(frozen=True, kw_only=True)
class EntryChange:
    """A section, stage, group or category that an import made, changed, retired or brought back."""

    kind: str
    key: str
    name: str
    stage: str
    how: str
    fields: tuple[FieldChange, ...] = ()


@dataclass(kw_only=True)
class StructureReport:
    """What an import did, by kind, and what it found irregular. People's names are in ``changes`` only."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    irregularities: list[Irregularity] = field(default_factory=list)
    conflicts: list[Disputed] = field(default_factory=list)
    changes: list[EntryChange] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)

    def as_json(self) -> dict[str, Any]:
        """One document: counts per kind, irregularities, edits of the portal that were kept."""
        kinds = Counter(found.kind for found in self.irregularities)
        return {
            **{kind: dict(counts) for kind, counts in self.counts.items()},
            "irregularities": [asdict(found) for found in self.irregularities],
            "irregularities_by_kind": dict(sorted(kinds.items())),
            "kept_edits": [
                {"kind": one.kind, "key": one.key, "field": one.field, "file_says": one.file_says, "kept": one.kept}
                for one in self.conflicts
            ],
        }

    def by_stage(self) -> list[tuple[str, list[EntryChange], list[Disputed]]]:
        """The changes and conflicts under the stage that they belong to; those of no stage first."""
        names = sorted({one.stage for one in self.changes} | {one.stage for one in self.conflicts})
        return [
            (
                name,
                [one for one in self.changes if one.stage == name],
                [one for one in self.conflicts if one.stage == name],
            )
            for name in names
        ]
