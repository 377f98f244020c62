"""The raw body as a tree: objects fold, leaves stand beside what was made of them. No Django in here but escaping."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from telemetry.reading.classify import Leaf, State
from telemetry.reading.issues import shown, storable

KINDS = {
    State.OK: "ok",
    State.UNKNOWN: "neutral",
    State.TIMED_OUT: "warning",
    State.FAILED: "warning",
    State.NOT_COLLECTED: "warning",
    State.DEPRECATED: "warning",
    State.NULL: "warning",
    State.NOT_PERMITTED: "info",
    State.WRONG_TYPE: "danger",
    State.ABSENT: "neutral",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A leaf to show: its last key, its whole path, the value as sent, its state and the sentences."""

    name: str
    key_path: str
    value: str
    state: str
    kind: str
    known: bool
    sentences: tuple[str, ...]


@dataclass(slots=True)
class Branch:
    """An object of the body with its leaves and the objects within."""

    name: str
    rows: list[Row] = field(default_factory=list)
    branches: dict[str, Branch] = field(default_factory=dict)
    count: int = 0
    issues: int = 0

    @property
    def inner(self) -> list[Branch]:
        """The objects within, in the order of the body."""
        return list(self.branches.values())


def tree_of(leaves: Iterable[Leaf], *, words: str = "", state: str = "", limit: int = 5_000) -> tuple[Branch, int]:
    """The leaves that contain ``words`` (key or value) and have ``state``, as a tree; and how many there are."""
    root = Branch("")
    found = 0
    wanted = words.strip().lower()
    for leaf in leaves:
        if state and leaf.state.name.lower() != state:
            continue
        value = shown(leaf.value)
        if wanted and wanted not in leaf.key_path.lower() and wanted not in value.lower():
            continue
        found += 1
        if found > limit:
            continue
        parts = leaf.key_path.split(".")[:20]
        node, path = root, [root]
        for part in parts[:-1]:
            node = node.branches.setdefault(part, Branch(storable(part)))
            path.append(node)
        bad = any(issue.kind != "unknown" for issue in leaf.issues)
        for each in path:
            each.count += 1
            each.issues += bad
        node.rows.append(row_of(parts[-1], leaf, value))
    return root, found


def row_of(name: str, leaf: Leaf, value: str) -> Row:
    """A leaf as a row."""
    return Row(
        name=storable(name),
        key_path=storable(leaf.key_path),
        value=value,
        state=leaf.state.words,
        kind=KINDS[leaf.state],
        known=leaf.state is not State.UNKNOWN,
        sentences=tuple(issue.sentence for issue in leaf.issues),
    )


def states_of(leaves: Iterable[Leaf]) -> list[tuple[str, str, int]]:
    """The states that occur, as (name, words, how often), the good ones first."""
    counts: dict[State, int] = {}
    for leaf in leaves:
        counts[leaf.state] = counts.get(leaf.state, 0) + 1
    return [(state.name.lower(), state.words, count) for state, count in sorted(counts.items())]
