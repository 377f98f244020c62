"""An installation gets everything that is stored of it, and nothing of it stays when it is erased."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.apps import apps
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from metrics.facts import fill_slots
from metrics.models.facts import Installation, InstallationLabel, Report
from telemetry import worker
from telemetry.accepting import compress
from telemetry.metadata import count_reports
from telemetry.models import (
    ErrorReport,
    IdempotentAnswer,
    IngestKey,
    MetadataReport,
    Ping,
    SigningKey,
)
from telemetry.verbs.handover import export_installation
from telemetry.verbs.keys import make_ingest_key
from telemetry.verbs.privacy import erase_installation
from telemetry.verbs.rereading import reread_ping
from telemetry.verbs.reviews import reject_pings
from telemetry.verbs.uploads import preview_upload
from tests.builders import a_user, streamed
from tests.telemetry.builders import CREATE, a_body, a_payload, a_ping, an_indicator

UUID, HOST = a_payload()["uuid"], a_payload()["hostname"]
OTHER = "other.example.com"

HANDED_OUT = {
    "telemetry.Sender": "installation",
    "telemetry.Ping": "ping",
    "telemetry.Review": "decision",
    "telemetry.Reread": "read again",
    "telemetry.MetadataReport": "metadata report",
    "telemetry.ErrorReport": "error report",
    "telemetry.IngestKey": "ingest key",
    "telemetry.IngestKeyEvent": "change of an ingest key",
    "telemetry.IdempotentAnswer": "answer to an Idempotency-Key",
    "telemetry.KeyHolder": "key holder",
    "telemetry.SigningKey": "signing key",
    "telemetry.SigningKeyEvent": "change of a signing key",
    "telemetry.UploadItem": "uploaded file",
    "metrics.Installation": "known installation",
    "metrics.InstallationLabel": "label",
    "metrics.InstallationLabelEvent": "change of a label",
    "metrics.Report": "report",
    "metrics.MonthReport": "report of a month",
}
WITHIN_ANOTHER = {
    "metrics.ReportPage": "readings of the report",
    "metrics.Refill": "refilled of the report",
}
NOTHING_OF_ITS_OWN = {
    "telemetry.UnknownKey": "a key over the whole population; its example may be one of the pings",
    "telemetry.UnknownKeySet": "keys over the whole population",
    "metrics.DirtyMonth": "a note for the roll-up, gone within seconds",
}


def about_an_installation() -> set[str]:
    """Every model that names an installation, or refers to one that does."""
    models = [model for app in ("telemetry", "metrics") for model in apps.get_app_config(app).get_models()]
    found = {model for model in models if {"uuid", "hostname"} <= {field.name for field in model._meta.fields}}
    while more := {model for model in models if model not in found and refers(model, found)}:
        found |= more
    return {model._meta.label for model in found}


def refers(model: type[Model], to: set[Any]) -> bool:
    return any(field.related_model in to for field in model._meta.fields if field.is_relation)


def test_every_model_about_an_installation_is_handed_out_or_says_why_not() -> None:
    assert about_an_installation() == {*HANDED_OUT, *WITHIN_ANOTHER, *NOTHING_OF_ITS_OWN}


def a_whole_life() -> None:
    """Something of every kind, and another installation beside it."""
    definition = an_indicator()
    reviewer = a_user("", "reviewer")
    pings = [a_ping(), a_ping(recorded_at="2026-10-20T10:00:00Z"), a_ping(hostname=OTHER, uuid="other")]
    worker.read_all()
    reread_ping(ping=pings[0], by=reviewer)
    reject_pings(ids=[pings[1].pk], by=reviewer, reason="too high")
    now = timezone.now()
    for uuid in (UUID, "other"):
        metadata = compress(b'[["counts.x", 1.5, ""]]')
        MetadataReport.objects.create(uuid=uuid, received_at=now, body=metadata)
        ErrorReport.objects.create(uuid=uuid, received_at=now, message="without a host name")
    count_reports()
    key, _secret = make_ingest_key(label="x", uuid=UUID, hostname=HOST)
    IdempotentAnswer.objects.create(key=key, name="n", sha256=b"", status=202, answer={})
    SigningKey.objects.create(label="s", public_key="0" * 64, uuid=UUID, hostname=HOST)
    InstallationLabel.objects.create(uuid=UUID, hostname=HOST, kind="exclusion", excluded=True, reason="a test")
    preview_upload(sources=[("late.json", a_body(recorded_at="2026-09-20T10:00:00Z"))], by=None)
    report = Report.objects.get(source=pings[0].source)
    assert definition.slot is not None
    fill_slots(report, {definition.slot: 120}, cause="back-filled")
    month_of(report)


def month_of(report: Report) -> None:
    from metrics.engine.rollup import roll_up_month
    from metrics.periods import Month

    roll_up_month(Month.of(report.recorded_at))


@pytest.mark.django_db
def test_an_installation_gets_everything_and_nothing_stays_of_it_when_it_is_erased() -> None:
    a_whole_life()
    rows = list(export_installation(uuid=UUID, hostname=HOST))
    assert {row["record"] for row in rows} == {*HANDED_OUT.values(), "handed out or erased"}
    text = json.dumps(rows, default=str)
    assert OTHER not in text
    assert "digest" not in text
    report = next(row for row in rows if row["record"] == "report")
    assert report["readings"][CREATE] == "120"
    assert sum(row["record"] == "ping" for row in rows) == 2
    erase_installation(uuid=UUID, hostname=HOST, reason="They asked.")
    for label in about_an_installation():
        model = apps.get_model(label)
        if {"uuid", "hostname"} <= {field.name for field in model._meta.fields}:
            assert not model._default_manager.filter(uuid=UUID).exists(), label
    assert not MetadataReport.objects.filter(uuid=UUID).exists()
    assert Ping.objects.get().hostname == OTHER
    assert MetadataReport.objects.get().uuid == ErrorReport.objects.get().uuid == "other"
    assert Installation.objects.filter(hostname=OTHER).exists()
    assert [row["record"] for row in export_installation(uuid=UUID, hostname=HOST)] == ["handed out or erased"] * 3


@pytest.mark.django_db
def test_what_only_says_a_uuid_that_two_share_belongs_to_neither() -> None:
    a_ping()
    a_ping(hostname=OTHER)
    worker.read_all()
    ErrorReport.objects.create(uuid=UUID, received_at=timezone.now())
    assert "error report" not in {row["record"] for row in export_installation(uuid=UUID, hostname=HOST)}
    erase_installation(uuid=UUID, hostname=HOST, reason="They asked.")
    assert ErrorReport.objects.exists()


@pytest.mark.django_db
def test_both_doors_hand_out_the_same(client: Client) -> None:
    a_whole_life()
    _key, secret = make_ingest_key(label="again", uuid=UUID, hostname=HOST)
    administrator = Client()
    administrator.force_login(a_user("", "administrator"))
    by_page = administrator.get("/telemetry/privacy/export/", {"uuid": UUID, "hostname": HOST})
    by_key = client.get("/api/v1/pings/own-data/", headers={"Authorization": f"Bearer {secret}"})
    kinds = [{json.loads(line)["record"] for line in streamed(answer).splitlines()} for answer in (by_page, by_key)]
    assert kinds[0] == kinds[1] >= set(HANDED_OUT.values())
    assert IngestKey.objects.count() == 2
