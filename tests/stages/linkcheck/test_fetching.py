"""Requests go to the address that was judged, and never into a private network."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from stages.linkcheck import rules
from stages.linkcheck.fetching import Fetcher


class Site(BaseHTTPRequestHandler):
    """A small site with a redirect into itself, one into the metadata service, and a page programs shall not see."""

    asked: list[str] = []

    def do_HEAD(self) -> None:
        self.answer(405 if self.path == "/nohead" else 200)

    def do_GET(self) -> None:
        self.answer(200)

    def answer(self, status: int) -> None:
        self.asked.append(f"{self.command} {self.path} {self.headers['Host']}")
        body = b"User-agent: *\nDisallow: /secret\n" if self.path == "/robots.txt" else b""
        moves = {
            "/moved": "/new",
            "/to-secret": "/secret",
            "/evil": "http://meta.example/latest",
            "/loop": "/loop",
            "/broken": "http://[",
        }
        if self.path in moves:
            self.send_response(302)
            self.send_header("Location", moves[self.path])
        else:
            self.send_response(404 if self.path == "/gone" else status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Silent."""


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    Site.asked = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    monkeypatch.setattr(rules, "PORTS", frozenset({*rules.PORTS, port}))
    yield f"http://site.example:{port}"
    server.shutdown()
    server.server_close()


def fetcher(*allowed: str) -> Fetcher:
    names = {"site.example": "127.0.0.1", "meta.example": "169.254.169.254"}
    return Fetcher(allowed=frozenset(allowed), resolve=lambda host, port: [names[host]], timeout=5)


def test_links_are_followed_and_judged(site: str) -> None:
    asks = fetcher("site.example")
    states = {path: asks.check(site + path).state for path in ("/a", "/nohead", "/gone", "/moved", "/loop", "/secret")}
    assert states == {
        "/a": "ok", "/nohead": "ok", "/gone": "dead", "/moved": "moved", "/loop": "unreachable", "/secret": "robots",
    }  # fmt: skip
    assert not [line for line in Site.asked if "/secret" in line]
    assert sum("robots.txt" in line for line in Site.asked) == 1
    assert all(line.split()[2].startswith("site.example") for line in Site.asked)


def test_a_private_address_is_refused_even_behind_a_public_name_or_a_redirect(site: str) -> None:
    assert fetcher().check(f"{site}/a").state == "refused"
    assert Site.asked == []
    assert fetcher("site.example").check(f"{site}/evil").state == "refused"


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    asks = Fetcher(resolve=lambda host, port: ["93.184.216.34", "10.0.0.1"])
    assert asks.check("http://x.example/").state == "refused"


def test_a_name_that_nobody_knows_is_unreachable() -> None:
    def fail(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    assert Fetcher(resolve=fail).check("http://x.example/").is_network


def test_robots_of_the_host_that_a_redirect_leads_to_are_obeyed(site: str) -> None:
    assert fetcher("site.example").check(f"{site}/to-secret").state == "moved"
    assert not [line for line in Site.asked if "/secret" in line and "robots" not in line]


def test_a_redirect_to_what_is_no_address_costs_only_its_link(site: str) -> None:
    verdict = fetcher("site.example").check(f"{site}/broken")
    assert (verdict.state, verdict.sentence) == ("refused", "The address cannot be read.")
