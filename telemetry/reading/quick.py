"""The quick way to read a ping, taken only where it is sure to say what the careful way says.

Installations of one version send the same keys with values of the same types. So what to do with each object of a ping
(its *shape*: keys in their order, types of the values) is worked out once and kept; reading another object of the shape
then is a few calls that run in C. Whatever orjson may have got wrong is excluded by counting: see ``_is_sure``. A body
that leaves any doubt is left to ``parse`` and ``classify``, which remain what reading means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from operator import itemgetter
from re import ASCII, compile
from typing import Any

import orjson

from telemetry.reading.about import about
from telemetry.reading.classify import (
    KINDS,
    LONGEST_PATH,
    MAX_UNKNOWN,
    Definition,
    KeySet,
    Plan,
    Reading,
    State,
    Value,
    classify,
    judge_known,
    kind_of,
    not_permitted,
)
from telemetry.reading.document import parse
from telemetry.reading.issues import IssueKind

MAX_DEPTH = 20
"""Nests deeper than this are left to the careful way."""
MAX_KEPT = 200_000
"""Keys in the shapes that are kept, a few tens of megabytes. Real populations have some thousands."""

_AFTER_POINT = compile(rb"\.[0-9]+(?:[eE][-+]?[0-9]+)?", ASCII)
_DIGITS = frozenset(b"0123456789")
_LONGEST_NUMBER = 40

Permitted = frozenset[str] | None


def read(body: bytes, plan: Plan) -> Reading:
    """What ``classify(parse(body), plan)`` says, sooner where that is safe."""
    reading = reader_for(plan).read(body)
    return classify(parse(body), plan) if reading is None else reading


_kept: tuple[Plan, Reader] | None = None


def reader_for(plan: Plan) -> Reader:
    """The reader of this plan, with the shapes that it has met. One is kept: that of the plan asked for last."""
    global _kept
    kept = _kept
    if kept is None or kept[0] is not plan:
        kept = _kept = (plan, Reader(plan))
    return kept[1]


class _Unsure(Exception):
    """Something that only the careful way reads."""


@dataclass(slots=True)
class _Tally:
    """What the tree holds, to be held against what the bytes hold."""

    quotes: int = 0
    dots: int = 0
    floats: int = 0
    leaves: int = 0
    unknown: int = 0


@dataclass(slots=True)
class _Place:
    """Where an object stands: the path of its keys up to them, and the shapes that were met there."""

    prefix: str
    depth: int
    shapes: dict[tuple[tuple[str, ...], tuple[type, ...]], _Shape] = field(default_factory=dict)


Step = Callable[[dict[str, Any], Reading, _Tally], None]


@dataclass(slots=True)
class _Shape:
    """What to do with an object of these keys and types. ``sure`` is false where only the careful way will do."""

    sure: bool = True
    quotes: int = 0
    floats: int = 0
    leaves: int = 0
    ok: int = 0
    unknown: KeySet | None = None
    texts: tuple[str, ...] = ()
    nests: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()


class Reader:
    """Reads bodies with one plan. ``read`` answers ``None`` where the careful way is needed."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._kept = 0
        self._places: dict[tuple[Permitted, str], _Place] = {}
        self._withheld: dict[Permitted, dict[int, State]] = {}

    def read(self, body: bytes) -> Reading | None:
        """The reading of a body."""
        # Without escapes each quotation mark of the bytes opens or closes a text, and texts are what they look like.
        if b"\\" in body:
            return None
        try:
            root = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
        if type(root) is not dict:
            return None
        reading = Reading(about(root))
        categories = reading.about.categories
        permitted = frozenset(categories) if categories is not None else None
        tally = _Tally()
        try:
            self._walk(self._place(permitted, "", 0), root, reading, tally, permitted)
        except _Unsure:
            return None
        if tally.leaves > MAX_UNKNOWN or not _is_sure(body, tally):
            return None
        if tally.unknown:
            reading.counts[IssueKind.UNKNOWN] += tally.unknown
        if permitted is not None:
            reading.readings = {**self._withheld_by(permitted), **reading.readings}
        return reading

    def _place(self, permitted: Permitted, prefix: str, depth: int) -> _Place:
        place = self._places.get((permitted, prefix))
        if place is None:
            place = self._places[permitted, prefix] = _Place(prefix, depth)
            self._keep(1)
        return place

    def _withheld_by(self, permitted: frozenset[str]) -> dict[int, State]:
        withheld = self._withheld.get(permitted)
        if withheld is None:
            withheld = self._withheld[permitted] = dict.fromkeys(
                not_permitted(self.plan.by_key_path.values(), permitted), State.NOT_PERMITTED
            )
            self._keep(len(withheld))
        return withheld

    def _keep(self, keys: int) -> None:
        """Begin anew when too much is kept: whoever sends other keys each time must not fill the memory."""
        self._kept += keys
        if self._kept > MAX_KEPT:
            self._kept = 0
            self._places, self._withheld = {}, {}

    def _walk(self, place: _Place, node: dict[str, Any], reading: Reading, tally: _Tally, permitted: Permitted) -> None:
        key = tuple(node), tuple(map(type, node.values()))
        shape = place.shapes.get(key)
        if shape is None:
            shape = place.shapes[key] = self._work_out(place, node, permitted)
            self._keep(len(node))
        if not shape.sure:
            raise _Unsure
        tally.quotes += shape.quotes
        tally.floats += shape.floats
        tally.leaves += shape.leaves
        reading.ok += shape.ok
        if shape.unknown is not None:
            tally.unknown += len(shape.unknown.key_paths)
            reading.unknown.append(shape.unknown)
        for text in shape.texts:
            tally.dots += node[text].count(".")
        for nest in shape.nests:
            _count(node[nest], tally, place.depth)
        for step in shape.steps:
            step(node, reading, tally)

    def _work_out(self, place: _Place, node: dict[str, Any], permitted: Permitted) -> _Shape:
        """Decide by keys and types alone what is done with such objects, key by key as ``classify`` would."""
        if place.depth >= MAX_DEPTH:
            return _Shape(sure=False)
        shape = _Shape(quotes=2 * len(node))
        steps: list[Step] = []
        plain: list[tuple[str, Definition]] = []
        unknown: dict[str, str] = {}
        texts, nests = [], []
        for key, value in node.items():
            kind, path = type(value), place.prefix + key
            if "." in key or len(path) > LONGEST_PATH:
                return _Shape(sure=False)
            definition = self.plan.by_key_path.get(path)
            if definition is None and kind is dict:
                steps += _numbers(plain, permitted)
                steps.append(self._below(key, self._place(permitted, path + ".", place.depth + 1), permitted))
                continue
            shape.leaves += 1
            if kind is str:
                shape.quotes += 2
                texts.append(key)
            elif kind is float:
                shape.floats += 1
            elif kind is list or kind is dict:
                nests.append(key)
            if definition is None:
                unknown[path] = "number" if kind is float else KINDS.get(kind) or kind_of(value)
            elif kind is float or not _is_plain(definition, kind, permitted):
                steps += _numbers(plain, permitted)
                steps.append(
                    _one_float(key, definition, permitted) if kind is float else _one(key, definition, permitted)
                )
            elif kind is int:
                plain.append((key, definition))
            else:
                shape.ok += 1
        shape.steps = (*steps, *_numbers(plain, permitted))
        shape.unknown = KeySet.of(unknown) if unknown else None
        shape.texts, shape.nests = tuple(texts), tuple(nests)
        return shape

    def _below(self, key: str, place: _Place, permitted: Permitted) -> Step:
        def step(node: dict[str, Any], reading: Reading, tally: _Tally) -> None:
            below = node[key]
            if len(below) == 1 and "-1" in below:  # perhaps the mark of a failed histogram
                raise _Unsure
            if below:
                self._walk(place, below, reading, tally, permitted)

        return step


def _fits(definition: Definition, permitted: Permitted) -> bool:
    """Whether a value of the right type is simply counted."""
    return definition.status != "removed" and (
        permitted is None or not definition.data_category or definition.data_category.lower() in permitted
    )


def _is_plain(definition: Definition, kind: type, permitted: Permitted) -> bool:
    """Whether the type alone says that a value is ok: a number that must only be looked at for its sign, a text, …"""
    expected = definition.value_type
    if not _fits(definition, permitted):
        return False
    if kind is int:
        return definition.slot is not None and expected not in {"string", "boolean", "object"}
    return definition.slot is None and (
        (kind is str and expected == "string")
        or (kind is bool and expected == "boolean")
        or (kind is list and expected == "object")
    )


def _numbers(plain: list[tuple[str, Definition]], permitted: Permitted) -> list[Step]:
    """One step for these integers, taken out of their object together; the list is emptied."""
    if not plain:
        return []
    keys = [key for key, _ in plain]
    definitions = [definition for _, definition in plain]
    plain.clear()
    paths = [definition.key_path for definition in definitions]
    slots = [definition.slot for definition in definitions if definition.slot is not None]
    take = itemgetter(*keys) if len(keys) > 1 else _single(keys[0])
    count = len(keys)

    def step(node: dict[str, Any], reading: Reading, tally: _Tally) -> None:
        values = take(node)
        if min(values) < 0:
            for value, definition in zip(values, definitions, strict=True):
                judge_known(reading, value, definition, permitted)
            return
        reading.ok += count
        reading.values.update(zip(paths, values, strict=True))
        reading.readings.update(zip(slots, values, strict=True))

    return [step]


def _single(key: str) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    return lambda node: (node[key],)


def _one(key: str, definition: Definition, permitted: Permitted) -> Step:
    def step(node: dict[str, Any], reading: Reading, tally: _Tally) -> None:
        judge_known(reading, node[key], definition, permitted)

    return step


def _one_float(key: str, definition: Definition, permitted: Permitted) -> Step:
    """A number with a point. Where an issue would show it as it was written, the careful way must see it."""
    fits = _fits(definition, permitted) and definition.value_type not in {"string", "boolean", "object"}

    def step(node: dict[str, Any], reading: Reading, tally: _Tally) -> None:
        number = node[key]
        if not fits or number < 0:
            raise _Unsure
        value: Value = Decimal(repr(number))
        reading.ok += 1
        reading.values[definition.key_path] = value
        if definition.slot is not None:
            reading.readings[definition.slot] = value

    return step


def _count(value: Any, tally: _Tally, depth: int) -> None:
    """Count what lies within a value that is one leaf to us."""
    if depth >= MAX_DEPTH:
        raise _Unsure
    inner: Iterable[Any] = value if isinstance(value, list) else ()
    if isinstance(value, dict):
        inner = value.values()
        tally.quotes += 2 * len(value)
        tally.dots += sum(key.count(".") for key in value)
    for each in inner:
        if isinstance(each, str):
            tally.quotes += 2
            tally.dots += each.count(".")
        elif isinstance(each, float):
            tally.floats += 1
        elif isinstance(each, dict | list):
            _count(each, tally, depth + 1)


def _is_sure(body: bytes, tally: _Tally) -> bool:
    """Whether orjson's tree holds all of the body, exactly.

    A pair that was dropped since its key came twice takes its quotation marks out of the tree, but not out of the
    bytes. A float is exact if it was written with a point and reads back as it was written: an integer beyond 64
    bits, or one with an exponent, leaves fewer points in the bytes than there are floats in the tree.
    """
    if body.count(b'"') != tally.quotes:
        return False
    return not tally.floats or (body.count(b".") - tally.dots == tally.floats and _points_are_exact(body))


def _points_are_exact(body: bytes) -> bool:
    """Whether each number with a point (those within texts too, which does no harm) is one that a float can tell."""
    at = body.find(b".")
    while at >= 0:
        match = _AFTER_POINT.match(body, at)
        start = at
        while match and start > 0 and body[start - 1] in _DIGITS:
            start -= 1
        if match and start < at:
            literal = body[start : match.end()].decode()
            if len(literal) > _LONGEST_NUMBER or Decimal(repr(float(literal))) != Decimal(literal):
                return False
        at = body.find(b".", at + 1)
    return True
