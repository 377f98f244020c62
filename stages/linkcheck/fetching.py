"""Looking at a link: politely, to public addresses only, and in bounded time.

Redirects are followed by hand, and each step is judged anew: its address, the robots.txt of its site, its host's turn.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from stages.linkcheck.connecting import AGENT, NO_NAME, Budget, Resolve, ask, resolve
from stages.linkcheck.pace import Pace
from stages.linkcheck.robots import KEPT, LARGEST, Robots, robots_of
from stages.linkcheck.robots import MOST_REDIRECTS as MOST_REDIRECTS_OF_ROBOTS
from stages.linkcheck.rules import Answer, Verdict, refusal, verdict

TIMEOUT = 10.0
LONGEST_LOOK = 30.0
MOST_REDIRECTS = 5
HEAD_IS_NO_ANSWER = frozenset({400, 403, 404, 405, 406, 500, 501, 503})
CONTROL = re.compile("[\x00-\x1f\x7f]")


@dataclass
class Fetcher:
    """Asks for links. ``allowed`` names private hosts that an administrator opened for it, some with a port.

    ``timeout`` holds for a request from its name to its last byte, ``longest`` for all that a look at a link takes of
    the network, with its redirects.
    """

    allowed: frozenset[str] = frozenset()
    resolve: Resolve = resolve
    timeout: float = TIMEOUT
    longest: float = LONGEST_LOOK
    pace: Pace = field(default_factory=Pace)
    robots: dict[str, Robots] = field(default_factory=dict)

    @property
    def opened(self) -> frozenset[str]:
        """The private hosts, without the ports that some are named with."""
        return self.allowed | {one.rpartition(":")[0] for one in self.allowed}

    def check(self, url: str) -> Verdict:
        """What became of a link."""
        budget = Budget(self.longest)
        if barred := self.barred(url):
            return verdict(url, barred, url)
        # A host that wants long pauses gets the one question that is sure to tell.
        slow = self.pace.is_slow(host_of(url))
        answer, final = self.follow(url, "GET" if slow else "HEAD", budget)
        if not slow and answer.status in HEAD_IS_NO_ANSWER and not answer.barred:
            # Many servers answer HEAD wrongly; what counts is what a reader would get.
            answer, final = self.follow(url, "GET", budget)
        return verdict(url, answer, final)

    def follow(self, url: str, method: str, budget: Budget) -> tuple[Answer, str]:
        """The last answer, after at most five redirects, and the address that gave it.

        Where robots.txt of another site forbids the next step, or its host's turn is far off, it is only known that
        the link leads there.
        """
        answer = Answer(error="nothing was asked")
        for _ in range(MOST_REDIRECTS + 1):
            self.pace.turn(host_of(url))
            answer, _body = self.ask_within(budget, url, method, 0)
            if answer.status is None or not 300 <= answer.status < 400 or not answer.location:
                return answer, url
            url = joined(url, answer.location)
            barred = self.barred(url)
            if barred and (barred.error or barred.refused or barred.status):
                return barred, url
            if barred or not self.pace.in_time(host_of(url)):
                return Answer(status=200), url
        return answer, url

    def ask(self, url: str, method: str, most: int) -> tuple[Answer, bytes]:
        """One request, whoever's turn it is; at most ``most`` bytes of its body."""
        return self.ask_within(Budget(self.timeout), url, method, most)

    def ask_within(self, budget: Budget, url: str, method: str, most: int) -> tuple[Answer, bytes]:
        """The same within what is left of a budget."""
        return ask(
            url,
            method,
            most,
            resolve=self.resolve,
            allowed=self.allowed,
            budget=budget,
            timeout=self.timeout,
        )

    def barred(self, url: str) -> Answer | None:
        """Why a page may not be looked at, by what the robots.txt of its site says or by its silence."""
        if refused := refusal(url, self.allowed):
            return Answer(refused=refused)
        robots = self.robots_for(url)
        if robots.closed is not None:
            return robots.closed
        if not robots.allows(AGENT, url):
            return Answer(barred=f"The robots.txt of {host_of(url)} asks programs not to look at this page.")
        return None

    def robots_for(self, url: str) -> Robots:
        """The rules of the site that an address belongs to, read at most once a day."""
        parts = urlsplit(url)
        site = f"{parts.scheme}://{parts.netloc.lower()}"
        kept = self.robots.get(site)
        if kept is None or self.pace.clock() - kept.read_at >= KEPT:
            kept = self.robots[site] = self.read_robots(site, host_of(url))
            self.pace.delays[host_of(url)] = kept.delay
        return kept

    def read_robots(self, site: str, host: str) -> Robots:
        """Ask a site for its robots.txt, and whom it leads on to."""
        url, budget, redirects = f"{site}/robots.txt", Budget(self.timeout), 0
        while True:
            self.pace.turn(host_of(url), robots=True)
            answer, body = self.ask_within(budget, url, "GET", LARGEST + 1)
            onward = answer.status is not None and 300 <= answer.status < 400 and bool(answer.location)
            if not onward or redirects == MOST_REDIRECTS_OF_ROBOTS:
                break
            url, redirects = joined(url, answer.location), redirects + 1
        if answer.error and answer.error != NO_NAME:
            answer = Answer(error=f"{answer.error} when it was asked for its robots.txt")
        return robots_of(answer, body, host=host, redirects=redirects, agent=AGENT, now=self.pace.clock())


def host_of(url: str) -> str:
    """The host of an address; empty where it cannot be read."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def joined(url: str, location: str) -> str:
    """Where a redirect leads; a location that cannot be read stays as it is, and is refused when it is asked.

    Control characters are written as browsers send them: the database has no text with NUL in it.
    """
    location = CONTROL.sub(lambda found: f"%{ord(found[0]):02X}", location)
    try:
        return urljoin(url, location)
    except ValueError:
        return location
