"""Hostile bodies: a kept corpus, and a generator that bends a good ping in every way we have thought of."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.telemetry.builders import a_payload


@dataclass(frozen=True)
class Hostile:
    """A body, how it is sent, and the issue that must be named if it is accepted."""

    name: str
    body: bytes
    encoding: str = ""
    issue: str = ""


def good(number: int = 0, tail: str = "") -> bytes:
    """A good ping of its own identity, with raw JSON appended."""
    text = json.dumps(a_payload(hostname=f"hostile-{number}.example.com"))
    return (text[:-1] + (", " + tail if tail else "") + "}").encode("utf-8", "surrogatepass")


KEPT: list[Hostile] = [
    Hostile("empty", b""),
    Hostile("blank", b" \n\t "),
    Hostile("null", b"null"),
    Hostile("list", b"[]"),
    Hostile("text", b'"x"'),
    Hostile("number", b"1e400"),
    Hostile("cut off", good()[:-5]),
    Hostile("two objects", good() * 2),
    Hostile("brackets", b"[" * 200_000),
    Hostile("braces", b'{"a":' * 100_000),
    Hostile("closing", b"}" * 1000),
    Hostile("nul", b"\x00" * 100),
    Hostile("0xff", b"\xff" * 100),
    Hostile("gzip bomb", gzip.compress(b"[" * 12_000_000), "gzip"),
    Hostile("gzip cut off", gzip.compress(good())[:-9], "gzip"),
    Hostile("gzip many members", gzip.compress(b"") * 5_000, "gzip"),
    Hostile("no gzip", good(), "gzip"),
    Hostile("no zstd", good(), "zstd"),
    Hostile("unknown encoding", good(), "br"),
    Hostile("deflate", zlib.compress(good(90)), "deflate"),
    Hostile("nested encodings", gzip.compress(gzip.compress(good(91))), "gzip, gzip"),
    Hostile("utf-16", good(92).decode().encode("utf-16"), issue="other_encoding"),
    Hostile("utf-32", good(93).decode().encode("utf-32-be"), issue="other_encoding"),
    Hostile("mark", b"\xef\xbb\xbf" + good(94), issue="byte_order_mark"),
    Hostile("huge key", good(95, '"%s": 1' % ("k" * 300_000))),
    Hostile(
        "many keys", good(96, ", ".join(f'"k{number}": {number}' for number in range(60_000))), issue="too_many_keys"
    ),
    Hostile("deep", good(97, '"d": ' + '{"a":' * 5000 + "1" + "}" * 5000), issue="too_deep"),
    Hostile("deep list", good(98, '"d": ' + "[" * 100_000 + "]" * 100_000)),
    Hostile("long number", good(99, '"database": {"pg_system_id": %s}' % ("9" * 100_000)), issue="too_large"),
    Hostile("huge exponent", good(100, '"database": {"pg_system_id": 1e999999999}'), issue="too_large"),
    Hostile(
        "long keys nested", good(101, '"x": ' + "".join('{"%s":' % ("k" * 5_000) for _ in range(90)) + "1" + "}" * 90)
    ),
    Hostile("licensee text", good(102, '"licensee": "Ann"')),
    Hostile("licensee nest", good(103, '"licensee": [[{"Name": ["Ann", {"x": "y"}]}]]')),
    Hostile("licensee open quote", good(104, '"licensee": {"Name": "An\\"n\\\\"}')),
    Hostile("long uuid", json.dumps(a_payload(uuid="u" * 5_000)).encode()),
    Hostile("nul in uuid", json.dumps(a_payload(uuid="a\x00b")).encode()),
    Hostile("year 0", json.dumps(a_payload(recorded_at="0000-01-01T00:00:00Z")).encode()),
    Hostile("year 1", json.dumps(a_payload(recorded_at="0001-01-01T00:00:00Z")).encode()),
    Hostile("year 9999", json.dumps(a_payload(recorded_at="9999-12-31T23:59:59Z")).encode()),
    Hostile("beyond 9999", json.dumps(a_payload(recorded_at="9999-12-31T23:59:59-10:00")).encode()),
]

LEAVES: list[tuple[str, str]] = [
    ("NaN", "not_a_number"),
    ("Infinity", "not_a_number"),
    ("-Infinity", "not_a_number"),
    ("-1", "timed_out"),
    ("-2", "failed"),
    ("-3", "not_collected"),
    ("-1000", "deprecated"),
    ('{"-1": -1}', "failed"),
    ("null", "null"),
    ('"SELECT COUNT(*)"', "wrong_type"),
    ("[1, 2]", "wrong_type"),
    ("true", "wrong_type"),
    ("-99", "negative"),
    ("1e400000", "too_large"),
    ("1" * 2_000, "too_large"),
    (str(2**64), ""),
    ("1.0000000000000000000000001", ""),
    ("-0.0", ""),
    ('"\\u0000"', "nul_character"),
    ('"\\ud800"', "lone_surrogate"),
    ('"\x01"', "control_character"),
]


def _leaf(chance: random.Random, number: int) -> Hostile:
    value, issue = chance.choice(LEAVES)
    return Hostile(f"leaf {value[:20]}", good(number, f'"database": {{"pg_system_id": {value}}}'), issue=issue)


def _double(chance: random.Random, number: int) -> Hostile:
    return Hostile("doubled", good(number, f'"a": 1, "a": {chance.randrange(9)}'), issue="duplicate_key")


def _bytes(chance: random.Random, number: int) -> Hostile:
    body = bytearray(good(number))
    for _ in range(chance.randint(1, 8)):
        body[chance.randrange(len(body))] = chance.randrange(256)
    return Hostile("flipped bytes", bytes(body))


def _cut(chance: random.Random, number: int) -> Hostile:
    body = good(number)
    return Hostile("cut", body[: chance.randrange(len(body))])


def _splice(chance: random.Random, number: int) -> Hostile:
    body = good(number)
    where = chance.randrange(len(body))
    junk = chance.choice(
        [b"\x00", b"\xed\xa0\x80", b"{}", b"[]", b",", b'"', b"\\", b"\xf4\x90\x80\x80", b"\n", b"//x"]
    )
    return Hostile("spliced", body[:where] + junk * chance.randint(1, 50) + body[where:])


def _random(chance: random.Random, number: int) -> Hostile:
    return Hostile("random bytes", chance.randbytes(chance.randrange(400)))


def _soup(chance: random.Random, number: int) -> Hostile:
    words = ["{", "}", "[", "]", ":", ",", '"a"', '"uuid"', "1", "-", "e9", "null", "tru", "NaN", " ", "\\", "\u2028"]
    return Hostile("soup", "".join(chance.choice(words) for _ in range(chance.randrange(200))).encode())


def _nest(chance: random.Random, number: int) -> Hostile:
    depth = chance.choice([90, 99, 100, 101, 500, 990, 1_000, 1_030, 3_000])
    opening = [chance.choice(['{"a":', "["]) for _ in range(depth)]
    closing = "".join("}" if each != "[" else "]" for each in reversed(opening))
    return Hostile(f"nest {depth}", good(number, '"d": ' + "".join(opening) + "1" + closing))


def _identity(chance: random.Random, number: int) -> Hostile:
    key = chance.choice(["uuid", "hostname", "recorded_at"])
    value: object = chance.choice(
        [None, 1, [], {}, "", " ", "x" * 255, "x" * 256, "\u0000", "\ud800", "2026-13-01", "🙂"]
    )
    return Hostile(f"{key} {value!r:.20}", json.dumps(a_payload(**{"hostname": f"h{number}", key: value})).encode())


def _dotted(chance: random.Random, number: int) -> Hostile:
    return Hostile("dotted", good(number, '"counts.a.b": 1, "": {"": {"": 1}}, ".": 2'), issue="dotted_key")


def _wrong_utf8(chance: random.Random, number: int) -> Hostile:
    junk = chance.choice([b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xc0\xaf"])
    return Hostile("wrong utf-8", good(number, '"x": "?"').replace(b"?", junk), issue="invalid_utf8")


def _packed(chance: random.Random, number: int) -> Hostile:
    body = bytearray(gzip.compress(good(number)))
    for _ in range(chance.randint(0, 3)):
        body[chance.randrange(len(body))] = chance.randrange(256)
    return Hostile("gzip with flips", bytes(body), "gzip")


MAKERS: list[Callable[[random.Random, int], Hostile]] = [
    _leaf, _leaf, _double, _bytes, _cut, _splice, _random, _soup, _nest, _identity, _dotted, _wrong_utf8, _packed,
]  # fmt: skip


def hostile_bodies(count: int, *, seed: int = 20261128) -> Iterator[Hostile]:
    """The kept corpus, then generated ones, the same for the same seed."""
    chance = random.Random(seed)
    yield from KEPT[:count]
    for number in range(1_000, 1_000 + count - len(KEPT)):
        yield chance.choice(MAKERS)(chance, number)
