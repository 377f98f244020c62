"""Addresses as the page may show them: safe to follow, with the host in plain sight. Pure: no Django in it.

Stored text is never changed; what is unsafe is shown as text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

SCHEMES = frozenset({"http", "https", "mailto"})
TURNING = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
HIDDEN = re.compile("[\u0000-\u001f\u007f\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
DOMAIN = re.compile(r"^[a-z0-9-]+(\.[a-z0-9-]+)+(:\d+)?([/?#]|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Target:
    """Where a link leads: ``href`` is empty when it must not be followed, ``host`` is shown beside the label."""

    href: str
    host: str
    warning: str = ""


def target_of(url: str, base: str) -> Target:
    """What to do with a stored address; site-relative ones belong to the handbook at ``base``."""
    text = url.strip()
    if not text:
        return Target("", "")
    if HIDDEN.search(text) or "\\" in text or " " in text.strip():
        cleaned = HIDDEN.sub("", text)
        if cleaned != text or "\\" in text:
            return Target("", "", "The address holds hidden characters; it is shown as text.")
        text = text.replace(" ", "%20")
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return Target("", "", "This is not an address that a browser understands; it is shown as text.")
    scheme = parts.scheme.lower()
    if not scheme and not parts.netloc:
        if text.startswith(("/", "#", "?")):
            return Target(urljoin(base, text), urlsplit(base).hostname or "")
        if named := DOMAIN.match(text):
            return Target(f"https://{text}", named[0].rstrip("/?#"))
        if re.match(r"^[\w.-]+/", text):
            return Target(urljoin(base.rstrip("/") + "/handbook/", text), urlsplit(base).hostname or "")
        return Target("", "", "This is not an address; it is shown as text.")
    if not scheme:
        text, scheme = f"https:{text}", "https"
    if scheme not in SCHEMES:
        return Target("", "", f"Links of the kind {scheme}: are not followed; it is shown as text.")
    if scheme != "mailto" and not host:
        return Target("", "", "This address names no host; it is shown as text.")
    return Target(text, shown_host(host))


def shown_host(host: str) -> str:
    """A host so that look-alike letters show: other scripts in their xn-- form."""
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return host.encode("ascii", "backslashreplace").decode("ascii")


def visible(text: str) -> str:
    """A text with characters that turn or hide its neighbours made visible."""
    return TURNING.sub("\N{REPLACEMENT CHARACTER}", text)


def refusal(url: str) -> str:
    """Why an address may not be saved in the portal; empty when it may."""
    scheme = re.match(r"^[\s\x00-\x1f]*([a-z][a-z0-9+.-]*)\s*:", HIDDEN.sub("", url), re.IGNORECASE)
    if scheme and scheme[1].lower() not in SCHEMES and not DOMAIN.match(url.strip()):
        return f"Links of the kind {scheme[1].lower()}: are not allowed. Use an http or https address."
    if HIDDEN.search(url):
        return "The address holds hidden characters. Type it anew."
    return ""
