"""Export, erasure, retention."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from metrics.models.facts import Installation, Report
from portal.jobs import may_retry
from portal.models import Job
from telemetry import worker
from telemetry.models import ErrorReport, IngestKey, Ping, PrivacyRecord, RawBody, Sender
from telemetry.tasks import retention
from telemetry.verbs.keys import make_ingest_key
from telemetry.verbs.privacy import digest_of_names, erase_installation, keep_retention
from telemetry.verbs.quantiles import compute_quantiles
from telemetry.verbs.reviews import reject_pings
from tests.builders import a_user, streamed
from tests.conftest import Clock
from tests.telemetry.builders import NOW, a_payload, a_ping, an_indicator

pytestmark = pytest.mark.django_db
UUID, HOST = a_payload()["uuid"], a_payload()["hostname"]


def partitions() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname LIKE 'telemetry\\_rawbody\\_20%' AND relkind = 'r'")
        return {row[0] for row in cursor.fetchall()}


def test_erasing_takes_everything_of_one_installation_and_leaves_a_record() -> None:
    a_ping()
    other = a_ping(hostname="other.example.com")
    worker.read_all()
    make_ingest_key(label="x", uuid=UUID, hostname=HOST)
    ErrorReport.objects.create(uuid=UUID, hostname=HOST, received_at=NOW)
    record = erase_installation(uuid=UUID, hostname=HOST, reason="They asked.")
    assert list(Ping.objects.all()) == [other]
    assert RawBody.objects.get().ping_id == other.pk
    assert Report.objects.get().source == other.source
    assert not Installation.objects.filter(hostname=HOST).exists()
    assert not IngestKey.objects.exists()
    assert not ErrorReport.objects.exists()
    assert Sender.objects.get().hostname == "other.example.com"
    assert (record.pings, record.digest) == (1, digest_of_names(UUID, HOST))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM telemetry_ingestkeyevent WHERE hostname = %s", [HOST])
        assert cursor.fetchone() == (0,)


def test_an_installations_key_hands_out_and_erases_its_own(client: Client) -> None:
    a_ping()
    a_ping(hostname="other.example.com")
    worker.read_all()
    _key, secret = make_ingest_key(label="x", uuid=UUID, hostname=HOST)
    headers = {"Authorization": f"Bearer {secret}"}
    answer = client.get("/api/v1/pings/own-data/", headers=headers)
    rows = [json.loads(line) for line in streamed(answer).splitlines()]
    assert [row["record"] for row in rows][:2] == ["installation", "ping"]
    assert json.loads(rows[1]["body"])["hostname"] == HOST
    assert "other.example.com" not in str(rows)
    url = "/api/v1/pings/own-data/"
    assert client.post(url, {"hostname": "x"}, headers=headers, content_type="application/json").status_code == 403
    assert client.post(url, {"hostname": HOST}, headers=headers, content_type="application/json").status_code == 200
    assert Ping.objects.get().hostname == "other.example.com"
    assert set(PrivacyRecord.objects.values_list("kind", flat=True)) == {"exported", "erased"}


def test_an_administrator_erases_only_what_is_named_twice() -> None:
    a_ping()
    client = Client()
    client.force_login(a_user("", "administrator"))
    given: dict[str, Any] = {"uuid": UUID, "hostname": HOST, "confirm": "else", "reason": "r"}
    assert client.post("/telemetry/privacy/", given).status_code == 400
    assert Ping.objects.exists()
    assert client.post("/telemetry/privacy/", {**given, "confirm": HOST}).status_code == 302
    assert not Ping.objects.exists()
    assert client.get(f"/telemetry/privacy/export/?uuid={UUID}&hostname={HOST}").status_code == 200


def test_retention_is_per_kind() -> None:
    old = a_ping(recorded_at="2015-01-05T00:00:00Z")
    young = a_ping(recorded_at="2026-11-05T00:00:00Z")
    rejected = a_ping(recorded_at="2026-10-05T00:00:00Z", received_at=timezone.now() - timedelta(days=200))
    worker.read_all()
    reject_pings(ids=[rejected.pk], by=None, reason="x")
    ErrorReport.objects.create(received_at=timezone.now() - timedelta(days=200))
    Ping.objects.filter(pk=young.pk).update(address="192.0.2.0/24", received_at=timezone.now() - timedelta(days=60))
    assert "telemetry_rawbody_2015_01" in partitions()
    gone = keep_retention()
    assert set(RawBody.objects.values_list("ping_id", flat=True)) == {young.pk}
    assert "telemetry_rawbody_2015_01" not in partitions()
    assert gone["error reports"] == 1
    young.refresh_from_db()
    assert young.address == ""
    assert Ping.objects.filter(pk=old.pk).exists()
    keep_retention()


def test_retention_reaches_bodies_of_any_date_and_takes_none_that_is_to_be_read() -> None:
    long_ago = timezone.now() - timedelta(days=6 * 366)
    early = a_ping(recorded_at="1999-01-05T00:00:00Z", received_at=long_ago)
    late = a_ping(recorded_at="2044-01-05T00:00:00Z", received_at=long_ago)
    just_come = a_ping(recorded_at="1999-02-05T00:00:00Z")
    worker.read_all()
    unread = a_ping(recorded_at="2015-01-05T00:00:00Z")
    assert keep_retention()["raw bodies"] == 2
    assert set(RawBody.objects.values_list("ping_id", flat=True)) == {just_come.pk, unread.pk}
    assert set(Ping.objects.values_list("pk", flat=True)) == {early.pk, late.pk, just_come.pk, unread.pk}


def test_the_partition_of_a_short_month_is_made_from_the_31st_too() -> None:
    assert "telemetry_rawbody_2031_02" not in partitions()
    keep_retention(now=datetime(2031, 1, 31, 12, tzinfo=UTC))
    assert {f"telemetry_rawbody_2031_0{month}" for month in (1, 2, 3)} <= partitions()


def test_the_population_is_measured(clock: Clock) -> None:
    clock.at(NOW)
    an_indicator()
    for number in range(1, 12):
        a_ping(hostname=f"h{number}", users=number * 10)
    worker.read_all()
    assert compute_quantiles() == 1
    from telemetry.models import Quantile

    row = Quantile.objects.get()
    assert (row.population, row.median) == (11, 60.0)
    assert compute_quantiles() == 1


def test_what_cannot_be_deleted_costs_nothing_else_and_is_found_under_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    ErrorReport.objects.create(received_at=timezone.now() - timedelta(days=200))

    def full(before: Any) -> int:
        raise OSError("disk full")

    monkeypatch.setattr("telemetry.verbs.privacy._drop_bodies", full)
    retention.apply()
    assert not ErrorReport.objects.exists()
    row = Job.objects.get()
    assert (row.name, row.state) == ("Delete what has been kept long enough", "failed")
    assert "raw bodies: OSError: disk full" in row.error
    assert may_retry(row)
