"""Stored pings are a usable source: reading again, and filling back."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError

from metrics.definitions.catalogue import ReadingPlan, raise_version, reading_plan
from metrics.definitions.signals import definitions_changed
from metrics.facts import Missing
from metrics.models import DirtyMonth, MetricDefinition
from metrics.models.facts import Report, ReportPage
from portal.models import Job
from telemetry import tasks, worker
from telemetry.accepting import accept, prepare
from telemetry.models import Backfill, IssueCount, Ping, Reread, RereadRun, Sender, UnknownKey
from telemetry.queries import used_in
from telemetry.reading import PARSER_VERSION, quick
from telemetry.reading.classify import Reading
from telemetry.verbs import backfill, rereading
from telemetry.verbs.backfill import fill_some, plan_backfill, run_backfill
from telemetry.verbs.rereading import plan_reread, reread_ping, reread_some, run_reread
from tests.telemetry.builders import CREATE, a_metric, a_payload, a_ping, an_indicator

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
    done = Backfill.objects.get()
    assert (done.state, done.filled, done.looked_at) == ("done", 5, 5)
    assert Job.objects.get(pk=done.job_id or 0).state == Job.State.DONE
    assert not UnknownKey.objects.filter(key_path="counts.late").exists()


def test_a_back_fill_that_was_cut_off_goes_on_where_it_was() -> None:
    pings = [a_ping(hostname=f"host-{number}", counts={"late": 1}) for number in range(5)]
    worker.read_all()
    a_metric("counts.late", slot=7)
    planned = plan_backfill(key_paths=["counts.late"])
    assert planned is not None
    assert fill_some(planned, reading_plan(), size=2) == 2
    done = run_backfill(planned.pk)
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


def as_an_older_parser(monkeypatch: pytest.MonkeyPatch, **said: Any) -> None:
    """Until undone, pings are read wrongly: 12 for every value, and what is ``said``."""

    def wrongly(body: bytes, plan: ReadingPlan) -> Reading:
        reading = quick.read(body, plan)
        reading.readings = dict.fromkeys(reading.readings, 12)
        reading.about = replace(reading.about, **said)
        return reading

    monkeypatch.setattr(worker, "read", wrongly)
    monkeypatch.setattr(worker, "PARSER_VERSION", 0)


def test_reading_again_corrects_values_and_words_and_the_figure_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    an_indicator()
    with monkeypatch.context() as patch:
        as_an_older_parser(patch, version="1.0", edition="CE", license_plan="")
        ping = a_ping(users=120)
        worker.read_all()
    assert Report.objects.get().tier == "free"
    DirtyMonth.objects.all().delete()
    change = reread_ping(ping=ping)
    assert {(value.what, value.before, value.after) for value in change.values} >= {
        (CREATE, "12", "120"),
        ("version", "1.0", "17.5.1"),
        ("edition", "CE", "EE"),
        ("tier", "free", "ultimate"),
        ("license_plan", "none", "ultimate"),
    }
    assert change.filled == 0
    kept = Reread.objects.get()
    assert (kept.from_parser, kept.to_parser) == (0, PARSER_VERSION)
    assert {"what": "version", "before": "1.0", "after": "17.5.1"} in kept.changes["values"]
    standing = Report.objects.exclude(state="replaced").get()
    assert (standing.version, standing.tier, standing.state) == ("17.5.1", "ultimate", "counted")
    assert ReportPage.objects.get(report=standing).values[2] == 120
    assert {(f"{row.month:%Y-%m}", row.cause) for row in DirtyMonth.objects.all()} == {
        ("2026-11", "re-read"),
        ("2026-12", "re-read"),
    }
    ping.refresh_from_db()
    assert (ping.version, ping.edition, ping.parser_version) == ("17.5.1", "EEU", PARSER_VERSION)
    assert Sender.objects.get().version == "17.5.1"
    assert used_in(ping)[0].part != "replaced"
    assert reread_ping(ping=ping).is_empty


def test_issues_over_the_population_follow_a_reading_again() -> None:
    ping = a_ping(counts={"late": -1})
    worker.read_all()
    a_metric("counts.late", slot=7)
    reread_ping(ping=ping)
    assert IssueCount.objects.get(kind="timed_out").pings == 1
    MetricDefinition.objects.all().delete()
    raise_version()
    reread_ping(ping=ping)
    assert IssueCount.objects.get(kind="timed_out").pings == 0


def test_a_run_over_all_pings_goes_on_where_it_was_and_says_so_under_tasks() -> None:
    pings = [a_ping(hostname=f"host-{number}", counts={"late": number}) for number in range(5)]
    worker.read_all()
    a_metric("counts.late", slot=7)
    run = plan_reread(scope="all")
    assert reread_some(run, size=2) == 2
    done = run_reread(run.pk)
    assert done is not None
    assert (done.state, done.looked_at, done.changed) == ("done", 5, 5)
    assert [value_of(ping, 7) for ping in pings] == [0, 1, 2, 3, 4]
    job = Job.objects.get()
    assert (job.state, job.total, job.message) == ("done", 3, "5 of 5 pings changed")
    assert Reread.objects.count() == 5


def test_only_pings_of_an_older_parser_are_read_again_where_that_is_asked() -> None:
    old, _new = a_ping(hostname="old"), a_ping(hostname="new")
    worker.read_all()
    Ping.objects.filter(pk=old.pk).update(parser_version=0)
    run_reread(plan_reread(scope="older").pk)
    assert [reread.ping for reread in Reread.objects.all()] == [old]


@pytest.mark.parametrize("what", ["back-fill", "reading again"])
def test_a_ping_that_raises_costs_no_other_and_the_run_says_which_and_is_tried_again(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pings = [a_ping(hostname=f"host-{number}", counts={"late": 1}) for number in range(3)]
    worker.read_all()
    a_metric("counts.late", slot=7)
    run: Backfill | RereadRun | None
    module: ModuleType
    if what == "back-fill":
        run, module, name, task = plan_backfill(key_paths=["counts.late"]), backfill, "classify", tasks.fill_back
    else:
        run, module, name, task = plan_reread(scope="all"), rereading, "reading_of", tasks.reread
    assert run is not None
    real, calls = getattr(module, name), []

    def fails_once(*given: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("a defect of ours")
        return real(*given, **options)

    monkeypatch.setattr(module, name, fails_once)
    assert task() == 0
    run.refresh_from_db()
    cause = f"ping {pings[1].pk}: RuntimeError: a defect of ours"
    assert (run.state, run.failed, run.cause) == ("failed", 1, cause)
    assert [value_of(ping, 7) for ping in pings] == [1, None, 1]
    job = Job.objects.get()
    assert job.state == Job.State.FAILED
    assert cause in job.error
    assert task() == 0  # a failed run waits for somebody, it is not tried for ever
    assert len(calls) == 3
    getattr(tasks, job.retry["task"].rsplit(".")[-1])(*job.retry["args"])
    run.refresh_from_db()
    assert (run.state, run.failed, run.cause) == ("done", 0, "")
    assert [value_of(ping, 7) for ping in pings] == [1, 1, 1]


def test_a_run_waits_where_the_database_is_in_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    ping = a_ping(counts={"late": 1})
    worker.read_all()
    a_metric("counts.late", slot=7)
    run = plan_reread(scope="all")
    with monkeypatch.context() as patch:
        patch.setattr(rereading, "reread_ping", lambda **given: going_down())
        assert tasks.reread() == 0
    run.refresh_from_db()
    assert (run.state, run.failed) == ("running", 0)
    assert tasks.reread() == 1
    run.refresh_from_db()
    assert run.state == "done"
    assert value_of(ping, 7) == 1


def going_down() -> None:
    """What Django raises when the server stops."""
    raise OperationalError("terminating connection due to administrator command")


def test_a_run_that_raises_does_not_stay_running(monkeypatch: pytest.MonkeyPatch) -> None:
    a_ping(counts={"late": 1})
    worker.read_all()
    a_metric("counts.late", slot=7)
    run = plan_backfill(key_paths=["counts.late"])
    assert run is not None

    def broken(*given: Any) -> int:
        raise RuntimeError("no plan")

    monkeypatch.setattr(backfill, "fill_some", broken)
    with pytest.raises(RuntimeError):
        run_backfill(run.pk)
    run.refresh_from_db()
    assert (run.state, run.cause) == ("failed", "RuntimeError: no plan")
    assert UnknownKey.objects.filter(key_path="counts.late").exists()


def test_the_command_reads_again_and_says_so() -> None:
    ping = a_ping(counts={"late": 3})
    worker.read_all()
    a_metric("counts.late", slot=7)
    out = io.StringIO()
    call_command("reread_pings", ping.pk, json=True, stdout=out)
    answer = json.loads(out.getvalue())
    assert (answer["read"], answer["changed"], answer["changes"][0]["filled"]) == (1, 1, 1)
    assert answer["changes"][0]["values"] == [{"what": "counts.late", "before": "absent", "after": "3"}]


def test_the_command_for_all_goes_on_with_a_run_that_was_cut_off() -> None:
    for number in range(3):
        a_ping(hostname=f"host-{number}", counts={"late": 3})
    worker.read_all()
    a_metric("counts.late", slot=7)
    reread_some(plan_reread(scope="all"), size=1)
    out = io.StringIO()
    call_command("reread_pings", all=True, json=True, stdout=out)
    assert json.loads(out.getvalue()) == {"read": 3, "changed": 3, "failed": 0}
    assert RereadRun.objects.count() == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8 with escapes"])
def test_a_name_is_found_however_its_body_is_written(encoding: str) -> None:
    text = json.dumps(a_payload(counts={"late": 6}))
    body = text.replace("late", "l\\u0061te").encode() if "escapes" in encoding else text.encode(encoding)
    ping = Ping.objects.get(pk=accept(prepare(body), channel="http", hint=False).ping_id)
    worker.read_all()
    a_metric("counts.late", slot=7)
    definitions_changed.send(sender=None, key_paths=("counts.late",), actor=None)
    assert value_of(ping, 7) == 6
