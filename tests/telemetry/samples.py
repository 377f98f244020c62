"""Pages of pings for the walk in the browser: one that was read with issues, one held back, one not read yet."""

from __future__ import annotations

from datetime import timedelta

import orjson
from django.utils import timezone

from telemetry import worker
from telemetry.accepting import compress
from telemetry.metadata import count_reports
from telemetry.models import MetadataReport, Organisation, Ping, SigningKey, UnknownKey
from telemetry.verbs.keys import hold_installation, make_ingest_key
from tests.telemetry.builders import a_ping

LONG = "code.a-rather-long-name-of-a-company-that-does-not-fit.example"


def a_ping_with_issues() -> str:
    now = timezone.now()
    ping = a_ping(
        hostname=LONG,
        received_at=now,
        recorded_at=(now - timedelta(days=2)).isoformat(),
        counts={"things": -1, "words": "many", "a_key_that_nobody_has_defined_and_that_is_rather_long": 7},
    )
    worker.read_all()
    return f"/telemetry/pings/{ping.pk}/"


def a_ping_from_the_future() -> str:
    now = timezone.now()
    ping = a_ping(uuid="from-the-future", received_at=now, recorded_at=(now + timedelta(days=40)).isoformat())
    worker.read_all()
    return f"/telemetry/pings/{ping.pk}/"


def the_quarantine() -> str:
    return "/telemetry/quarantine/"


def a_ping_not_read_yet() -> str:
    now = timezone.now()
    return f"/telemetry/pings/{a_ping(uuid='not-read-yet', received_at=now, recorded_at=now.isoformat()).pk}/"


def the_pings_of_a_host() -> str:
    return f"/telemetry/pings/?q={Ping.objects.order_by('pk')[0].hostname}"


def a_metadata_report() -> str:
    entries = [[LONG.replace("-", "_"), 9.5, ""], ["counts.broken", None, "statement timeout " * 20]]
    report = MetadataReport.objects.create(
        uuid="from-the-future", received_at=timezone.now(), metrics=2, failures=1, body=compress(orjson.dumps(entries))
    )
    count_reports()
    return f"/telemetry/metadata/{report.pk}/"


def an_unknown_key() -> str:
    return f"/telemetry/unknown/{UnknownKey.objects.order_by('pk')[0].pk}/"


def an_organisation_with_installations() -> str:
    organisation = Organisation.objects.create(name="A company with a name that is rather long GmbH & Co. KG")
    make_ingest_key(label="all of them", organisation=organisation)
    hold_installation(organisation=organisation, uuid="b" * 36, hostname=LONG)
    return f"/telemetry/organisations/{organisation.pk}/"


def the_signing_keys() -> str:
    SigningKey.objects.create(label="Somebody who signs", public_key="a" * 64, uuid="c" * 36, hostname=LONG)
    return "/telemetry/signing-keys/"


SAMPLES = [
    a_ping_with_issues,
    a_ping_from_the_future,
    the_quarantine,
    a_ping_not_read_yet,
    the_pings_of_a_host,
    a_metadata_report,
    an_unknown_key,
    an_organisation_with_installations,
    the_signing_keys,
]
