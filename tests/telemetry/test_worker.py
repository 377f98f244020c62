"""From accepted to read, and through the door of facts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from metrics import facts
from metrics.definitions.catalogue import ReadingPlan
from metrics.models.facts import Report
from telemetry import worker
from telemetry.models import IssueCount, Ping, Sender, UnknownKey
from telemetry.reading import quick
from telemetry.reading.classify import Reading
from tests.telemetry.builders import CREATE, NOW, a_metric, a_ping, an_indicator

pytestmark = pytest.mark.django_db


def read(ping: Ping) -> Ping:
    worker.read_all()
    ping.refresh_from_db()
    return ping


def test_a_ping_is_read_and_recorded() -> None:
    an_indicator()
    ping = read(a_ping(users=120, counts={"new": 1}, odd="x"))
    assert ping.state == Ping.State.READ
    assert ping.values_ok == 1
    report = Report.objects.get()
    assert (report.source, report.state) == (ping.source, Report.State.COUNTED)
    assert UnknownKey.objects.get(key_path="counts.new").pings == 1
    assert Sender.objects.get().last_ping == ping


def test_issues_are_named_kept_and_counted() -> None:
    an_indicator()
    a_metric("counts.a", slot=3)
    ping = read(a_ping(users=-1, counts={"a": "12"}))
    assert {(issue.kind, issue.key_path) for issue in ping.told} == {("timed_out", CREATE), ("wrong_type", "counts.a")}
    assert ping.issue_total == 2
    assert IssueCount.objects.get(kind="timed_out").pings == 1
    assert IssueCount.objects.get(kind="timed_out").month == NOW.date().replace(day=1)


def test_a_suspicious_ping_is_held_and_moves_nothing() -> None:
    an_indicator()
    ping = read(a_ping(users=999_999_999))
    assert ping.state == Ping.State.QUARANTINED
    assert "more than any installation" in ping.held
    assert Report.objects.get().state == Report.State.HELD
    assert not Sender.objects.exists()
    assert not UnknownKey.objects.exists()


def test_a_trusted_ping_is_never_held() -> None:
    an_indicator()
    assert read(a_ping(users=999_999_999, trusted=True)).state == Ping.State.READ


def test_growth_is_judged_within_a_batch_too() -> None:
    an_indicator()
    first = a_ping(users=300)
    second = a_ping(users=8_000, recorded_at=(NOW + timedelta(hours=1)).isoformat(), license_user_count=9_000)
    read(first)
    second.refresh_from_db()
    assert second.state == Ping.State.QUARANTINED
    assert "after 300" in second.held


@pytest.mark.parametrize(
    ("recorded_at", "words"),
    [
        (NOW + timedelta(days=3), "after it came"),
        (NOW - timedelta(days=400), "before it came"),
    ],
)
def test_moments_far_from_receipt_are_held(recorded_at: datetime, words: str) -> None:
    assert words in read(a_ping(recorded_at=recorded_at.isoformat())).held


def test_a_clone_is_remarked_and_counted() -> None:
    read(a_ping())
    clone = read(a_ping(hostname="clone.example.com"))
    assert clone.state == Ping.State.READ
    assert clone.notes == [
        "The same uuid also pings under another host name: a clone, a restored backup or a shared image."
    ]


def test_a_ping_that_cannot_be_read_fails_alone_with_its_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = a_ping(), a_ping(hostname="bad.example.com")

    def refuse(body: bytes, plan: ReadingPlan) -> Reading:
        if b"bad.example.com" in body:
            raise RuntimeError("a defect of ours")
        return quick.read(body, plan)

    monkeypatch.setattr(worker, "read", refuse)
    worker.read_all()
    good.refresh_from_db()
    bad.refresh_from_db()
    assert good.state == Ping.State.READ
    assert (bad.state, bad.cause) == (Ping.State.FAILED, "RuntimeError: a defect of ours")


def test_one_report_that_metrics_refuses_costs_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = a_ping(), a_ping(hostname="bad.example.com")
    real = facts.record_reports

    def record(reports: Any) -> Any:
        if any(report.hostname == "bad.example.com" for report in reports):
            raise ValueError("not this one")
        return real(reports)

    monkeypatch.setattr(facts, "record_reports", record)
    worker.read_all()
    good.refresh_from_db()
    bad.refresh_from_db()
    assert (good.state, bad.state) == (Ping.State.READ, Ping.State.FAILED)
    assert "not this one" in bad.cause


def test_a_sender_that_comes_back_after_silence_is_noticed() -> None:
    read(a_ping(recorded_at=datetime(2026, 9, 1, tzinfo=UTC).isoformat()))
    read(a_ping())
    sender = Sender.objects.get()
    assert sender.back_at == NOW
    assert sender.silence_days == 80
