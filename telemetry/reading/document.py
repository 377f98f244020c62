"""The parser that sees everything: any JSON object becomes a tree, and what was odd about it is named.

orjson is quicker but turns 2**64 into a float, drops duplicate keys and refuses a body for one NaN. The standard
parser with hooks keeps integers and decimals exact and shows every pair; where it gives up because of depth, a
parser of our own with an explicit stack goes on.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from telemetry.reading.issues import Issue, IssueKind, storable

MAX_DEPTH = 100
MAX_DIGITS = 1_000

_scanstring = json.decoder.scanstring  # type: ignore[attr-defined]  # the stubs leave it out
_BLANK = re.compile(r"[ \t\n\r]*+")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*+)(\.\d++)?([eE][-+]?\d++)?", re.ASCII)
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r"))


class NotAnObject(ValueError):
    """The body is no JSON object; the message says why, in a sentence."""


@dataclass(frozen=True, slots=True)
class Oddity:
    """A value that is no usable value: NaN, an infinity, a number beyond all bounds, a nest beyond all depth."""

    kind: IssueKind
    text: str

    def __str__(self) -> str:
        return self.text


TOO_DEEP = Oddity(IssueKind.TOO_DEEP, "…")


class Doubled(dict[str, Any]):
    """An object in which keys stood more than once; ``doubled`` names them."""

    __slots__ = ("doubled",)
    doubled: tuple[str, ...]


@dataclass(slots=True)
class Document:
    """A parsed body: the tree, the issues of the body as a whole, and whether its texts must be looked at."""

    root: dict[str, Any]
    issues: list[Issue] = field(default_factory=list)
    odd_texts: bool = False


def parse(body: bytes) -> Document:
    """Read any JSON object. Raises ``NotAnObject`` where there is none."""
    issues: list[Issue] = []
    text = _decode(body, issues)
    if not text or text.isspace():
        raise NotAnObject("The body is empty; a JSON object was expected.")
    try:
        try:
            root = _QUICK.decode(text)
        except json.JSONDecodeError:
            raise
        except ValueError:  # an integer of more than 4,300 digits, which int() refuses
            root = _DECODER.decode(text)
    except RecursionError:
        root = _parse_deep(text)
    except json.JSONDecodeError as error:
        raise NotAnObject(f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from None
    if not isinstance(root, dict):
        raise NotAnObject(f"The body is {_named(root)}; a JSON object was expected.")
    encoded = any(issue.kind is IssueKind.OTHER_ENCODING for issue in issues)
    # Deleting them and comparing lengths is several times quicker than searching with a pattern.
    if not encoded and len(body.translate(None, _CONTROL)) != len(body):
        issues.append(Issue(IssueKind.CONTROL_CHARACTER))
    # Only bodies that can hold U+0000 or half a surrogate pay for looking at each text.
    odd_texts = "\x00" in text or ("\\" in text and ("\\u0000" in text or "\\ud" in text or "\\uD" in text))
    # UTF-8 cannot hold half a pair; the other encodings were read leniently.
    odd_texts = odd_texts or (encoded and bool(re.search("[\ud800-\udfff]", text)))
    return Document(root, issues, odd_texts)


def cleaned(text: str) -> tuple[str, list[IssueKind]]:
    """A text as it can be kept, and which kinds of forbidden characters it had."""
    kinds = []
    if "\x00" in text:
        kinds.append(IssueKind.NUL_CHARACTER)
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        kinds.append(IssueKind.LONE_SURROGATE)
    return (storable(text) if kinds else text), kinds


def _decode(body: bytes, issues: list[Issue]) -> str:
    encoding = encoding_of(body)
    if encoding != "utf-8":
        issues.append(Issue(IssueKind.OTHER_ENCODING, value=encoding.upper()))
        try:
            text = body.decode(encoding, "surrogatepass")
        except UnicodeDecodeError as error:
            raise NotAnObject(
                f"The body is not JSON: it looks like {encoding} but breaks off ({error.reason})."
            ) from None
        return text.removeprefix("\ufeff")
    if body.startswith(codecs.BOM_UTF8):
        issues.append(Issue(IssueKind.BYTE_ORDER_MARK))
        body = body[3:]
    try:
        return body.decode()
    except UnicodeDecodeError:
        issues.append(Issue(IssueKind.INVALID_UTF8))
        return body.decode(errors="replace")


def encoding_of(body: bytes) -> str:
    """UTF-8 unless a byte order mark or the zeros of the first bytes say UTF-16 or UTF-32."""
    found = json.detect_encoding(body)
    # An object begins with "{": a zero elsewhere is a stray NUL of a UTF-8 body, not another encoding.
    if found.startswith("utf-8") or (len(body) >= 2 and body[:1] == b"{" and body[1:2] != b"\x00"):
        return "utf-8"
    return {"utf-16": "utf-16", "utf-32": "utf-32"}.get(found, found)


def _integer(literal: str) -> int | Decimal | Oddity:
    if len(literal) <= MAX_DIGITS:
        return int(literal)
    return Oddity(IssueKind.TOO_LARGE, f"a number of {len(literal)} digits")


def _decimal(literal: str) -> Decimal | Oddity:
    if len(literal) > MAX_DIGITS:
        return Oddity(IssueKind.TOO_LARGE, f"a number written with {len(literal)} characters")
    try:
        value = Decimal(literal)
    except InvalidOperation:
        return Oddity(IssueKind.TOO_LARGE, literal[:60])
    if value and abs(value.adjusted()) > MAX_DIGITS:
        return Oddity(IssueKind.TOO_LARGE, literal[:60])
    return value


def _constant(word: str) -> Oddity:
    return Oddity(IssueKind.NOT_A_NUMBER, word)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) == len(pairs):
        return plain
    return _doubled(pairs)


def _doubled(pairs: list[tuple[str, Any]]) -> Doubled:
    """Later values win; two objects under one key are merged, so that neither costs the other's keys."""
    merged = Doubled()
    doubled: dict[str, None] = {}
    for key, value in pairs:
        if key in merged:
            doubled[key] = None
            if isinstance(value, dict) and isinstance(merged[key], dict):
                _merge(merged[key], value)
                continue
        merged[key] = value
    merged.doubled = tuple(doubled)
    return merged


def _merge(into: dict[str, Any], later: dict[str, Any]) -> None:
    waiting = [(into, later, 0)]
    while waiting:
        target, source, depth = waiting.pop()
        for key, value in source.items():
            held = target.get(key)
            if isinstance(held, dict) and isinstance(value, dict) and depth < MAX_DEPTH:
                waiting.append((held, value, depth + 1))
            else:
                target[key] = value


_QUICK = json.JSONDecoder(object_pairs_hook=_object, parse_float=_decimal, parse_constant=_constant, strict=False)
_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_decimal, parse_constant=_constant, strict=False
)


def _named(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case str():
            return "a text"
        case list():
            return "a list"
        case _:
            return "a number"


_WORDS: dict[str, Any] = {
    "true": True,
    "false": False,
    "null": None,
    "NaN": _constant("NaN"),
    "Infinity": _constant("Infinity"),
    "-Infinity": _constant("-Infinity"),
}
_WORD = re.compile(r"true|false|null|NaN|-?Infinity")


def _tokens(text: str) -> Iterator[tuple[str, Any, int]]:
    """The tokens of a JSON text as (sign, value, position): sign is the mark itself, or ``v`` for a scalar."""
    position, end = 0, len(text)
    while True:
        position = _BLANK.match(text, position).end()  # type: ignore[union-attr]  # it matches nothing, too
        if position >= end:
            return
        mark = text[position]
        if mark in "{}[],:":
            yield mark, None, position
            position += 1
        elif mark == '"':
            start = position
            try:
                value, position = _scanstring(text, position + 1, False)
            except json.JSONDecodeError as error:
                raise _broken(text, start, error.msg) from None
            yield "v", value, start
        elif word := _WORD.match(text, position):
            yield "v", _WORDS[word.group()], position
            position = word.end()
        elif number := _NUMBER.match(text, position):
            literal = number.group()
            yield "v", _decimal(literal) if number.group(1) or number.group(2) else _integer(literal), position
            position = number.end()
        else:
            raise _broken(text, position, "Expecting value")


def _broken(text: str, position: int, why: str) -> NotAnObject:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    return NotAnObject(f"The body is not JSON: {why} at line {line}, column {column}.")


def _parse_deep(text: str) -> Any:
    """The same language with an explicit stack. What lies below ``MAX_DEPTH`` is checked for its form and dropped."""
    marks = bytearray()  # the open containers, one byte each: a body may be nothing but brackets
    stack: list[Any] = []  # the containers that are built: lists, or lists of pairs
    keys: list[str] = []
    result: Any = None
    done = False
    expects = "value"  # value, first (value or end), key, firstkey (key or end), colon, comma
    for sign, value, position in _tokens(text):
        if done:
            raise _broken(text, position, "Extra data")
        if expects == "colon":
            if sign != ":":
                raise _broken(text, position, "Expecting ':' delimiter")
            expects = "value"
            continue
        if expects in {"key", "firstkey"} and sign == "v" and isinstance(value, str):
            if len(marks) <= MAX_DEPTH:
                keys.append(value)
            expects = "colon"
            continue
        if expects == "comma" and sign == ",":
            expects = "key" if marks[-1] == 123 else "value"
            continue
        if sign in "{[" and expects in {"value", "first"}:
            marks.append(ord(sign))
            if len(marks) <= MAX_DEPTH:
                stack.append([])
            expects = "firstkey" if sign == "{" else "first"
            continue
        if sign in "}]" and marks and ord(sign) - marks[-1] == 2 and expects in {"comma", "first", "firstkey"}:
            closed = marks.pop()
            if len(marks) >= MAX_DEPTH:
                value = TOO_DEEP
            else:
                built = stack.pop()
                value = _object(built) if closed == 123 else built
        elif sign != "v" or expects not in {"value", "first"}:
            raise _broken(
                text, position, "Expecting value" if expects in {"value", "first"} else "Expecting ',' delimiter"
            )
        if not marks:
            result, done = value, True
            continue
        if len(marks) <= MAX_DEPTH:
            stack[-1].append((keys.pop(), value) if marks[-1] == 123 else value)
        expects = "comma"
    if not done:
        raise _broken(text, len(text), "Unexpected end")
    return result
