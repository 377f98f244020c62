"""robots.txt is read as RFC 9309 says: what it forbids, what its absence means, and what its server's trouble means."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stages.linkcheck.robots import KEPT, LARGEST
from stages.linkcheck.rules import Verdict
from tests.stages.linkcheck.sites import Clock, Page, Site, a_fetcher, a_site, moved


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with a_site(monkeypatch) as site:
        yield site


def look(site: Site, robots: Page, path: str = "/a") -> Verdict:
    site.pages["/robots.txt"] = robots
    return a_fetcher("site.example").check(site.url(path))


@pytest.mark.parametrize(
    ("rules", "path", "state"),
    [
        ("User-agent: *\nDisallow: /a", "/a/b", "robots"),
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b", "ok"),
        ("User-agent: *\nAllow: /a/b\nDisallow: /a/b/c", "/a/b/c", "robots"),
        ("User-agent: *\nDisallow: /*.pdf$", "/x.pdf", "robots"),
        ("User-agent: *\nDisallow: /*.pdf$", "/x.pdf?page=1", "ok"),
        ("User-agent: *\nDisallow: /*/private*/x", "/one/private-two/x", "robots"),
        ("User-agent: *\nDisallow: /a\nAllow: /a", "/a", "ok"),
        ("User-agent: stageboardlinkcheck\nDisallow: /a\n\nUser-agent: *\nDisallow: /", "/b", "ok"),
        ("User-agent: stageboardlinkcheck\nDisallow: /a\n\nUser-agent: *\nDisallow: /", "/a", "robots"),
        ("User-agent: other\nUser-agent: StageboardLinkCheck\nDisallow: /a", "/a", "robots"),
        ("\ufeffUser-agent: *\r\nDisallow: /%61", "/a", "robots"),
        ("User-agent: *\nDisallow:", "/a", "ok"),
        ("<html>Not found</html>", "/a", "ok"),
        ("User-agent: *\nDisallow: /" + "*a" * 40 + "*b$", "/" + "a" * 200, "ok"),
    ],
)
def test_the_longest_rule_that_fits_decides(site: Site, rules: str, path: str, state: str) -> None:
    assert look(site, Page(body=rules.encode()), path).state == state


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 429])
def test_no_robots_txt_forbids_nothing(site: Site, status: int) -> None:
    assert look(site, Page(status=status)).state == "ok"


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_in_trouble_forbids_everything_and_the_sentence_says_so(site: Site, status: int) -> None:
    verdict = look(site, Page(status=status))
    assert (verdict.state, verdict.is_network) == ("unreachable", False)
    assert verdict.sentence == (
        f"The robots.txt of site.example answered {status}; while it does, nothing there may be looked at."
    )
    assert site.asked == ["GET site.example /robots.txt"]


def test_a_robots_txt_that_does_not_come_forbids_everything(site: Site) -> None:
    site.pages["/robots.txt"] = Page(endless=b"x")
    asks = a_fetcher("site.example")
    asks.timeout = 0.3
    verdict = asks.check(site.url("/a"))
    assert verdict.is_network
    assert verdict.sentence == (
        "It cannot be reached from here: it did not answer in time when it was asked for its robots.txt."
    )
    assert site.asked == ["GET site.example /robots.txt"]


def test_five_redirects_of_robots_txt_are_followed_and_a_sixth_means_there_is_none(site: Site) -> None:
    forbids = Page(body=b"User-agent: *\nDisallow: /")
    site.pages = {f"/{number}": moved(f"/{number + 1}") for number in range(1, 5)} | {"/5": forbids}
    assert look(site, moved("/1")).state == "robots"
    site.pages |= {"/5": moved("/6"), "/6": forbids}
    assert look(site, moved("/1")).state == "ok"


def test_robots_txt_that_leads_into_a_private_network_is_not_followed(site: Site) -> None:
    verdict = look(site, moved("http://meta.example/latest"))
    assert verdict.state == "robots"
    assert verdict.sentence == "The robots.txt of site.example leads on to where nobody looks."


def test_what_stands_behind_the_bound_does_not_count_and_a_cut_line_is_no_rule(site: Site) -> None:
    head = b"User-agent: *\n"
    fill = b"#" * (LARGEST - len(head) - len("Disallow: /") - 1) + b"\n"
    assert look(site, Page(body=head + fill + b"Disallow: /secret\n")).state == "ok"
    short = fill[30:]
    assert look(site, Page(body=head + short + b"Disallow: /a\n")).state == "robots"


def test_robots_txt_is_read_once_a_day_and_site(site: Site) -> None:
    clock = Clock()
    asks = a_fetcher("site.example", "other.example", clock=clock)
    for path in ("/a", "/b"):
        asks.check(site.url(path))
    asks.check(site.url("/c", "other.example"))
    assert [line for line in site.asked if "robots" in line] == [
        "GET site.example /robots.txt", "GET other.example /robots.txt",
    ]  # fmt: skip
    clock.now += KEPT
    site.pages["/robots.txt"] = Page(body=b"User-agent: *\nDisallow: /")
    assert asks.check(site.url("/a")).state == "robots"


def test_robots_of_the_site_that_a_redirect_leads_to_are_obeyed(site: Site) -> None:
    site.pages |= {"/a": moved("/secret"), "/b": moved(site.url("/x", "unknown.example"))}
    verdict = look(site, Page(body=b"User-agent: *\nDisallow: /secret"))
    assert (verdict.state, verdict.moved_to) == ("moved", site.url("/secret"))
    assert not [line for line in site.asked if line.endswith(" /secret")]
    assert look(site, Page(status=404), "/b").sentence == "It cannot be reached from here: its name is not known here."
