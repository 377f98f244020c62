"""Results are kept; where there is no network, nothing is said about the links."""

from __future__ import annotations

import pytest
from django.db import connection

from stages.content import Item
from stages.linkcheck.fetching import Fetcher
from stages.linkcheck.rules import Verdict
from stages.linkcheck.verbs import ask_for, check_links
from stages.models import LinkCheck, LinkRun, Placement, Resource
from tests.stages.builders import a_block, a_stage

pytestmark = pytest.mark.django_db


class Told(Fetcher):
    """Answers as it was told to."""

    def __init__(self, **states: str) -> None:
        super().__init__()
        self.states = states
        self.asked: list[str] = []

    def check(self, url: str) -> Verdict:
        self.asked.append(url)
        for word, state in self.states.items():
            if word in url:
                return Verdict(state=state, sentence=state, status=None if state == "unreachable" else 200)
        return Verdict(state="ok", sentence="It works.", status=200)


@pytest.fixture(autouse=True)
def _links(db: None) -> None:
    stage = a_stage("create")
    a_block(
        stage, "dashboards", Item(label="A", url="https://a.example/x"), Item(label="B", url="https://b.example/gone"),
        Item(label="C", url="/handbook/c"), Item(label="D", url="javascript:x"),
    )  # fmt: skip


def test_results_are_kept_and_looked_at_again_only_after_a_week() -> None:
    told = Told(gone="dead")
    report = check_links(fetcher=told, pause=lambda seconds: None)
    assert report.states == {"ok": 2, "dead": 1, "refused": 1}
    assert "https://about.gitlab.com/handbook/c" in told.asked
    assert LinkCheck.objects.get(state="dead").failing_since is not None
    assert check_links(fetcher=told, pause=lambda seconds: None).checked == 0


def test_an_offline_network_says_so_and_keeps_what_was_known() -> None:
    check_links(fetcher=Told(), pause=lambda seconds: None)
    LinkCheck.objects.update(checked_at="2026-01-01T00:00Z")
    report = check_links(fetcher=Told(https="unreachable"), pause=lambda seconds: None)
    assert report.offline
    assert "no way out" in report.sentence
    assert LinkCheck.objects.filter(state="ok").count() == 3


def test_a_host_is_asked_at_most_once_a_second() -> None:
    a_block(a_stage("plan"), "dashboards", *(Item(label=str(n), url=f"https://a.example/{n}") for n in range(3)))
    pauses: list[float] = []
    check_links(fetcher=Told(), pause=pauses.append)
    assert len(pauses) == 3


def test_one_link_that_fails_offline_is_not_judged_by_itself() -> None:
    """Three others that were reached before are asked whether there is a way out."""
    check_links(fetcher=Told(gone="dead"), pause=lambda seconds: None)
    a_block(a_stage("plan"), "dashboards", *(Item(label=key, url=f"https://{key}.example/") for key in "xyz"))
    check_links(fetcher=Told(), pause=lambda seconds: None)
    dead = LinkCheck.objects.get(state="dead")
    for _ in range(2):
        ask_for([dead.resource_id])
        told = Told(https="unreachable")
        assert check_links(fetcher=told, pause=lambda seconds: None).offline
    assert len(told.asked) == 3
    dead.refresh_from_db()
    assert (dead.state, dead.wanted) == ("dead", True)
    first, second = LinkRun.objects.filter(offline=True).order_by("at")
    assert first.offline_since == second.offline_since == first.at
    told = Told(gone="unreachable")
    assert not check_links(fetcher=told, pause=lambda seconds: None).offline
    dead.refresh_from_db()
    assert dead.state == "unreachable"


def test_where_only_hosts_of_the_own_network_answer_the_others_are_not_judged() -> None:
    told = Told()
    told.states = {"a.example": "ok", "https": "unreachable"}
    told.allowed = frozenset({"a.example"})
    a_block(a_stage("plan"), "dashboards", Item(label="E", url="https://e.example/"))
    report = check_links(fetcher=told, pause=lambda seconds: None)
    assert report.offline
    assert set(LinkCheck.objects.values_list("checked_url", "state")) == {
        ("https://a.example/x", "ok"), ("javascript:x", "refused"),
    }  # fmt: skip


def test_a_second_run_leaves_the_work_to_the_first() -> None:
    told = Told()
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtext('stages_check_links'))")
        report = check_links(fetcher=told, pause=lambda seconds: None)
    finally:
        other.close()
    assert report.busy
    assert told.asked == []
    assert not LinkCheck.objects.exists()
    assert not LinkRun.objects.exists()


def test_what_somebody_asks_for_during_a_run_is_looked_at_by_it() -> None:
    check_links(fetcher=Told(), pause=lambda seconds: None)
    early = Resource.objects.get(url="https://a.example/x")
    ask_for([Resource.objects.get(url="https://b.example/gone").pk])

    class Interrupted(Told):
        def check(self, url: str) -> Verdict:
            if not self.asked:
                ask_for([early.pk])
            return super().check(url)

    told = Interrupted()
    assert check_links(fetcher=told, pause=lambda seconds: None).checked == 2
    assert told.asked == ["https://b.example/gone", "https://a.example/x"]


def test_a_link_that_is_deleted_during_a_run_does_not_end_it() -> None:
    class Deleting(Told):
        def check(self, url: str) -> Verdict:
            if "a.example" in url:
                Placement.objects.filter(resource__url=url).delete()
                Resource.objects.filter(url=url).delete()
            return super().check(url)

    report = check_links(fetcher=Deleting(), pause=lambda seconds: None)
    connection.check_constraints()
    assert report.checked == LinkCheck.objects.count() == 3
