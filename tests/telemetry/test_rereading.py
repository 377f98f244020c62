"""Stored pings are a usable source: reading again, and filling back."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import call_command

from metrics.definitions.signals import definitions_changed
from metrics.facts import Missing
from metrics.models.facts import Report, ReportPage
from portal.models import Job
from telemetry import worker
from telemetry.accepting import accept, prepare
from telemetry.models import Backfill, Ping, Reread, UnknownKey
from telemetry.verbs.rereading import fill_some, plan_backfill, reread_ping, run_backfill
from tests.telemetry.builders import a_metric, a_payload, a_ping

pytestmark = pytest.mark.django_db


def value_of(ping: Ping, slot: int) -> int | None:
    page = ReportPage.objects.filter(report__source=ping.source, page=slot // 128).first()
    if page is None or bytes(page.states)[slot % 128] == Missing.ABSENT:
        return None
    return page.values[slot % 128]


def test_a_definition_that_arrives_later_is_filled_back_at_once_in_a_command() -> None:
    pings = [a_ping(hostname=f"host-{number}", counts={"late": number}) for number in range(5)]
    worker.read_all()
    assert UnknownKey.objects.filter(key_path="counts.late").exists()
    a_metric("counts.late", slot=7)
    definitions_changed.send(sender=None, key_paths=("counts.late",), actor=None)
    assert [value_of(ping, 7) for ping in pings] == [0, 1, 2, 3, 4]
    backfill = Backfill.objects.get()
    assert (backfill.state, backfill.filled, backfill.looked_at) == ("done", 5, 5)
    assert Job.objects.get(pk=backfill.job_id or 0).state == Job.State.DONE
    assert not UnknownKey.objects.filter(key_path="counts.late").exists()


def test_a_back_fill_that_was_cut_off_goes_on_where_it_was() -> None:
    pings = [a_ping(hostname=f"host-{number}", counts={"late": 1}) for number in range(5)]
    worker.read_all()
    a_metric("counts.late", slot=7)
    backfill = plan_backfill(key_paths=["counts.late"])
    assert backfill is not None
    from metrics.definitions.catalogue import reading_plan

    assert fill_some(backfill, reading_plan(), size=2) == 2
    done = run_backfill(backfill.pk)
    assert done is not None
    assert (done.looked_at, done.filled) == (5, 5)
    assert [value_of(ping, 7) for ping in pings] == [1] * 5


def test_nothing_is_planned_where_nothing_can_be_found() -> None:
    assert plan_backfill(key_paths=["counts.late"]) is None
    a_ping()
    assert plan_backfill(key_paths=["counts.late"]) is None
    a_metric("settings.text", value_type="string")
    assert plan_backfill(key_paths=["settings.text"]) is None


def test_a_held_ping_is_filled_too_and_stays_held() -> None:
    ping = a_ping(recorded_at="2020-01-01T00:00:00Z", counts={"late": 3})
    worker.read_all()
    a_metric("counts.late", slot=7)
    definitions_changed.send(sender=None, key_paths=("counts.late",), actor=None)
    assert value_of(ping, 7) == 3
    assert Report.objects.get().state == Report.State.HELD


def test_reading_again_reports_what_changed() -> None:
    ping = a_ping(counts={"late": "3"})
    worker.read_all()
    a_metric("counts.late", slot=7)
    change = reread_ping(ping=ping)
    assert [issue["kind"] for issue in change.new_issues] == ["wrong_type"]
    assert change.filled == 1
    assert Reread.objects.get().changes["new_issues"][0]["key"] == "counts.late"
    assert reread_ping(ping=ping).is_empty


def test_the_command_reads_again_and_says_so() -> None:
    ping = a_ping(counts={"late": 3})
    worker.read_all()
    a_metric("counts.late", slot=7)
    out = io.StringIO()
    call_command("reread_pings", ping.pk, json=True, stdout=out)
    answer = json.loads(out.getvalue())
    assert (answer["read"], answer["changed"], answer["changes"][0]["filled"]) == (1, 1, 1)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8 with escapes"])
def test_a_name_is_found_however_its_body_is_written(encoding: str) -> None:
    text = json.dumps(a_payload(counts={"late": 6}))
    body = text.replace("late", "l\\u0061te").encode() if "escapes" in encoding else text.encode(encoding)
    ping = Ping.objects.get(pk=accept(prepare(body), channel="http", hint=False).ping_id)
    worker.read_all()
    a_metric("counts.late", slot=7)
    definitions_changed.send(sender=None, key_paths=("counts.late",), actor=None)
    assert value_of(ping, 7) == 6
