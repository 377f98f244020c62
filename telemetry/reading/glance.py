"""A first look at a body: is it JSON, and whose is it? Nothing that the answer does not need is built.

Building the two thousand values of a ping costs six times as much as checking their form, and accepting needs five.
Where this look is not certain (another type, NaN, wrong bytes, great depth, what may be an export) it says so, and the
parsers that see everything decide.
"""

from __future__ import annotations

import re

import msgspec

_ABSENT = msgspec.Raw(b"")


class Glance(msgspec.Struct, gc=False):
    """What a sound ping says of itself. Of a key that stands twice the later value counts, as everywhere.

    The last fields are left as they were sent, only to be asked whether this is an export (``exports.PARTS``).
    """

    uuid: str
    hostname: str
    recorded_at: str
    version: str = ""
    edition: str = ""
    active_user_count: msgspec.Raw = _ABSENT
    counts: msgspec.Raw = _ABSENT
    counts_weekly: msgspec.Raw = _ABSENT
    counts_monthly: msgspec.Raw = _ABSENT
    usage_activity_by_stage: msgspec.Raw = _ABSENT
    usage_activity_by_stage_monthly: msgspec.Raw = _ABSENT
    redis_hll_counters: msgspec.Raw = _ABSENT


_decode = msgspec.json.Decoder(Glance).decode

# An export gives itself away by the first value of a part, at most four levels down: a text in place of a number.
_TEXT_COMES_FIRST = re.compile(
    rb'(?:[ \t\n\r]*+\{[ \t\n\r]*+"[^"\\]*+(?:\\.[^"\\]*+)*+"[ \t\n\r]*+:){0,4}+[ \t\n\r]*+"', re.DOTALL
)


def glance(body: bytes) -> Glance | None:
    """What a body says of itself, if it is a sound ping; ``None`` where it wants a closer look."""
    try:
        seen = _decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    if bytes(seen.active_user_count).startswith((b'"', b"-3")):
        return None
    first = _TEXT_COMES_FIRST.match
    if (
        first(memoryview(seen.counts))
        or first(memoryview(seen.counts_weekly))
        or first(memoryview(seen.counts_monthly))
        or first(memoryview(seen.usage_activity_by_stage))
        or first(memoryview(seen.usage_activity_by_stage_monthly))
        or first(memoryview(seen.redis_hll_counters))
    ):
        return None
    return seen
