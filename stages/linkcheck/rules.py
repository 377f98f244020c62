"""What an answer says about a link, and which addresses are never asked. Pure: no Django and no network in it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

PORTS = frozenset({80, 443, 8080, 8443})
ASSIGNED = ipaddress.ip_network("2000::/3")
"""The part of IPv6 that is given out for the internet; all else is private, a tunnel (NAT64 among them) or unused."""
NOT_ASKED = tuple(
    ipaddress.ip_network(net)
    for net in (
        *("2001::/32", "2002::/16", "192.88.99.0/24"),
        *("192.0.0.0/24", "2001:20::/28", "3fff::/20", "2001:db8::/32"),
    )
)
"""Tunnels (Teredo, 6to4 and its relay) lead into other networks; the second line is for protocols, overlays and
documentation, and not every Python says so."""
SIGN_IN = ("/login", "/signin", "/sign_in", "/sign-in", "/sso", "/oauth", "/users/sign_in", "/saml", "/cas/")
GONE = frozenset({404, 410})
CLOSED = frozenset({401, 402, 403, 407, 451})


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of one request: a status and where it leads on, or why there was none.

    ``refused``: we do not ask such an address. ``barred``: robots.txt lets nobody ask, in a sentence.
    """

    status: int | None = None
    location: str = ""
    error: str = ""
    refused: str = ""
    barred: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is known of a link afterwards."""

    state: str
    sentence: str
    status: int | None = None
    moved_to: str = ""

    @property
    def is_network(self) -> bool:
        """Whether the network, not the page, gave this verdict."""
        return self.state == "unreachable" and self.status is None


def is_public(address: str) -> bool:
    """Whether an IP address lies in the public internet; tunnels into other networks do not."""
    try:
        found = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return is_public(str(found.ipv4_mapped))
        if found not in ASSIGNED:
            return False
    if any(found in net for net in NOT_ASKED):
        return False
    return found.is_global and not found.is_multicast and not found.is_reserved


def refusal(url: str, allowed: frozenset[str] = frozenset()) -> str:
    """Why an address is not asked at all; empty when it may be. ``allowed`` may name further ports, ``host:port``."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "The address cannot be read."
    if parts.scheme not in ("http", "https"):
        return f"Addresses of the kind {parts.scheme or 'none'}: are not looked at."
    if not parts.hostname:
        return "The address names no host."
    if parts.username or parts.password:
        return "The address holds a name or password, which is not sent anywhere."
    if port is not None and port not in PORTS and f"{parts.hostname}:{port}" not in allowed:
        return f"Port {port} is not asked."
    return ""


def verdict(url: str, answer: Answer, final: str) -> Verdict:
    """What the last answer says of a link that started at ``url`` and ended at ``final``."""
    if answer.refused:
        return Verdict(state="refused", sentence=answer.refused)
    status = answer.status
    if answer.barred:
        # A server in trouble is looked at again soon; a rule stands until the site changes its mind.
        return Verdict(state="unreachable" if status else "robots", status=status, sentence=answer.barred)
    if status is None:
        return Verdict(state="unreachable", sentence=f"It cannot be reached from here: {answer.error}.")
    if status in GONE:
        return Verdict(state="dead", status=status, sentence=f"The page is gone (answer {status}).")
    if status in CLOSED or any(part in urlsplit(final).path.lower() for part in SIGN_IN):
        return Verdict(state="restricted", status=status, sentence="It asks for sign-in, so only people can look.")
    if status == 429 or status >= 500:
        return Verdict(state="unreachable", status=status, sentence=f"The server is in trouble (answer {status}).")
    if status >= 400:
        return Verdict(state="unreachable", status=status, sentence=f"The server does not let us look ({status}).")
    if 300 <= status < 400:
        return Verdict(state="unreachable", status=status, sentence="It leads on and on without arriving.")
    if final != url and without_detail(final) != without_detail(url):
        return Verdict(state="moved", status=status, moved_to=final, sentence=f"It leads on to {final}."[:500])
    return Verdict(state="ok", status=status, sentence="It works.")


def without_detail(url: str) -> str:
    """An address without what redirects commonly change and nobody means: scheme, www., closing slash, fragment."""
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    return f"{host}{parts.path.rstrip('/')}?{parts.query}"
