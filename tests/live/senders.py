"""Senders that do not give up, and the ledger of what they were told.

A sender repeats a ping until it gets a 2xx, as the real ones do, and now and then sends one again that was accepted.
The ledger holds what must then be true of the portal: which pings it has under which number, and every figure.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.live.portal import LivePortal, payload

Identity = tuple[str, str, datetime]
AGAIN = 0.05
"""How often an accepted ping is sent once more."""


@dataclass(frozen=True)
class Ping:
    """One report of an installation."""

    uuid: str
    hostname: str
    recorded_at: datetime
    people: int

    @property
    def identity(self) -> Identity:
        """By which it is known."""
        return self.uuid, self.hostname, self.recorded_at

    @property
    def month(self) -> str:
        """In which it counts."""
        return f"{self.recorded_at:%Y-%m}"


@dataclass
class Ledger:
    """What the senders know."""

    acknowledged: dict[Identity, tuple[int, Ping]] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, ping: Ping, number: int) -> None:
        """A 2xx. The same ping must always get the same number."""
        with self.lock:
            before = self.acknowledged.setdefault(ping.identity, (number, ping))
            if before[0] != number:
                self.wrong.append(f"{ping.identity} was {before[0]}, then {number}")

    def sums(self) -> dict[str, int]:
        """By month, the people in the last report of each installation: what the figures must be."""
        last: dict[tuple[str, str, str], Ping] = {}
        for _number, ping in self.acknowledged.values():
            key = (ping.month, ping.uuid, ping.hostname)
            if key not in last or last[key].recorded_at < ping.recorded_at:
                last[key] = ping
        sums: dict[str, int] = defaultdict(int)
        for (month, _uuid, _hostname), ping in last.items():
            sums[month] += ping.people
        return dict(sums)


def months_back(count: int) -> list[datetime]:
    """The first day of the last ``count`` months that are over, the oldest first."""
    first = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    found = []
    for _ in range(count):
        first = (first - timedelta(days=1)).replace(day=1)
        found.append(first)
    return found[::-1]


class Senders:
    """Several senders at once, each with installations of its own; the same pings for the same seed."""

    def __init__(
        self, portal: LivePortal, *, stage: str, months: Sequence[datetime], count: int, installations: int, seed: int
    ) -> None:
        self.portal, self.stage, self.months, self.seed = portal, stage, months, seed
        self.installations = installations
        self.ledger = Ledger()
        self.enough = threading.Event()
        self.threads = [threading.Thread(target=self.send, args=(number,)) for number in range(count)]

    def __enter__(self) -> Senders:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """No new pings; those begun are brought to their end."""
        self.enough.set()
        for thread in self.threads:
            thread.join()

    def send(self, number: int) -> None:
        """One sender: another ping as long as it goes."""
        chance = random.Random(f"{self.seed}/{number}")
        names = [
            (str(uuid.UUID(int=chance.getrandbits(128), version=4)), f"git-{number}-{place}.example.com")
            for place in range(self.installations)
        ]
        while not self.enough.is_set():
            name, hostname = chance.choice(names)
            moment = chance.choice(self.months) + timedelta(seconds=chance.randrange(28 * 86_400))
            # The value hangs on the identity, so that a ping that comes up twice is the same ping.
            people = 10 + random.Random(f"{name}/{moment}").randrange(90)
            ping = Ping(name, hostname, moment, people)
            self.deliver(ping)
            if chance.random() < AGAIN:
                self.deliver(ping)

    def deliver(self, ping: Ping) -> None:
        """Until it is acknowledged. Whatever is answered before must ask for patience."""
        told: dict[str, Any] = dict(
            payload(
                stage=self.stage,
                uuid=ping.uuid,
                hostname=ping.hostname,
                recorded_at=ping.recorded_at.isoformat(),
                people=ping.people,
            )
        )
        body = json.dumps(told).encode()
        while True:
            try:
                answer = self.portal.post(body)
            except (OSError, http.client.HTTPException):
                self.ledger.unanswered += 1
                time.sleep(0.1)
                continue
            with self.ledger.lock:
                self.ledger.statuses[answer.status] += 1
            if 200 <= answer.status < 300:
                self.ledger.note(ping, answer.ping_id)
                return
            if answer.status != 503 or not answer.retry_after.isdigit():
                self.ledger.wrong.append(f"{answer.status} {answer.retry_after!r} {answer.body[:200]!r}")
                if answer.status < 500:
                    return
            time.sleep(0.1)
