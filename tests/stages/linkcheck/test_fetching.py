"""Links are followed and judged, and never lead into a private network."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stages.linkcheck.fetching import Fetcher
from tests.stages.linkcheck.sites import Page, Site, a_fetcher, a_site, moved


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with a_site(monkeypatch) as site:
        site.pages = {
            "/robots.txt": Page(body=b"User-agent: *\nDisallow: /secret\n"),
            "/gone": Page(status=404),
            "/moved": moved("/new"),
            "/evil": moved("http://meta.example/latest"),
            "/loop": moved("/loop"),
            "/broken": moved("http://["),
        }
        yield site


def test_links_are_followed_and_judged(site: Site) -> None:
    asks = a_fetcher()
    states = {path: asks.check(site.url(path)).state for path in ("/a", "/gone", "/moved", "/loop", "/secret")}
    assert states == {"/a": "ok", "/gone": "dead", "/moved": "moved", "/loop": "unreachable", "/secret": "robots"}
    assert not [line for line in site.asked if "/secret" in line]
    assert sum("robots.txt" in line for line in site.asked) == 1
    assert all(line.split()[1] == "site.example" for line in site.asked)


def test_a_private_address_is_refused_even_behind_a_public_name_or_a_redirect(site: Site) -> None:
    assert a_fetcher("other.example").check(site.url("/a")).state == "refused"
    assert site.asked == []
    assert a_fetcher().check(site.url("/evil")).state == "refused"


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    asks = Fetcher(resolve=lambda host, port: ["93.184.216.34", "10.0.0.1"])
    assert asks.check("http://x.example/").state == "refused"


def test_a_name_that_nobody_knows_is_unreachable() -> None:
    verdict = a_fetcher().check("http://unknown.example/")
    assert verdict.is_network
    assert verdict.sentence == "It cannot be reached from here: its name is not known here."


def test_a_redirect_to_what_is_no_address_costs_only_its_link(site: Site) -> None:
    verdict = a_fetcher().check(site.url("/broken"))
    assert (verdict.state, verdict.sentence) == ("refused", "The address cannot be read.")
