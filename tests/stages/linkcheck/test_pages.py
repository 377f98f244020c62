"""The page of links: what is in trouble, since when, how often, and looking again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from portal.models import Job
from stages import tasks
from stages.content import Item
from stages.linkcheck.rules import Verdict
from stages.linkcheck.verbs import JOB, check_links
from stages.models import LinkCheck, LinkRun, Resource
from tests.stages.builders import a_block, a_stage
from tests.stages.linkcheck.test_verbs import Told

pytestmark = pytest.mark.django_db


def look(**states: str) -> None:
    check_links(fetcher=Told(**states), pause=lambda seconds: None)


@pytest.fixture(autouse=True)
def _links(db: None) -> None:
    a_block(
        a_stage("create"), "dashboards", Item(label="Alive", url="https://a.example/x"),
        Item(label="Gone for good", url="https://b.example/gone"), Item(label="Slow", url="https://c.example/slow"),
    )  # fmt: skip


def test_links_in_trouble_are_listed_with_state_status_and_how_often(viewer_client: Client) -> None:
    assert "3 links wait" in viewer_client.get("/stages/links/").content.decode()
    for _ in range(2):
        look(gone="dead", slow="unreachable")
        LinkCheck.objects.update(checked_at=timezone.now() - timedelta(days=2))
    page = viewer_client.get("/stages/links/").content.decode()
    for text in ("Gone for good", "Slow", "2 times in a row", "unreachable from here", "/stages/create/#dashboards"):
        assert text in page
    assert "Alive" not in page
    assert "Alive" in viewer_client.get("/stages/links/?state=ok").content.decode()
    assert "Gone for good" not in viewer_client.get("/stages/links/?state=unreachable").content.decode()


def test_what_fails_is_looked_at_daily_and_the_rest_weekly() -> None:
    look(gone="dead")
    LinkCheck.objects.update(checked_at=timezone.now() - timedelta(days=2))
    told = Told(gone="dead")
    check_links(fetcher=told, pause=lambda seconds: None)
    assert told.asked == ["https://b.example/gone"]
    check = LinkCheck.objects.get(state="dead")
    assert (check.checks, check.failures) == (2, 2)
    LinkCheck.objects.update(checked_at=timezone.now() - timedelta(days=2))
    look()
    check.refresh_from_db()
    assert (check.checks, check.failures, check.failing_since) == (3, 0, None)


def test_a_link_is_looked_at_again_on_request(
    editor_client: Client, viewer_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[tuple[str, ...]] = []
    monkeypatch.setattr("stages.pages.links.wake", lambda *names: woken.append(names))
    look()
    alive = Resource.objects.get(label="Alive")
    data = {"resource": str(alive.pk), "next": "/stages/links/?state=ok"}
    assert viewer_client.post("/stages/links/check/", data).status_code == 403
    assert editor_client.post("/stages/links/check/", data)["Location"] == "/stages/links/?state=ok"
    assert (
        editor_client.post("/stages/links/check/", {**data, "next": "https://x.example"})["Location"]
        == "/stages/links/"
    )
    assert woken == [("catalog", "stages.tasks.check_links")] * 2
    assert "asked for again" in viewer_client.get("/stages/links/?state=all").content.decode()
    told = Told()
    check_links(fetcher=told, pause=lambda seconds: None)
    assert told.asked == ["https://a.example/x"]
    assert not LinkCheck.objects.filter(wanted=True).exists()


def test_a_run_says_that_it_runs_and_of_how_many_links(viewer_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    class Watched(Told):
        def check(self, url: str) -> Verdict:
            seen.append(viewer_client.get("/stages/links/").content.decode())
            return super().check(url)

    monkeypatch.setattr("stages.linkcheck.verbs.Fetcher", lambda **_: Watched())
    tasks.check_links()
    run = Job.objects.get(name=JOB)
    assert (run.done, run.total) == (3, 3)
    assert len(seen) == 3
    assert all("Links are being looked at now" in page for page in seen)
    assert "Links are being looked at now" not in viewer_client.get("/stages/links/").content.decode()


def test_an_offline_network_is_said_in_one_sentence_with_what_was_found_before(viewer_client: Client) -> None:
    look(https="unreachable")
    page = viewer_client.get("/stages/links/").content.decode()
    assert "This network has had no way out since" in page
    assert "so no link is judged." in page
    assert "unreachable" not in page
    assert "looked at once the network has a way out" in page
    look(gone="dead")
    assert "no way out" not in viewer_client.get("/stages/links/").content.decode()
    LinkCheck.objects.update(checked_at=timezone.now() - timedelta(days=9))
    for _ in range(2):
        look(https="unreachable")
    page = viewer_client.get("/stages/links/").content.decode()
    assert "so no link is judged; what stands below was found before." in page
    assert "Gone for good" in page
    assert "9 days ago" in page
    assert "unreachable" not in page
    first = LinkRun.objects.filter(offline=True).order_by("-at")[1]
    assert LinkRun.objects.latest("at").offline_since == first.at


def test_what_is_left_for_a_later_run_is_told(viewer_client: Client) -> None:
    LinkRun.objects.create(at=timezone.now(), checked=1, left=["x.example asks for 60 seconds."])
    page = viewer_client.get("/stages/links/").content.decode()
    assert "Left for a later run: 1 host<" in page
    assert "x.example asks for 60 seconds." in page
