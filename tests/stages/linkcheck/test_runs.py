"""A run keeps the pace of each host, and says what it left for later."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from stages.content import Item
from stages.linkcheck.rules import Verdict
from stages.linkcheck.verbs import check_links
from stages.models import LinkCheck, LinkHost, LinkRun
from tests.stages.builders import a_block, a_stage
from tests.stages.linkcheck.sites import Clock, Page, Site, a_fetcher, a_site
from tests.stages.linkcheck.test_verbs import Told

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with a_site(monkeypatch) as site:
        yield site


def links(site: Site, *hosts: str, each: int = 3) -> None:
    items = [Item(label="x", url=site.url(f"/{number}", host)) for host in hosts for number in range(each)]
    a_block(a_stage("paced"), "dashboards", *items)


def test_links_of_a_host_that_asks_for_long_pauses_are_left_for_later(site: Site) -> None:
    links(site, "slow.example")
    site.pages["/robots.txt"] = Page(body=b"User-agent: *\nCrawl-delay: 3600")
    clock = Clock()
    report = check_links(fetcher=a_fetcher("slow.example", clock=clock), pause=clock.sleep)
    told = (
        "slow.example asks for 3600 seconds between two looks, more than the 30 that a run waits: "
        "2 links are left for a later run."
    )
    assert report.checked == 1
    assert report.left == (told,)
    assert told in report.sentence
    assert LinkRun.objects.get().left == [told]
    assert max(clock.waits) <= 1
    asked = len(site.asked)
    again = check_links(fetcher=a_fetcher("slow.example", clock=Clock()), pause=clock.sleep)
    assert (again.checked, len(site.asked)) == (0, asked)
    LinkHost.objects.update(asked_at=timezone.now() - timedelta(seconds=3700))
    assert check_links(fetcher=a_fetcher("slow.example", clock=Clock()), pause=clock.sleep).checked == 1


def test_while_one_host_rests_another_is_asked(site: Site) -> None:
    links(site, "one.example", "two.example", each=2)
    clock = Clock()
    check_links(fetcher=a_fetcher("one.example", "two.example", clock=clock), pause=clock.sleep)
    pages = [line.split()[1] for line in site.asked if "robots" not in line]
    assert pages == ["one.example", "two.example"] * 2


def test_a_host_that_is_asked_too_often_is_left_alone(site: Site) -> None:
    links(site, "busy.example")
    site.pages = {f"/{number}": Page(status=429) for number in range(3)}
    clock = Clock()
    report = check_links(fetcher=a_fetcher("busy.example", clock=clock), pause=clock.sleep)
    assert report.left == ("busy.example answers that it is asked too often: 2 links are left for a later run.",)
    assert len([line for line in site.asked if "robots" not in line]) == 1


def test_a_host_gets_a_bounded_number_of_looks_a_run(site: Site) -> None:
    links(site, "many.example", each=42)
    clock = Clock()
    report = check_links(fetcher=a_fetcher("many.example", clock=clock), pause=clock.sleep)
    assert report.checked == 40
    assert report.left == ("many.example is asked 40 times a run at most: 2 links are left for a later run.",)


def test_a_run_ends_in_time(site: Site) -> None:
    links(site, "long.example", each=2)
    clock = Clock()

    class Slow(Told):
        def check(self, url: str) -> Verdict:
            clock.now += 7300
            return super().check(url)

    told = Slow()
    told.pace = a_fetcher(clock=clock).pace
    report = check_links(fetcher=told, pause=clock.sleep)
    assert report.left == ("long.example was not asked, for the run took 2 hours: 1 link is left for a later run.",)


@pytest.mark.parametrize("due", ["/y", ""])
def test_a_host_that_rests_is_not_asked_whether_there_is_a_way_out(site: Site, due: str) -> None:
    """It would keep the run waiting, or be asked before its time."""
    links(site, "slow.example", each=1)
    site.pages["/robots.txt"] = Page(body=b"User-agent: *\nCrawl-delay: 3600")
    clock = Clock()
    assert check_links(fetcher=a_fetcher("slow.example", clock=clock), pause=clock.sleep).checked == 1
    asked = len(site.asked)
    urls = [site.url("/z", "unknown.example"), *([site.url(due, "slow.example")] if due else [])]
    a_block(a_stage("later"), "dashboards", *(Item(label="later", url=url) for url in urls))
    clock = Clock()
    report = check_links(fetcher=a_fetcher("nothing.example", clock=clock), pause=clock.sleep)
    assert report.states == {"unreachable": 1}
    assert len(report.left) == len(urls) - 1
    assert max(clock.waits, default=0) <= 30
    assert len(site.asked) == asked


def test_a_site_that_leads_on_to_odd_characters_does_not_end_the_run(site: Site) -> None:
    links(site, "odd.example", each=2)
    site.pages["/0"] = Page(status=302, headers={"Location": "/a\0b"})
    clock = Clock()
    assert check_links(fetcher=a_fetcher("odd.example", clock=clock), pause=clock.sleep).checked == 2
    assert LinkCheck.objects.get(state="moved").moved_to == site.url("/a%00b", "odd.example")
