"""Reviewers decide about quarantined pings, with a reason that stays."""

from __future__ import annotations

import pytest

from metrics.models.facts import DirtyMonth, Report
from telemetry import worker
from telemetry.models import Ping, Review, Sender
from telemetry.verbs.reviews import NoReason, hold_pings, reject_pings, release_pings, retry_pings
from tests.builders import a_user
from tests.telemetry.builders import a_ping, an_indicator

pytestmark = pytest.mark.django_db


def a_held_ping(hostname: str = "git.example.com") -> Ping:
    ping = a_ping(users=999_999_999, hostname=hostname)
    worker.read_all()
    ping.refresh_from_db()
    assert ping.state == Ping.State.QUARANTINED
    return ping


def test_a_released_ping_counts_and_its_month_follows() -> None:
    an_indicator()
    ping = a_held_ping()
    DirtyMonth.objects.all().delete()
    reviewer = a_user("ada", "reviewer")
    assert release_pings(ids=[ping.pk], by=reviewer, reason="They told us by phone.") == [ping.pk]
    ping.refresh_from_db()
    assert ping.state == Ping.State.READ
    assert Report.objects.get().state == Report.State.COUNTED
    assert DirtyMonth.objects.exists()
    review = Review.objects.get()
    assert (review.decision, review.by, review.reason) == ("released", reviewer, "They told us by phone.")
    assert Sender.objects.get().pings == 1


def test_a_ping_that_comes_and_goes_is_counted_once_among_those_of_its_sender() -> None:
    an_indicator()
    ids = [a_held_ping().pk, a_ping(hostname="b.example.com").pk, a_ping(hostname="c.example.com").pk]
    worker.read_all()
    release_pings(ids=ids, by=None, reason="Fine.")
    hold_pings(ids=ids[:2], by=None, reason="Odd.")
    reject_pings(ids=ids, by=None, reason="Not at all.")
    assert release_pings(ids=ids, by=None, reason="Fine after all.") == ids
    assert list(Sender.objects.values_list("pings", flat=True)) == [1, 1, 1]


def test_several_are_rejected_at_once_and_doing_it_again_changes_nothing() -> None:
    an_indicator()
    pings = [a_held_ping("a.example.com"), a_held_ping("b.example.com")]
    ids = [ping.pk for ping in pings]
    assert reject_pings(ids=ids, by=None, reason="Spoofed.") == ids
    assert reject_pings(ids=ids, by=None, reason="Spoofed.") == []
    assert set(Report.objects.values_list("state", flat=True)) == {Report.State.REJECTED}


def test_a_ping_that_counts_can_be_held_later() -> None:
    ping = a_ping()
    worker.read_all()
    hold_pings(ids=[ping.pk], by=None, reason="Test rig.")
    ping.refresh_from_db()
    assert (ping.state, ping.held) == (Ping.State.QUARANTINED, "Test rig.")
    assert Report.objects.get().state == Report.State.HELD


def test_a_decision_without_reason_is_refused() -> None:
    an_indicator()
    ping = a_held_ping()
    with pytest.raises(NoReason):
        release_pings(ids=[ping.pk], by=None, reason=" ")
    ping.refresh_from_db()
    assert ping.state == Ping.State.QUARANTINED


def test_a_failed_ping_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    ping = a_ping()
    with monkeypatch.context() as patch:
        patch.setattr(worker, "read", lambda body, plan: 1 / 0)
        worker.read_all()
    ping.refresh_from_db()
    assert ping.state == Ping.State.FAILED
    assert retry_pings() == 1
    worker.read_all()
    ping.refresh_from_db()
    assert (ping.state, ping.cause) == (Ping.State.READ, "")
