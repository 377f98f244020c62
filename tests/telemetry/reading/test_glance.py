"""The first look at a body decides nothing that a closer look would decide differently."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from telemetry.reading import exports
from telemetry.reading.document import NotAnObject, parse
from telemetry.reading.glance import Glance, glance
from telemetry.reading.identity import NoIdentity, identity_from, identity_of
from tests.telemetry.builders import a_body, a_payload
from tests.telemetry.hostile import hostile_bodies

NAMES = ("uuid", "hostname", "recorded_at")


def test_a_sound_ping_needs_no_closer_look() -> None:
    seen = glance(a_body())
    assert seen is not None
    payload = a_payload()
    assert {name: getattr(seen, name) for name in (*NAMES, "version", "edition")} == {
        name: payload[name] for name in (*NAMES, "version", "edition")
    }


def test_of_hostile_bodies_a_glance_takes_only_what_the_parser_takes_and_sees_the_same_identity() -> None:
    taken = 0
    for hostile in hostile_bodies(6_000, seed=7):
        if hostile.encoding or (seen := glance(hostile.body)) is None:
            continue
        taken += 1
        try:
            root = parse(hostile.body).root
        except NotAnObject as error:
            pytest.fail(f"{hostile.name} was taken for JSON: {error}")
        assert _identity(*(getattr(seen, name) for name in NAMES)) == _whole(root), hostile.name
        assert (seen.version, seen.edition) == (root.get("version", ""), root.get("edition", "")), hostile.name
        exports.refuse_exports(root)
    assert taken > 1_000


def _identity(*values: Any) -> Any:
    try:
        return identity_from(*values)
    except NoIdentity as error:
        return error.key, str(error)


def _whole(root: dict[str, Any]) -> Any:
    try:
        return identity_of(root)
    except NoIdentity as error:
        return error.key, str(error)


@pytest.mark.parametrize(
    "body",
    [
        b'{"uuid": "a", "hostname": "b", "recorded_at": "c", "x": 01}',
        b'{"uuid": "a", "hostname": "b", "recorded_at": "c", "x": NaN}',
        b'{"uuid": "a", "hostname": "b", "recorded_at": "c", "x": "\\x"}',
        b'{"uuid": "a", "hostname": "b", "recorded_at": "c"} {}',
        b'{"uuid": 1, "hostname": "b", "recorded_at": "c"}',
        b'{"uuid": "a", "hostname": null, "recorded_at": "c"}',
        b'{"uuid": "\xff", "hostname": "b", "recorded_at": "c"}',
        b'{"uuid": "\\ud800", "hostname": "b", "recorded_at": "c"}',
        b'{"uuid": "a", "hostname": "b", "recorded_at": "c", "version": 17.5}',
        b'\xef\xbb\xbf{"uuid": "a", "hostname": "b", "recorded_at": "c"}',
        b'{"uuid": "a", "hostname": "b"}',
        b"[]",
        b"",
    ],
)
def test_what_is_not_certain_is_left_to_the_parsers(body: bytes) -> None:
    assert glance(body) is None


def test_the_later_of_two_keys_counts_as_everywhere_else() -> None:
    seen = glance(b'{"uuid": "first", "hostname": "b", "recorded_at": "c", "u\\u0075id": "second"}')
    assert seen is not None
    assert seen.uuid == "second"


@pytest.mark.parametrize("part", exports.PARTS)
@pytest.mark.parametrize("depth", range(4))
def test_a_part_that_begins_with_a_text_is_looked_at_closely(part: str, depth: int) -> None:
    value: Any = "SELECT COUNT(*)"
    for level in range(depth):
        value = {f"level {level}": value}
    assert glance(a_body(**{part: {"first": value}} if depth < 3 else {part: value})) is None
    assert glance(a_body(**{part: {"first": {"second": 5}}})) is not None


@pytest.mark.parametrize("active", ["SELECT 1", -3, -3.0])
def test_a_placeholder_in_place_of_the_users_is_looked_at_closely(active: Any) -> None:
    assert glance(a_body(active_user_count=active)) is None


def test_every_part_of_an_export_is_kept_as_it_was_sent() -> None:
    kept = {field.name for field in msgspec.structs.fields(Glance) if field.type is msgspec.Raw}
    assert kept == {"active_user_count", *exports.PARTS}
