"""What robots.txt of a site lets programs do, as RFC 9309 says it. Pure: no Django and no network in it."""

from __future__ import annotations

from dataclasses import dataclass

from protego import Protego

from stages.linkcheck.rules import Answer

LARGEST = 500 * 1024
"""Bytes that are read; what stands behind them does not count (RFC 9309, 2.5)."""
MOST_REDIRECTS = 5
KEPT = 24 * 60 * 60.0
"""Seconds that a robots.txt is relied on (RFC 9309, 2.4)."""


@dataclass(frozen=True, kw_only=True)
class Robots:
    """The rules of a site. ``closed``: they could not be read, so nothing may be looked at, and this is why."""

    read_at: float
    rules: Protego | None = None
    closed: Answer | None = None
    delay: float = 0.0

    def allows(self, agent: str, url: str) -> bool:
        """Whether a program may look at a page."""
        return self.closed is None and (self.rules is None or self.rules.can_fetch(url, agent))


def robots_of(answer: Answer, body: bytes, *, host: str, redirects: int, agent: str, now: float) -> Robots:
    """What the last answer to the question for robots.txt means, after so many redirects.

    No such file (4xx), or one that leads on and on, forbids nothing; a server in trouble, and a network that does not
    get there, forbid everything until the next look.
    """
    status = answer.status
    if answer.refused:
        if not redirects:
            return Robots(read_at=now, closed=answer)
        return Robots(read_at=now, closed=Answer(barred=f"The robots.txt of {host} leads on to where nobody looks."))
    if status is None:
        return Robots(read_at=now, closed=answer)
    if 300 <= status < 500:
        return Robots(read_at=now)
    if not 200 <= status < 300:
        words = f"The robots.txt of {host} answered {status}; while it does, nothing there may be looked at."
        return Robots(read_at=now, closed=Answer(status=status, barred=words))
    rules = Protego.parse(text_of(body))
    return Robots(read_at=now, rules=rules, delay=rules.crawl_delay(agent) or 0.0)


def text_of(body: bytes) -> str:
    """The text, up to the bound. A line that the bound cuts is left out: half a rule may forbid everything."""
    if len(body) > LARGEST:
        body = body[:LARGEST]
        body = body[: max(body.rfind(b"\n"), body.rfind(b"\r")) + 1]
    return body.decode("utf-8-sig", "replace")
