"""The parser that sees everything."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.reading.document import MAX_DEPTH, Doubled, NotAnObject, Oddity, _parse_deep, parse
from telemetry.reading.issues import IssueKind

scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
trees = st.dictionaries(
    st.text(max_size=8),
    st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner)),
    max_size=8,
)


def kinds(body: bytes) -> set[IssueKind]:
    return {issue.kind for issue in parse(body).issues}


@given(trees)
def test_an_ordinary_object_is_read_as_the_standard_parser_reads_it(tree: dict[str, Any]) -> None:
    body = json.dumps(tree, ensure_ascii=False).encode("utf-8", "surrogatepass")
    assert parse(json.dumps(tree).encode()).root == tree
    assert parse(body).root == json.loads(body.decode(errors="replace"))


@given(trees)
def test_the_parser_for_deep_bodies_reads_the_same_tree(tree: dict[str, Any]) -> None:
    assert _parse_deep(json.dumps(tree)) == tree
    assert _parse_deep(json.dumps(tree, indent=2, ensure_ascii=False)) == tree


@given(st.text(alphabet='{}[]",:0123456789.eE+-ntfalsrue\\ \n', max_size=40))
def test_both_parsers_agree_on_what_is_no_json(text: str) -> None:
    body = '{"a":' + text + "}"
    try:
        expected = parse(body.encode()).root
    except NotAnObject:
        with pytest.raises(NotAnObject):
            _parse_deep(body)
    else:
        assert _parse_deep(body) == expected


def test_integers_of_any_size_and_decimals_stay_exact() -> None:
    root = parse(b'{"a": 6775412013402151823, "b": 18446744073709551616, "c": 0.1, "d": 1.50, "e": 2e3}').root
    assert root["a"] == 6775412013402151823
    assert root["b"] == 2**64
    assert root["c"] == Decimal("0.1")
    assert str(root["d"]) == "1.50"
    assert root["e"] == 2000


@pytest.mark.parametrize(
    "literal", ["9" * 100_000, "1e999999", "1e99999999999999999999999", "1e-99999", "0." + "1" * 5000]
)
def test_a_number_beyond_all_bounds_costs_no_other_key(literal: str) -> None:
    root = parse(b'{"a": %s, "b": 2}' % literal.encode()).root
    assert isinstance(root["a"], Oddity)
    assert root["a"].kind is IssueKind.TOO_LARGE
    assert root["b"] == 2


def test_nan_and_infinities_are_values_that_are_no_numbers() -> None:
    root = parse(b'{"a": NaN, "b": Infinity, "c": -Infinity, "d": 4}').root
    assert [str(root[key]) for key in "abc"] == ["NaN", "Infinity", "-Infinity"]
    assert root["d"] == 4


def test_duplicate_keys_are_named_and_two_objects_under_one_key_are_merged() -> None:
    root = parse(b'{"counts": {"a": 1, "b": 1}, "counts": {"b": 2, "c": 3}}').root
    assert isinstance(root, Doubled)
    assert root.doubled == ("counts",)
    assert root["counts"] == {"a": 1, "b": 2, "c": 3}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'\xef\xbb\xbf{"a": 1}', IssueKind.BYTE_ORDER_MARK),
        (b'{"a": "\xff\xfe"}', IssueKind.INVALID_UTF8),
        ('{"a": 1}'.encode("utf-16"), IssueKind.OTHER_ENCODING),
        ('{"a": 1}'.encode("utf-32-le"), IssueKind.OTHER_ENCODING),
        (b'{"a": "\x01"}', IssueKind.CONTROL_CHARACTER),
        (b'{"a": "\x00"}', IssueKind.CONTROL_CHARACTER),
    ],
)
def test_a_body_that_json_forbids_is_read_all_the_same(body: bytes, kind: IssueKind) -> None:
    assert kind in kinds(body)
    assert "a" in parse(body).root


@pytest.mark.parametrize("body", [b'{"a": "\\u0000"}', b'{"a": "\\ud800"}', b'{"\\uDFFF": 1}'])
def test_forbidden_characters_are_announced(body: bytes) -> None:
    assert parse(body).odd_texts


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_absurd_depth_is_no_error(opening: str) -> None:
    deep = 200_000
    closing = {"[": "]", '{"a":': "}"}[opening]
    body = '{"x": ' + opening * deep + "1" + closing * deep + ', "b": 2}'
    root = parse(body.encode()).root
    assert root["b"] == 2
    value, depth = root["x"], 0
    while isinstance(value, dict | list):
        value = value["a"] if isinstance(value, dict) else value[0]
        depth += 1
    assert depth == MAX_DEPTH - 1
    assert isinstance(value, Oddity)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"[]",
        b"null",
        b'"text"',
        b"12",
        b"true",
        b"{",
        b'{"a"}',
        b'{"a":1,}',
        b'{"a":1} x',
        b"{]",
        b"[" * 99_999,
        b'{"a":' * 5000 + b"1" + b"}" * 4999,
        b'{"x":' + b"[" * 5000 + b"}" * 5000 + b"}",
        b"\x00",
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_object_is_refused_with_a_sentence(body: bytes) -> None:
    with pytest.raises(NotAnObject, match="body"):
        parse(body)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        parse(body)
    except NotAnObject as error:
        assert str(error)
