"""One polite request at a time, to public addresses only.

The name is resolved here and the connection goes to the address that was judged, so that a name that answers
differently a moment later (DNS rebinding) leads nowhere else. Redirects are followed by hand and judged anew.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit
from urllib.robotparser import RobotFileParser

from stages.linkcheck.rules import Answer, Verdict, is_public, refusal, verdict

AGENT = "StageboardLinkCheck"
HEADERS = {"User-Agent": f"{AGENT}/1.0", "Accept": "*/*", "Accept-Encoding": "identity"}
TIMEOUT = 10.0
MOST_REDIRECTS = 5
LARGEST_ROBOTS = 256 * 1024
Resolve = Callable[[str, int], Sequence[str]]
Send = Callable[[str, str, str, int], Answer]


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass
class Fetcher:
    """Asks for links. ``allowed`` names private hosts that an administrator opened for it."""

    allowed: frozenset[str] = frozenset()
    resolve: Resolve = resolve
    timeout: float = TIMEOUT
    robots: dict[str, RobotFileParser | None] = field(default_factory=dict)

    def check(self, url: str) -> Verdict:
        """What became of a link."""
        if not self.may_ask(url):
            return Verdict(state="robots", sentence="The site asks programs not to look at this page.")
        answer, final = self.follow(url, "HEAD")
        if answer.status in (400, 403, 404, 405, 406, 500, 501, 503):
            # Many servers answer HEAD wrongly; what counts is what a reader would get.
            answer, final = self.follow(url, "GET")
        return verdict(url, answer, final)

    def follow(self, url: str, method: str) -> tuple[Answer, str]:
        """The last answer, after at most five redirects, and the address that gave it.

        Where robots.txt of another host forbids the next step, it is only known that the link leads there.
        """
        answer = Answer(error="nothing was asked")
        for _ in range(MOST_REDIRECTS + 1):
            answer, _body = self.ask(url, method, 0)
            if answer.status is None or not 300 <= answer.status < 400 or not answer.location:
                return answer, url
            url = joined(url, answer.location)
            if not self.may_ask(url):
                return Answer(status=200), url
        return answer, url

    def ask(self, url: str, method: str, most: int) -> tuple[Answer, bytes]:
        """One request to one address that was judged."""
        if refused := refusal(url):
            return Answer(refused=refused), b""
        parts = urlsplit(url)
        host, secure = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        try:
            addresses = self.resolve(host, port)
        except (OSError, UnicodeError):
            return Answer(error="its name is not known here"), b""
        private = [address for address in addresses if not is_public(address)]
        if not addresses or (private and host not in self.allowed):
            return Answer(refused="It lies in a private network, which is never looked into."), b""
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection = pinned(host, port, addresses[0], secure, self.timeout)
        try:
            connection.request(
                method, path.encode("ascii", "ignore").decode() if path.isascii() else quoted(path), headers=HEADERS
            )
            response = connection.getresponse()
            body = response.read(most) if most else b""
            return Answer(status=response.status, location=response.getheader("Location") or ""), body
        except (OSError, http.client.HTTPException, ValueError) as error:
            return Answer(error=told(error)), b""
        finally:
            connection.close()

    def may_ask(self, url: str) -> bool:
        """Whether robots.txt of the host lets programs look at the page."""
        if refusal(url):
            return True
        parts = urlsplit(url)
        root = f"{parts.scheme}://{parts.netloc}"
        if root not in self.robots:
            self.robots[root] = self.read_robots(root)
        rules = self.robots[root]
        return rules is None or rules.can_fetch(AGENT, url)

    def read_robots(self, root: str) -> RobotFileParser | None:
        """The rules of a host; none where there is no such file."""
        url = f"{root}/robots.txt"
        for _ in range(3):
            answer, body = self.ask(url, "GET", LARGEST_ROBOTS)
            if answer.status and 300 <= answer.status < 400 and answer.location:
                url = joined(url, answer.location)
                continue
            if answer.status != 200:
                return None
            rules = RobotFileParser()
            rules.parse(body.decode("utf-8", "replace").splitlines())
            return rules
        return None


def joined(url: str, location: str) -> str:
    """Where a redirect leads; a location that cannot be read stays as it is, and is refused when it is asked."""
    try:
        return urljoin(url, location)
    except ValueError:
        return location


def pinned(host: str, port: int, address: str, secure: bool, timeout: float) -> http.client.HTTPConnection:
    """A connection to an address that speaks to it by the host's name."""

    class Plain(http.client.HTTPConnection):
        def connect(self) -> None:
            self.sock = socket.create_connection((address, port), timeout)

    class Secure(http.client.HTTPSConnection):
        def connect(self) -> None:
            raw = socket.create_connection((address, port), timeout)
            context: Any = ssl.create_default_context()
            self.sock = context.wrap_socket(raw, server_hostname=host)

    return Secure(host, port, timeout=timeout) if secure else Plain(host, port, timeout=timeout)


def quoted(path: str) -> str:
    """A path with other letters written as per cent signs."""
    from urllib.parse import quote

    return quote(path, safe="/?&=%:@!$'()*+,;~#[]-._")


def told(error: Exception) -> str:
    """An error of the network in a few words."""
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "its certificate is not trusted here"
    if isinstance(error, ConnectionRefusedError):
        return "it refuses connections"
    return "the connection failed"
