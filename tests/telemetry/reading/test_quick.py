"""Where the quick way is taken it says what the careful way says; where it may not be taken it is not."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from telemetry.reading import quick
from telemetry.reading.classify import Reading, State, classify
from telemetry.reading.document import NotAnObject, parse
from telemetry.reading.quick import Reader
from tests.telemetry.hostile import hostile_bodies
from tests.telemetry.reading.plans import Facts, plan

PLAN = plan(
    Facts("a", 1),
    Facts("b", 2, data_category="operational"),
    Facts("c", 3, status="removed"),
    Facts("d", None, "object"),
    Facts("e", None, "string"),
    Facts("f", None, "boolean"),
    Facts("g", None),
    Facts("h.a", 4),
    Facts("h.b", 5, ""),
    Facts("h.c", 6, data_category="Optional"),
    Facts("i", 7, "string"),
    Facts("counts.a", 8),
    Facts("database.pg_system_id", 9),
)

NAMES = st.sampled_from([*"abcdefghij", "counts", "-1", "", "x.y", "settings"])
LITERALS = st.one_of(
    st.sampled_from(
        ["0", "-0", "-1", "-1.0", "-2", "-1000", "-99", "1.0", "1.50", "1e5", "1E+2", "0.0", "-0.0", "0e-400", "1e-400",
         "1.5e-400", "1e400", "NaN", "-Infinity", "null", "true", "false", "{}", "[]", '{"-1": -1}', '{"-1": 3}',
         str(2**62), str(2**63), str(2**64 - 1), str(2**64), str(-(2**63) - 1), "1" * 400, "9" * 5_000,
         "0.1000000000000000055511151231257827", "0.30000000000000004", "123456789012345.6789",
         "1.7976931348623157e308",
         '"1.5"', '":1.5,"', '"a.b"', '"\\u002e"', '"\\""', '"x, 1.5"', '"é"', "[1.5, [2.25]]", '{"a": 1, "a": 2}',
         '[{"a": 1, "a": 2}]', '[{"x.y": "."}]']
    ),
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.text(max_size=6).map(json.dumps),
    st.text(max_size=6).map(lambda text: json.dumps(text, ensure_ascii=False)),
)  # fmt: skip


def objects(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """JSON objects as text: keys may come twice, blanks stand anywhere."""
    gap = st.sampled_from(["", " ", "\n"])
    pair = st.tuples(NAMES, gap, inner).map(lambda told: f'"{told[0]}"{told[1]}:{told[1]}{told[2]}')
    return st.tuples(st.lists(pair, max_size=5), gap).map(lambda told: "{" + f",{told[1]}".join(told[0]) + "}")


def lists(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(inner, max_size=3).map(lambda parts: f"[{','.join(parts)}]")


CONSENT = st.sampled_from(["", '"settings": {"collected_data_categories": ["operational"]}', '"settings": 1'])
BODIES = st.tuples(
    objects(st.recursive(LITERALS, lambda inner: objects(inner) | lists(inner), max_leaves=8)), CONSENT
).map(
    lambda told: (told[0][:-1] + ("," if told[1] and told[0] != "{}" else "") + told[1] + "}").encode(errors="replace")
)


def told(reading: Reading) -> dict[str, Any]:
    """All of a reading, with the types of its values: ``State.FAILED == 2`` and ``Decimal(2) == 2``."""
    return {
        "about": reading.about,
        "readings": {slot: (kind_of(value), value) for slot, value in reading.readings.items()},
        "values": {path: (kind_of(value), value) for path, value in reading.values.items()},
        "issues": reading.issues,
        "counts": +reading.counts,
        "unknown": reading.unknown_kinds,
        "ok": reading.ok,
    }


def kind_of(value: object) -> type:
    return next(kind for kind in (State, Decimal, int) if isinstance(value, kind))


READER = Reader(PLAN)


@given(BODIES)
@example(b'{"a": 1, "a" : 1}')
@example(b'{"j": ":1.5,", "a": 15e-1}')
@example(b'{"a": 1.5, "j": 36893488147419103232, "e": "x"}')
@example(b'{"a":2.5,"b":18446744073709551616,"e":"1.5"}')
def test_where_the_quick_way_is_taken_it_says_what_the_careful_way_says(body: bytes) -> None:
    reading = READER.read(body)
    if reading is not None:
        assert told(reading) == told(classify(parse(body), PLAN))


def test_hostile_bodies_are_read_the_same_either_way() -> None:
    taken = 0
    for hostile in hostile_bodies(400):
        try:
            expected = classify(parse(hostile.body), PLAN)
        except NotAnObject:
            assert READER.read(hostile.body) is None
            continue
        reading = READER.read(hostile.body)
        if reading is not None:
            taken += 1
            assert told(reading) == told(expected)
    assert taken


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1, "h": {"a": 2, "x": null}, "e": "text", "f": true, "d": [1, {"y": 2.5}]}',
        b'{"version": "17.5.1", "a": 0.3333333333333333, "database": {"pg_system_id": 6775412013402151823}}',
        b'{"a": -1, "b": null, "c": 4, "i": "x", "h": {"a": -2}}',
        b'{"settings": {"collected_data_categories": ["operational"]}, "a": 3, "b": 4}',
        '{"hostname": "gött.example.com", "a": 1.50}'.encode(),
    ],
)
def test_an_ordinary_ping_goes_the_quick_way(body: bytes) -> None:
    reading = Reader(PLAN).read(body)
    assert reading is not None
    assert told(reading) == told(classify(parse(body), PLAN))


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1, "a": 1}',
        b'{"a": {"b": 1, "b" : 2}}',
        b'{"d": [{"x": 1, "x": 2}]}',
        b'{"a": "\\u0000"}',
        b'{"a": 18446744073709551616}',
        b'{"a": 1e5}',
        b'{"a": 0.10000000000000000555}',
        b'{"a": NaN}',
        b'{"x.y": 1}',
        b'{"j": {"-1": -1}}',
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a": "\xff"}',
        b"{" + b'"a":{' * 30 + b"}" * 31,
        b"[]",
        b"",
    ],
)
def test_a_body_that_leaves_a_doubt_goes_the_careful_way(body: bytes) -> None:
    assert Reader(PLAN).read(body) is None


def test_reading_falls_back_to_the_careful_way() -> None:
    reading = quick.read(b'{"a": 1, "a": NaN}', PLAN)
    assert reading.readings == {1: State.WRONG_TYPE}


def test_shapes_are_kept_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "MAX_KEPT", 50)
    reader = Reader(PLAN)
    for number in range(200):
        body = json.dumps({"a": number, "h": {"a": 1, f"x{number}": 1}}).encode()
        reading = reader.read(body)
        assert reading is not None
        assert told(reading) == told(classify(parse(body), PLAN))
        assert sum(len(keys) for place in reader._places.values() for keys, _ in place.shapes) <= 55


def test_another_plan_has_shapes_of_its_own() -> None:
    assert quick.read(b'{"a": 5}', PLAN).readings == {1: 5}
    assert quick.read(b'{"a": 5}', plan(Facts("a", 90))).readings == {90: 5}
