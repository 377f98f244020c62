"""Each leaf of a ping against the dictionary: its value, or why there is none. Value and state are kept apart."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum
from typing import Any, Protocol

import orjson

from telemetry.reading.about import About, about
from telemetry.reading.document import MAX_DEPTH, MAX_DIGITS, Document, Doubled, Oddity, cleaned
from telemetry.reading.issues import Issue, IssueKind, shown, storable

MAX_LEAVES = 50_000
MAX_ISSUES = 500
MAX_UNKNOWN = 5_000
LONGEST_PATH = 500
MAX_BITS = MAX_DIGITS * 10 // 3


class State(IntEnum):
    """What became of a leaf. The numbers from 1 on are those of ``metrics.facts.Missing``."""

    OK = 0
    ABSENT = 1
    TIMED_OUT = 2
    FAILED = 3
    NOT_COLLECTED = 4
    DEPRECATED = 5
    WRONG_TYPE = 6
    NULL = 7
    NOT_PERMITTED = 8
    UNKNOWN = 20

    @property
    def words(self) -> str:
        """The state as people read it."""
        return self.name.lower().replace("_", " ")


class Definition(Protocol):
    """What must be known of a metric to read its value."""

    @property
    def key_path(self) -> str: ...
    @property
    def slot(self) -> int | None: ...
    @property
    def value_type(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def data_category(self) -> str: ...


class Plan(Protocol):
    """The definitions by key path, as the dictionary knows them at one version."""

    @property
    def by_key_path(self) -> Mapping[str, Definition]: ...


SENTINELS: dict[int, tuple[State, IssueKind]] = {
    -1: (State.TIMED_OUT, IssueKind.TIMED_OUT),
    -2: (State.FAILED, IssueKind.FAILED),
    -3: (State.NOT_COLLECTED, IssueKind.NOT_COLLECTED),
    -1000: (State.DEPRECATED, IssueKind.DEPRECATED),
}
KINDS: dict[type, str] = {int: "number", Decimal: "number", str: "string", bool: "boolean", list: "list"}
EXPECTED = {"number": "a number", "string": "a text", "boolean": "true or false", "object": "an object"}

Value = int | Decimal


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf as the ping page shows it."""

    key_path: str
    value: Any
    state: State
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class KeySet:
    """Unknown keys that came together, with the JSON types of their values. Installations of one version send the
    same ones, so they are counted as a set; ``digest`` is the same for the same keys and types in any order."""

    key_paths: tuple[str, ...]
    kinds: tuple[str, ...]
    digest: bytes

    @classmethod
    def of(cls, kinds: Mapping[str, str]) -> KeySet:
        """The set of these keys, each with its type."""
        told = orjson.dumps(sorted(kinds.items()))
        return cls(tuple(kinds), tuple(kinds.values()), hashlib.sha256(told).digest())


@dataclass(slots=True)
class Reading:
    """What we made of a ping. ``readings`` holds the numeric metrics by slot: the value, or its state."""

    about: About
    readings: dict[int, Value | State] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    counts: Counter[IssueKind] = field(default_factory=Counter)
    unknown: list[KeySet] = field(default_factory=list)
    ok: int = 0
    leaves: list[Leaf] | None = None

    @property
    def unknown_kinds(self) -> dict[str, str]:
        """The JSON type of each unknown key."""
        return {path: kind for keys in self.unknown for path, kind in zip(keys.key_paths, keys.kinds, strict=True)}

    def note(self, issue: Issue) -> None:
        """Count an issue, and keep it while there are not too many."""
        self.counts[issue.kind] += 1
        if len(self.issues) < MAX_ISSUES:
            self.issues.append(issue)


def classify(
    document: Document, plan: Plan, *, keep_leaves: bool = False, only: frozenset[str] | None = None
) -> Reading:
    """Judge every leaf. ``only`` restricts what is recorded to some key paths (for filling back).

    A definition is looked up at each node before descending: it may stand on an object, which then is one value.
    """
    reading = Reading(about(document.root), leaves=[] if keep_leaves else None)
    for oddity in document.issues:
        reading.note(oddity)
    find = plan.by_key_path.get
    permitted = frozenset(reading.about.categories) if reading.about.categories is not None else None
    unknown: dict[str, str] = {}
    odd_texts = document.odd_texts
    seen = unknown_seen = 0
    # One loop over an explicit stack, with the plain case first: a ping has thousands of leaves.
    stack: list[tuple[str, Iterator[tuple[str, Any]], bool]] = [("", iter(document.root.items()), False)]
    _tell_doubled(document.root, "", reading)
    while stack:
        prefix, items, dotted = stack[-1]
        for key, value in items:
            if odd_texts:
                key, value = _clean_pair(prefix, key, value, reading)
            path = prefix + key
            if len(path) > LONGEST_PATH:  # no definition is that long; without a limit a nest of long keys is quadratic
                path = path[:LONGEST_PATH] + "…"
            odd = dotted or "." in key
            definition = None if odd else find(path)
            if definition is None and isinstance(value, dict) and not (len(value) == 1 and value.get("-1") == -1):
                if not value:
                    continue
                if len(stack) >= MAX_DEPTH:
                    reading.note(Issue(IssueKind.TOO_DEEP, storable(path)))
                    continue
                if type(value) is Doubled:
                    _tell_doubled(value, path + ".", reading)
                stack.append((path + ".", iter(value.items()), odd))
                break
            if (seen := seen + 1) > MAX_LEAVES:
                reading.note(Issue(IssueKind.TOO_MANY_KEYS, value=f"{MAX_LEAVES:,}"))
                stack.clear()
                break
            if definition is not None:
                if type(value) is Doubled:
                    _tell_doubled(value, path + ".", reading)
                judge_known(reading, value, definition, permitted, recorded=only is None or path in only)
                continue
            unknown_seen += not odd
            _note_unknown(reading, unknown, path, value, odd=odd)
        else:
            stack.pop()
    if unknown:
        reading.counts[IssueKind.UNKNOWN] += unknown_seen
        reading.unknown.append(KeySet.of(unknown))
    if permitted is not None:
        asked = plan.by_key_path if only is None else only & plan.by_key_path.keys()
        for slot in not_permitted((plan.by_key_path[path] for path in asked), permitted):
            reading.readings.setdefault(slot, State.NOT_PERMITTED)
    return reading


def _note_unknown(reading: Reading, unknown: dict[str, str], path: str, value: Any, *, odd: bool) -> None:
    """Keep a leaf that no definition is for; an ``odd`` one has a dot in a key, so its path would mislead."""
    kind = type(value)
    if kind is Oddity:
        reading.note(Issue(value.kind, path, str(value)))
    if odd:
        reading.note(Issue(IssueKind.DOTTED_KEY, path, shown(value)))
    elif len(unknown) < MAX_UNKNOWN:
        unknown[path] = KINDS.get(kind) or kind_of(value)
    if reading.leaves is not None:
        told = Issue(IssueKind.DOTTED_KEY if odd else IssueKind.UNKNOWN, path)
        reading.leaves.append(Leaf(path, value, State.UNKNOWN, (told,)))


def not_permitted(definitions: Iterable[Definition], permitted: frozenset[str]) -> list[int]:
    """The slots of metrics whose category the sender did not permit: that they are absent says nothing of their use."""
    return [
        definition.slot
        for definition in definitions
        if definition.slot is not None
        and definition.data_category
        and definition.data_category.lower() not in permitted
        and definition.status != "removed"
    ]


def judge(
    value: Any, definition: Definition, permitted: frozenset[str] | None
) -> tuple[State, Value | None, Issue | None]:
    """The state of one value, its number where it is one, and the issue to tell."""
    path, expected = definition.key_path, definition.value_type
    if value is None:
        return State.NULL, None, Issue(IssueKind.NULL, path, "null")
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if is_number and value < 0 and (sentinel := SENTINELS.get(int(value)) if value == int(value) else None):
        return sentinel[0], None, Issue(sentinel[1], path, shown(value))
    if isinstance(value, dict) and len(value) == 1 and value.get("-1") == -1:
        return State.FAILED, None, Issue(IssueKind.FAILED, path, '{"-1": -1}')
    if isinstance(value, Oddity):
        return State.WRONG_TYPE, None, Issue(value.kind, path, str(value))
    if permitted is not None and definition.data_category and definition.data_category.lower() not in permitted:
        return State.NOT_PERMITTED, None, Issue(IssueKind.NOT_PERMITTED, path, shown(value), definition.data_category)
    match expected:
        case "number":
            fits = is_number
        case "string":
            fits = isinstance(value, str)
        case "boolean":
            fits = isinstance(value, bool)
        case "object":
            fits = isinstance(value, dict | list)
        case _:
            fits = True
    if not fits:
        return (
            State.WRONG_TYPE,
            None,
            Issue(
                IssueKind.WRONG_TYPE, path, shown(value), EXPECTED.get(expected, expected), kind_of(value, article=True)
            ),
        )
    if is_number and isinstance(value, int) and value.bit_length() > MAX_BITS:
        return State.WRONG_TYPE, None, Issue(IssueKind.TOO_LARGE, path, shown(value))
    if expected == "number" and value < 0:
        # Odd for a counter, and worth telling; but a number that is no sentinel is a reading like any other.
        return State.OK, value, Issue(IssueKind.NEGATIVE, path, shown(value))
    return State.OK, value if is_number else None, None


def kind_of(value: Any, *, article: bool = False) -> str:
    """The JSON type of a value as a word."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean" if article else "boolean"
        case int() | Decimal() | Oddity():
            return "a number" if article else "number"
        case str():
            return "a text" if article else "string"
        case list():
            return "a list" if article else "list"
        case _:
            return "an object" if article else "object"


def judge_known(
    reading: Reading, value: Any, definition: Definition, permitted: frozenset[str] | None, *, recorded: bool = True
) -> None:
    """Note the value of a key that has a definition; ``recorded=False`` keeps it from being recorded."""
    path = definition.key_path
    state, number, issue = judge(value, definition, permitted)
    noted = [issue] if issue else []
    if definition.status == "removed":
        noted.append(Issue(IssueKind.REMOVED, path))
    for told in noted:
        reading.note(told)
    if state is State.OK:
        reading.ok += 1
        if number is not None:
            reading.values[path] = number
    if definition.slot is not None and recorded:
        reading.readings[definition.slot] = number if state is State.OK and number is not None else state
    if reading.leaves is not None:
        reading.leaves.append(Leaf(path, value, state, tuple(noted)))


def _tell_doubled(node: dict[str, Any], prefix: str, reading: Reading) -> None:
    if isinstance(node, Doubled):
        for key in node.doubled:
            reading.note(Issue(IssueKind.DUPLICATE_KEY, storable(prefix + key)[:LONGEST_PATH], shown(node[key])))


def _clean_pair(prefix: str, key: str, value: Any, reading: Reading) -> tuple[str, Any]:
    kept_key, kinds = cleaned(key)
    kept = value
    if isinstance(value, str):
        kept, more = cleaned(value)
        kinds = [*kinds, *more]
    for kind in dict.fromkeys(kinds):
        reading.note(Issue(kind, (prefix + kept_key)[:LONGEST_PATH], shown(value)))
    return kept_key, kept
