"""One request to one address that was judged, in a time that holds for all of it.

The name is resolved here and the connection goes to an address that was judged, so that a name that answers
differently a moment later (DNS rebinding) leads nowhere else. What is sent drop by drop costs no more than silence.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

from stages.linkcheck.rules import Answer, is_public, refusal

AGENT = "StageboardLinkCheck"
HEADERS = {"User-Agent": f"{AGENT}/1.0", "Accept": "*/*", "Accept-Encoding": "identity"}
MOST_ADDRESSES = 4
NO_NAME = "its name is not known here"
BROKE_OFF = "the answer broke off before its end"
IN_PRIVATE = "It lies in a private network, which is never looked into."
Resolve = Callable[[str, int], Sequence[str]]


@dataclass
class Budget:
    """Seconds that may go into the network, over several requests. What is spent waiting for a turn is not in it."""

    left: float


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def ask(
    url: str, method: str, most: int, *, resolve: Resolve, allowed: frozenset[str], budget: Budget, timeout: float
) -> tuple[Answer, bytes]:
    """Ask once and read ``most`` bytes, within ``timeout`` and what is left of the budget."""
    begun = time.monotonic()
    try:
        return _ask(url, method, most, resolve, allowed, begun + min(timeout, budget.left))
    finally:
        budget.left -= time.monotonic() - begun


def _ask(
    url: str, method: str, most: int, resolve: Resolve, allowed: frozenset[str], ends: float
) -> tuple[Answer, bytes]:
    if refused := refusal(url, allowed):
        return Answer(refused=refused), b""
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    try:
        addresses = _resolved(resolve, host, port, ends)
    except TimeoutError as error:
        return Answer(error=told(error)), b""
    except (OSError, UnicodeError):
        return Answer(error=NO_NAME), b""
    # One private address among public ones is enough: which of them a connection takes would be chance.
    opened = host in allowed or f"{host}:{port}" in allowed
    if not addresses or (not opened and not all(is_public(address) for address in addresses)):
        return Answer(refused=IN_PRIVATE), b""
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = Pinned(host, port, addresses[:MOST_ADDRESSES], secure, ends)
    try:
        connection.request(method, quote(path, safe="/?&=%:@!$'()*+,;~#[]-._"), headers=HEADERS)
        response = connection.getresponse()
        body = response.read(most) if most else b""
        if most and len(body) < most and response.length:
            return Answer(error=BROKE_OFF), b""
        return Answer(status=response.status, location=_as_sent(response.getheader("Location") or "")), body
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Answer(error=told(error)), b""
    finally:
        connection.hang_up()


def _resolved(resolve: Resolve, host: str, port: int, ends: float) -> list[str]:
    """The addresses of a host; the system's resolver has no time limit of its own, so it is left behind instead."""
    found: list[str] = []
    wrong: list[Exception] = []

    def look() -> None:
        try:
            found.extend(resolve(host, port))
        except (OSError, UnicodeError) as error:
            wrong.append(error)

    looking = threading.Thread(target=look, daemon=True, name="resolve a link's host")
    looking.start()
    looking.join(max(0.0, ends - time.monotonic()))
    if looking.is_alive():
        raise TimeoutError
    if wrong:
        raise wrong[0]
    return found


def _as_sent(location: str) -> str:
    """The header as it was meant: letters beyond ASCII are sent as UTF-8 nowadays, and read as Latin-1."""
    try:
        return location.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return location


class Pinned(http.client.HTTPConnection):
    """A connection to one of the judged addresses that speaks to it by the host's name, until a moment."""

    def __init__(self, host: str, port: int, addresses: Sequence[str], secure: bool, ends: float) -> None:
        super().__init__(host, port)
        # The Host header names the port only where it is not the usual one.
        self.default_port = http.client.HTTPS_PORT if secure else http.client.HTTP_PORT
        self.addresses, self.secure, self.ends = addresses, secure, ends
        self.raw: socket.socket | None = None

    def connect(self) -> None:
        raw = self._connected()
        self.raw = raw
        if self.secure:
            raw.settimeout(_left(self.ends))
            raw = self.raw = _context().wrap_socket(raw, server_hostname=self.host)
        wire: Any = Wire(raw, self.ends)
        self.sock = wire

    def hang_up(self) -> None:
        """End the connection. ``close`` only says that nothing more is sent; the answer may still be read then."""
        if self.raw is not None:
            self.raw.close()

    def _connected(self) -> socket.socket:
        """The first address that answers; each but the last gets its share of the time."""
        for number, address in enumerate(self.addresses):
            share = _left(self.ends) / (len(self.addresses) - number)
            try:
                return socket.create_connection((address, self.port), share)
            except OSError:
                if number == len(self.addresses) - 1:
                    raise
        raise OSError("no address was given")


class Wire:
    """A socket as ``http.client`` uses it, each operation of which ends when the whole has to."""

    def __init__(self, sock: socket.socket, ends: float) -> None:
        self.sock, self.ends = sock, ends

    def sendall(self, data: bytes) -> None:
        self.sock.settimeout(_left(self.ends))
        self.sock.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Incoming(self.sock, self.ends))

    def close(self) -> None:
        """Nothing: see ``Pinned.hang_up``."""


class _Incoming(io.RawIOBase):
    def __init__(self, sock: socket.socket, ends: float) -> None:
        self.sock, self.ends = sock, ends

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.sock.settimeout(_left(self.ends))
        return self.sock.recv_into(buffer)


def _left(ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


@lru_cache(maxsize=1)
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()


def told(error: Exception) -> str:
    """An error of the network in a few words."""
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "its certificate is not trusted here"
    if isinstance(error, ConnectionRefusedError):
        return "it refuses connections"
    return "the connection failed"
