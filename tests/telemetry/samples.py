"""Pages of pings for the walk in the browser: one that was read with issues, one held back, one not read yet."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from telemetry import worker
from telemetry.models import Ping
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


SAMPLES = [
    a_ping_with_issues,
    a_ping_from_the_future,
    the_quarantine,
    a_ping_not_read_yet,
    the_pings_of_a_host,
]
