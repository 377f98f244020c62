"""Whose ping it is and of when: uuid, host name, recorded_at, as today's and yesterday's senders write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

LONGEST = 255
"""Both names together must fit one index entry of PostgreSQL (2,700 bytes), at four bytes a character."""

_FORBIDDEN = re.compile("[\x00\ud800-\udfff]")
_ZONE_WORD = re.compile(r"\s*(?:UTC|GMT|utc)$")
_SPACED_OFFSET = re.compile(r"\s+([+-]\d{2}:?\d{2})$")


class NoIdentity(ValueError):
    """The ping cannot be told from others; ``key`` says which value is missing or unreadable."""

    def __init__(self, key: str, sentence: str) -> None:
        super().__init__(sentence)
        self.key = key


@dataclass(frozen=True, slots=True)
class Identity:
    """The natural identity of a ping: the same three are the same ping."""

    uuid: str
    hostname: str
    recorded_at: datetime
    zone_assumed: bool = False


def identity_of(root: Mapping[str, Any]) -> Identity:
    """The identity of a ping. Raises ``NoIdentity``."""
    return identity_from(root.get("uuid"), root.get("hostname"), root.get("recorded_at"))


def identity_from(uuid: Any, hostname: Any, recorded_at: Any) -> Identity:
    """The same of the three values. Malformed uuids are somebody's uuid all the same. Raises ``NoIdentity``."""
    uuid = _name("uuid", uuid)
    hostname = _name("hostname", hostname)
    moment, assumed = _moment(recorded_at)
    return Identity(uuid, hostname, moment, assumed)


def _name(key: str, value: Any) -> str:
    if value is None:
        raise NoIdentity(key, f"{key} is missing; a ping without it belongs to nobody.")
    if not isinstance(value, str):
        raise NoIdentity(key, f"{key} must be a text.")
    name: str = value.strip()
    if not name:
        raise NoIdentity(key, f"{key} is empty; a ping without it belongs to nobody.")
    if len(name) > LONGEST:
        raise NoIdentity(key, f"{key} has {len(name)} characters; at most {LONGEST} are read.")
    if _FORBIDDEN.search(name):
        raise NoIdentity(key, f"{key} contains U+0000 or half of a surrogate pair, which no name has.")
    return name


def _moment(value: Any) -> tuple[datetime, bool]:
    if value is None:
        raise NoIdentity("recorded_at", "recorded_at is missing; it decides the month in which the ping counts.")
    if not isinstance(value, str) or len(value) > 64:
        raise NoIdentity("recorded_at", "recorded_at must be a text such as 2021-02-09T13:25:42.000Z.")
    moment = moment_of(value)
    if moment is None:
        raise NoIdentity("recorded_at", "recorded_at is unreadable; it should look like 2021-02-09T13:25:42.000Z.")
    return moment


def moment_of(text: str) -> tuple[datetime, bool] | None:
    """A moment in UTC and whether its zone had to be assumed; ``None`` where the text is no moment.

    Seen in the wild: ``2020-04-17T07:43:54.162Z``, ``2020-04-17T07:43:54.162+00:00``, ``2021-02-09 13:25:42 UTC``.
    """
    text = text.strip()
    text, said_utc = _ZONE_WORD.subn("", text)
    text = _SPACED_OFFSET.sub(r"\1", text)
    if len(text) < 16:  # a bare date is no moment
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC), False
        return moment.replace(tzinfo=UTC), not said_utc
    except (ValueError, OverflowError):
        return None
