"""Every request to a host keeps its pace, whichever link it is for."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.stages.linkcheck.sites import Clock, Page, Site, a_fetcher, a_site, moved


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with a_site(monkeypatch) as site:
        yield site


def wants(seconds: str) -> Page:
    return Page(body=f"User-agent: *\nCrawl-delay: {seconds}".encode())


def test_a_second_lies_between_requests_and_what_robots_txt_asks_for_between_pages(site: Site) -> None:
    clock = Clock()
    site.pages["/gone"] = Page(status=404)
    asks = a_fetcher(clock=clock)
    asks.check(site.url("/gone"))
    assert site.asked == ["GET site.example /robots.txt", "HEAD site.example /gone", "GET site.example /gone"]
    assert clock.waits == [1, 1]
    site.pages["/robots.txt"] = wants("7")
    clock = Clock()
    asks = a_fetcher(clock=clock)
    asks.check(site.url("/gone"))
    asks.check(site.url("/a"))
    assert clock.waits == [1, 7, 7]


@pytest.mark.parametrize("seconds", ["-5", "nan", "inf", "soon", "1e400"])
def test_a_delay_that_is_none_changes_nothing(site: Site, seconds: str) -> None:
    clock = Clock()
    site.pages |= {"/robots.txt": wants(seconds), "/gone": Page(status=404)}
    a_fetcher(clock=clock).check(site.url("/gone"))
    assert clock.waits == [1, 1]


def test_links_of_many_hosts_that_lead_to_one_keep_its_pace(site: Site) -> None:
    site.clock = clock = Clock()
    hosts = [f"{letter}.example" for letter in "abcd"]
    asks = a_fetcher("site.example", *hosts, clock=clock)
    site.pages |= {"/to": moved(site.url("/a")), "/robots.txt": wants("5")}
    for host in hosts:
        asks.check(site.url("/to", host))
    times = [when for when, line in zip(site.when, site.asked, strict=True) if line == "HEAD site.example /a"]
    assert len(times) == 4
    assert all(later - earlier >= 5 for earlier, later in pairwise(times))


def test_a_host_that_asks_for_more_than_anybody_waits_gets_one_question(site: Site) -> None:
    clock = Clock()
    site.pages |= {"/robots.txt": wants("60"), "/gone": Page(status=404), "/to": moved("/a")}
    asks = a_fetcher(clock=clock)
    assert asks.check(site.url("/gone")).state == "dead"
    assert site.asked == ["GET site.example /robots.txt", "GET site.example /gone"]
    assert not asks.pace.in_time("site.example")
    clock.now += 60
    verdict = asks.check(site.url("/to"))
    assert (verdict.state, verdict.moved_to) == ("moved", site.url("/a"))
    assert site.asked[2:] == ["GET site.example /to"]
    assert max(clock.waits) == 1
