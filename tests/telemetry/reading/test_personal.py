"""Personal values are cut out of the bytes; nothing else moves."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.reading.document import parse
from telemetry.reading.personal import cut_personal


def test_texts_inside_licensee_become_null_and_every_other_byte_stays() -> None:
    body = b'{ "uuid":"u" , "licensee" : {"Name":"Ann \\"A\\" B", "Email":"a@b.c","Seats" : 5, "x":[ "y" ]},\n"b":1.50}'
    cut = cut_personal(body)
    assert cut.body == b'{ "uuid":"u" , "licensee" : {"Name":null, "Email":null,"Seats" : 5, "x":[ null ]},\n"b":1.50}'
    assert cut.keys == ("licensee.Name", "licensee.Email", "licensee.x")


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": "licensee", "b": "\\"licensee\\": {", "c": "x"}',
        b'{"licensee": null, "c": "x"}',
        b'{"licensee": {}, "c": "x"}',
        b'{"licensee": 5, "c": "x"}',
        b'{"c": "x"}',
    ],
)
def test_a_body_without_personal_values_stays_as_it_is(body: bytes) -> None:
    assert cut_personal(body).body == body


def test_a_licensee_that_is_a_text_is_cut_whole() -> None:
    assert cut_personal(b'{"licensee":"Ann","b":"c"}').body == b'{"licensee":null,"b":"c"}'


def test_a_key_written_with_escapes_does_not_escape() -> None:
    assert b"Ann" not in cut_personal(b'{"\\u006cicens\\u0065e": {"Name": "Ann"}, "b": "c"}').body


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
def test_other_encodings_are_cut_in_their_own_bytes(encoding: str) -> None:
    body = '{"licensee": {"Name": "Ann"}, "b": "ü"}'.encode(encoding)
    assert cut_personal(body).body == '{"licensee": {"Name": null}, "b": "ü"}'.encode(encoding)


def test_the_real_documentation_ping_loses_three_values(shared_data: Any) -> None:
    body = (shared_data / "service_ping/payloads/service_ping_12.10.0-pre_docs_current.json").read_bytes()
    cut = cut_personal(body)
    before, after = json.loads(body), json.loads(cut.body)
    assert before.pop("licensee") == {"Name": "ABC, Inc.", "Email": "email@example.com", "Company": "ABC, Inc."}
    assert after.pop("licensee") == {"Name": None, "Email": None, "Company": None}
    assert before == after


names = st.text(max_size=6) | st.sampled_from(["licensee", "Name", "Email"])
values = st.recursive(
    st.none() | st.integers() | st.text(max_size=8) | st.just("licensee"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
)


def without_texts(value: Any) -> Any:
    if isinstance(value, str):
        return None
    if isinstance(value, dict):
        return {key: without_texts(inner) for key, inner in value.items()}
    return [without_texts(inner) for inner in value] if isinstance(value, list) else value


def expected(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: without_texts(inner) if key in {"licensee", "Licensee"} else expected(inner)
            for key, inner in value.items()
        }
    return [expected(inner) for inner in value] if isinstance(value, list) else value


@given(st.dictionaries(names, values, max_size=5), st.booleans())
def test_what_is_left_is_the_tree_with_nulls(tree: dict[str, Any], ascii_only: bool) -> None:
    body = json.dumps(tree, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert json.loads(cut_personal(body).body.decode("utf-8", "surrogatepass")) == expected(tree)


@given(st.binary(max_size=80))
def test_bytes_that_are_no_json_do_not_break_the_knife(tail: bytes) -> None:
    try:
        parse(tail)
    except ValueError:
        return
    cut_personal(tail)
