"""Whatever the other side does, a look ends in time and goes to no address but the one that was judged."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from stages.linkcheck.connecting import Budget
from stages.linkcheck.fetching import Fetcher
from stages.linkcheck.rules import is_public
from tests.stages.linkcheck.sites import Page, Site, a_fetcher, a_site, moved


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with a_site(monkeypatch) as site:
        yield site


@pytest.mark.parametrize(
    "endless",
    [b"H", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: y\r\n", b"X-Slow: 1\r\n"],
    ids=["status line", "continue for ever", "headers again and again", "headers"],
)
def test_what_is_sent_drop_by_drop_costs_no_more_than_silence(site: Site, endless: bytes) -> None:
    site.pages["/a"] = Page(endless=endless)
    asks = a_fetcher()
    asks.timeout = 0.4
    assert asks.check(site.url("/a")).state == "unreachable"


def test_redirects_share_the_time_of_one_look(site: Site) -> None:
    site.pages |= {"/a": moved("/b"), "/b": Page(endless=b"H")}
    asks = a_fetcher()
    asks.longest = 0.4
    verdict = asks.check(site.url("/a"))
    assert verdict.sentence == "It cannot be reached from here: it did not answer in time."
    answer, _ = asks.ask_within(Budget(0.0), site.url("/c"), "HEAD", 0)
    assert answer.error == "it did not answer in time"
    assert not [line for line in site.asked if line.endswith(" /c")]


def test_a_resolver_that_never_answers_is_left_behind() -> None:
    over = threading.Event()

    def resolve(host: str, port: int) -> list[str]:
        over.wait(30)
        return ["93.184.216.34"]

    asks = Fetcher(resolve=resolve, timeout=0.2)
    try:
        assert asks.check("http://x.example/").is_network
    finally:
        over.set()


def test_a_name_that_answers_differently_a_moment_later_leads_nowhere_else(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first answer is public, every later one is this machine: the connection must go to the first."""
    answers = iter(["93.184.216.34"])
    connected: list[str] = []

    def connect(address: tuple[str, int], timeout: float) -> None:
        connected.append(address[0])
        raise OSError("no way")

    monkeypatch.setattr(socket, "create_connection", connect)
    asks = Fetcher(resolve=lambda host, port: [next(answers, "127.0.0.1")])
    assert asks.check(site.url("/a", "rebind.example")).is_network
    assert asks.check(site.url("/a", "rebind.example")).is_network
    assert connected == ["93.184.216.34"]


def test_each_address_of_a_host_is_tried(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    asks = a_fetcher()
    asks.resolve = lambda host, port: ["127.0.0.2", "127.0.0.1"]
    assert asks.check(site.url("/a")).state == "ok"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "0.0.0.0", "[::1]", "[::]",
        "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "localhost", "LOCALHOST",
    ],
)  # fmt: skip
def test_this_machine_is_refused_however_it_is_written(site: Site, host: str) -> None:
    assert Fetcher(timeout=5).check(site.url("/a", host)).state == "refused"
    assert site.asked == []


@pytest.mark.parametrize(
    "address",
    [
        "100.64.0.1", "169.254.169.254", "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "203.0.113.1",
        "240.0.0.1", "255.255.255.255", "fe80::1", "fec0::1", "fc00::1", "ff02::1", "64:ff9b::7f00:1",
        "64:ff9b:1::a00:1", "2001::1", "2002:7f00:1::", "::ffff:0:127.0.0.1", "100::1", "2001:db8::1", "3fff::1",
        "5f00::1", "4000::1",
    ],
)  # fmt: skip
def test_no_corner_of_the_address_space_is_taken_for_public(address: str) -> None:
    assert not is_public(address)


def test_a_location_in_other_letters_or_with_blanks_is_followed_as_it_was_meant(site: Site) -> None:
    site.pages["/a"] = moved("/über uns".encode().decode("latin-1"))
    assert a_fetcher().check(site.url("/a")).moved_to.endswith("/über uns")
    assert site.asked[-1] == "HEAD site.example /%C3%BCber%20uns"


@pytest.mark.parametrize(
    "location",
    ["http://user:pass@site.example/", "http://site.example:22/", "ftp://site.example/", "file:///etc/passwd"],
)
def test_a_redirect_is_judged_as_strictly_as_a_link(site: Site, location: str) -> None:
    site.pages["/a"] = moved(location)
    assert a_fetcher().check(site.url("/a")).state == "refused"
