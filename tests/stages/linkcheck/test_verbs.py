"""Results are kept; where there is no network, nothing is said about the links."""

from __future__ import annotations

import pytest

from stages.content import Item
from stages.linkcheck.fetching import Fetcher
from stages.linkcheck.rules import Verdict
from stages.linkcheck.verbs import check_links
from stages.models import LinkCheck
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
