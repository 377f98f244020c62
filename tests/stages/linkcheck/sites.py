"""Small web servers on this machine that behave as they are told, well or badly."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from stages.linkcheck import rules
from stages.linkcheck.fetching import Fetcher
from stages.linkcheck.pace import Pace


@dataclass(kw_only=True)
class Page:
    """What a server answers to a path: status, headers and body, or bytes that it goes on sending for ever."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    endless: bytes = b""


def moved(to: str) -> Page:
    return Page(status=302, headers={"Location": to})


@dataclass
class Site:
    """A server that answers for any name. ``asked`` is what it was asked for, in order, ``when`` at what time."""

    port: int
    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    when: list[float] = field(default_factory=list)
    clock: Callable[[], float] = time.monotonic

    def url(self, path: str, host: str = "site.example") -> str:
        return f"http://{host}:{self.port}{path}"


@contextmanager
def a_site(monkeypatch: pytest.MonkeyPatch, **pages: Page) -> Iterator[Site]:
    """A server while it is needed; what it was not told of works, but for its robots.txt, which is not there."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            site.when.append(site.clock())
            site.asked.append(f"{self.command} {self.headers['Host'].split(':')[0]} {self.path}")
            missing = Page(status=404 if self.path == "/robots.txt" else 200)
            page = site.pages.get(self.path, missing)
            try:
                self.send(page)
            except OSError:
                """The other side has had enough."""

        def send(self, page: Page) -> None:
            while page.endless and not over.wait(0.02):
                self.wfile.write(page.endless)
                self.wfile.flush()
            self.send_response_only(page.status)
            for name, value in page.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(page.body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(page.body)

        def log_message(self, *args: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site = Site(server.server_address[1], {f"/{name}": page for name, page in pages.items()})
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    monkeypatch.setattr(rules, "PORTS", frozenset({*rules.PORTS, site.port}))
    try:
        yield site
    finally:
        over.set()
        server.shutdown()
        server.server_close()


@dataclass
class Clock:
    """A clock that only waiting moves; the waits are kept."""

    now: float = 1000.0
    waits: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


def a_fetcher(*allowed: str, clock: Clock | None = None, longest: float = 30.0) -> Fetcher:
    """Asks this machine for every name that ends in ``.example``, meta.example is the metadata service of a cloud."""

    def resolve(host: str, port: int) -> list[str]:
        if host == "unknown.example":
            raise OSError("no such name")
        return ["169.254.169.254" if host == "meta.example" else "127.0.0.1"]

    clock = clock or Clock()
    pace = Pace(longest=longest, sleep=clock.sleep, clock=clock)
    return Fetcher(allowed=frozenset(allowed or ("site.example",)), resolve=resolve, timeout=5, pace=pace)
