"""When a host may be asked again: a pause that holds for every request to it, whichever link it is for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

PAUSE = 1.0
LONGEST_WAIT = 30.0


@dataclass
class Pace:
    """Seconds between two requests to a host: a second, or what its robots.txt asks for (Crawl-delay).

    A host that asks for more than ``longest`` is asked once, and then no more before its time has come.
    """

    pause: float = PAUSE
    longest: float = LONGEST_WAIT
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    delays: dict[str, float] = field(default_factory=dict)
    news: set[str] = field(default_factory=set)
    """Hosts of which a page was asked since somebody last took note."""
    _asked: dict[str, float] = field(default_factory=dict)
    _page_asked: dict[str, float] = field(default_factory=dict)

    def wait_for(self, host: str, *, robots: bool = False) -> float:
        """Seconds until the host may be asked. For its robots.txt, only the pause counts that everybody gets."""
        never = float("-inf")
        free = self._asked.get(host, never) + self.pause
        if not robots:
            free = max(free, self._page_asked.get(host, never) + self.delays.get(host, 0.0))
        return max(0.0, free - self.clock())

    def in_time(self, host: str) -> bool:
        """Whether it is worth waiting for the host."""
        return self.wait_for(host) <= self.longest

    def is_slow(self, host: str) -> bool:
        """Whether the host asks for more than anybody waits."""
        return self.delays.get(host, 0.0) > self.longest

    def turn(self, host: str, *, robots: bool = False) -> None:
        """Wait for the host's turn and take it."""
        wait = self.wait_for(host, robots=robots)
        if wait > 0:
            self.sleep(wait)
        self.took(host, robots=robots)

    def took(self, host: str, *, robots: bool = False) -> None:
        """The host was asked just now."""
        self._asked[host] = self.clock()
        if not robots:
            self._page_asked[host] = self._asked[host]
            self.news.add(host)

    def recall(self, host: str, *, ago: float, delay: float) -> None:
        """An earlier run asked the host so many seconds ago."""
        self.delays[host] = delay
        self._asked[host] = self._page_asked[host] = self.clock() - ago
