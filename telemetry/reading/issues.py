"""What can be wrong with a ping or one of its keys, each with a sentence that its sender understands."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

SHOWN = 120


class IssueKind(StrEnum):
    """The named issues. None of them costs another key."""

    TIMED_OUT = "timed_out"
    FAILED = "failed"
    NOT_COLLECTED = "not_collected"
    DEPRECATED = "deprecated"
    NULL = "null"
    WRONG_TYPE = "wrong_type"
    NEGATIVE = "negative"
    NOT_A_NUMBER = "not_a_number"
    TOO_LARGE = "too_large"
    UNKNOWN = "unknown"
    REMOVED = "removed"
    NOT_PERMITTED = "not_permitted"
    DUPLICATE_KEY = "duplicate_key"
    DOTTED_KEY = "dotted_key"
    NUL_CHARACTER = "nul_character"
    LONE_SURROGATE = "lone_surrogate"
    CONTROL_CHARACTER = "control_character"
    BYTE_ORDER_MARK = "byte_order_mark"
    INVALID_UTF8 = "invalid_utf8"
    OTHER_ENCODING = "other_encoding"
    TOO_DEEP = "too_deep"
    TOO_MANY_KEYS = "too_many_keys"
    NO_TIME_ZONE = "no_time_zone"
    OTHER_BODY = "other_body"


SENTENCES: dict[IssueKind, str] = {
    IssueKind.TIMED_OUT: "The instance could not count this in time (-1); it is missing, not zero.",
    IssueKind.FAILED: "The instance failed to count this ({value}); it is missing, not zero.",
    IssueKind.NOT_COLLECTED: "The instance did not compute this (-3); it is missing, not zero.",
    IssueKind.DEPRECATED: "The metric was deprecated on this version (-1000); it is missing, not zero.",
    IssueKind.NULL: "The value is null; it is missing, not zero.",
    IssueKind.WRONG_TYPE: "The definition says {expected}, but {value} is {found}; the value is kept raw, not counted.",
    IssueKind.NEGATIVE: "{value} is negative and none of the known marks; it is counted as it is.",
    IssueKind.NOT_A_NUMBER: "{value} is no number that can be counted; it is missing.",
    IssueKind.TOO_LARGE: "The number ({value}) is too large to be a count; it is kept raw, not counted.",
    IssueKind.UNKNOWN: "No definition describes this key; the value is kept raw and the key is counted.",
    IssueKind.REMOVED: "The dictionary says that this metric was removed; an older version may still send it.",
    IssueKind.NOT_PERMITTED: "The value was sent, but its category ({expected}) is not permitted; it is not counted.",
    IssueKind.DUPLICATE_KEY: "The key stands there more than once; the last value is read.",
    IssueKind.DOTTED_KEY: "A key that contains a dot could be mistaken for another path; it is kept raw, not read.",
    IssueKind.NUL_CHARACTER: "The text contains the character U+0000; it is shown as U+FFFD.",
    IssueKind.LONE_SURROGATE: "The text contains half of a surrogate pair; it is shown as U+FFFD.",
    IssueKind.CONTROL_CHARACTER: "The body holds raw control characters, which JSON forbids; they were read as such.",
    IssueKind.BYTE_ORDER_MARK: "The body begins with a byte order mark, which JSON forbids; it was skipped.",
    IssueKind.INVALID_UTF8: "The body is not valid UTF-8; the wrong bytes are read as U+FFFD.",
    IssueKind.OTHER_ENCODING: "The body is encoded as {value}; JSON should be UTF-8.",
    IssueKind.TOO_DEEP: "The value is nested deeper than 100 levels; it is kept raw, not read.",
    IssueKind.TOO_MANY_KEYS: "The ping has more than {value} values; those after are kept raw, not read.",
    IssueKind.NO_TIME_ZONE: "recorded_at names no time zone; it was read as UTC.",
    IssueKind.OTHER_BODY: "A later body for the same report differed; the first one stands.",
}

QUIET = frozenset({IssueKind.UNKNOWN})
"""Kinds that are counted on a ping but not kept one by one: there can be thousands, and the raw body has them."""


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing worth telling: what, at which key (empty = the body as a whole), the value as it was sent."""

    kind: IssueKind
    key_path: str = ""
    value: str = ""
    expected: str = ""
    found: str = ""

    @property
    def sentence(self) -> str:
        """What happened and what we did about it."""
        return SENTENCES[self.kind].format(
            value=self.value or "the value", expected=self.expected or "otherwise", found=self.found or "something else"
        )

    def as_json(self) -> dict[str, str]:
        """The short form that is kept with the ping."""
        kept = {"kind": str(self.kind), "key": self.key_path}
        for name in ("value", "expected", "found"):
            if text := getattr(self, name):
                kept[name] = text
        return kept

    @classmethod
    def from_json(cls, kept: dict[str, str]) -> Issue:
        """The issue again, from its short form."""
        return cls(
            IssueKind(kept["kind"]),
            kept.get("key", ""),
            kept.get("value", ""),
            kept.get("expected", ""),
            kept.get("found", ""),
        )


def storable(text: str) -> str:
    """The text with what PostgreSQL cannot keep (U+0000, lone surrogates) replaced by U+FFFD."""
    if text.isascii():
        return text.replace("\x00", "�") if "\x00" in text else text
    return "".join("�" if character == "\x00" or "\ud800" <= character <= "\udfff" else character for character in text)


def shown(value: Any) -> str:
    """A value as it was sent, short enough to be shown beside its key."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            text = f'"{value[: SHOWN + 1]}"'
        case int():
            # No str() of a giant: Python refuses more than 4,300 digits, and nobody would read them.
            text = (
                str(value) if value.bit_length() < 1_000 else f"a number of about {value.bit_length() * 3 // 10} digits"
            )
        case Decimal():
            digits = len(value.as_tuple().digits)
            text = str(value) if digits < SHOWN else f"a number of {digits} digits"
        case dict():
            keys = list(value)[:4]
            text = "{" + ", ".join(key[:30] for key in keys) + (", …" if len(value) > 4 else "") + "}"
        case list():
            text = f"[{len(value)} items]"
        case _:
            text = str(value)
    text = storable(text)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
