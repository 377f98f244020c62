"""What an administrator may send by mistake: exports that look like a ping and hold no values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

PARTS = (
    "counts",
    "counts_weekly",
    "counts_monthly",
    "usage_activity_by_stage",
    "usage_activity_by_stage_monthly",
    "redis_hll_counters",
)
LOOKED_AT = 2_000


class NotAPing(ValueError):
    """The body is another export of an instance; the message names it and says which one to send instead."""


def refuse_exports(root: Mapping[str, Any]) -> None:
    """Raise ``NotAPing`` for the SQL export and the non-SQL export.

    One stray SELECT or -3 in a ping is a bad leaf, not a wrong file: most counts must look that way.
    """
    active = root.get("active_user_count")
    sql = blocks = placeholders = others = 0
    for value in _leaves(root):
        if isinstance(value, str) and value.lstrip()[:7].upper() == "SELECT ":
            sql += 1
        elif isinstance(value, dict):
            blocks += 1
        elif value == -3 and not isinstance(value, bool):
            placeholders += 1
        else:
            others += 1
    queries = sql + blocks
    if (isinstance(active, str) and active.lstrip()[:7].upper() == "SELECT ") or queries > others + placeholders:
        raise NotAPing(
            "This is the SQL export of the service ping (usage_data/queries): it holds queries in place of values. "
            "Send the payload itself (usage_data/service_ping, or Download payload in the admin area)."
        )
    # The export holds -3 for all that comes from the database; counters from Redis are real in it.
    if active == -3 and placeholders >= others:
        raise NotAPing(
            "This is the non-SQL export of the service ping (usage_data/non_sql_metrics): it holds -3 in place of "
            "every count. Send the payload itself (usage_data/service_ping, or Download payload in the admin area)."
        )


def looks_like_an_export(root: Mapping[str, Any]) -> bool:
    """A first look that costs nothing: in an export the very first values give it away."""
    active = root.get("active_user_count")
    if active == -3 or isinstance(active, str):
        return True
    for name in PARTS:
        part: Any = root.get(name)
        for _ in range(4):
            if not isinstance(part, dict) or not part:
                break
            part = next(iter(part.values()))
        if isinstance(part, str):
            return True
    return False


def _leaves(root: Mapping[str, Any]) -> Iterator[Any]:
    waiting = [part for name in PARTS if isinstance(part := root.get(name), dict)]
    looked = 0
    while waiting and looked < LOOKED_AT:
        for value in waiting.pop().values():
            looked += 1
            if isinstance(value, dict) and "redis_usage_data_block" not in value:
                waiting.append(value)
            else:
                yield value
