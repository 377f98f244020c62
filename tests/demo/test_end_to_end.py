"""A small demo world through the real path: accepted, read, judged, recorded, rolled up, closed, restated."""

from __future__ import annotations

import json
from datetime import date
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from metrics.demo.step import run as make_the_dictionary
from metrics.models import Installation, Report
from stages.demo.step import run as make_the_catalog
from telemetry.demo.step import build, run
from telemetry.demo.world import World, make_world
from telemetry.models import Ping
from tests.builders import a_user
from tests.conftest import Clock

pytestmark = pytest.mark.django_db


def silence(words: str) -> None:
    """For steps whose words do not matter."""


@pytest.fixture
def world(clock: Clock) -> World:
    """Twelve installations and staging over seven months, made on a day of November 2026."""
    clock.at("2026-11-19 10:00")
    made = make_world(date(2026, 10, 1), until=date(2026, 11, 19), installations=12, months=7)
    make_the_catalog(silence)
    make_the_dictionary(silence)
    build(made, silence)
    return made


def figure(**asked: str) -> dict[str, Any]:
    out = StringIO()
    call_command("figures", "--json", *(f"--{name}={value}" for name, value in asked.items()), stdout=out)
    (row,) = json.loads(out.getvalue())["results"]
    assert isinstance(row, dict)
    return row


def test_the_world_s_stories_are_seen_in_the_figures(world: World, client: Client) -> None:
    # Everything is read and nothing failed.
    assert set(Ping.objects.values_list("state", flat=True)) == {Ping.State.READ, Ping.State.QUARANTINED}
    assert Report.objects.filter(state="counted").exists()
    assert Installation.objects.filter(hostname="staging.quayside.example").exists()
    # A figure, with SaaS apart and staging nowhere.
    write = figure(indicator="smau", stage="write", month="2026-10")
    saas = figure(indicator="smau", stage="write", month="2026-10", delivery="saas")
    own = figure(indicator="smau", stage="write", month="2026-10", delivery="self_managed")
    assert write["recorded"] == saas["recorded"] + own["recorded"]
    assert saas["coverage"]["reporting"] == 1
    assert own["estimated"] >= own["recorded"] > 0
    # The outage is a gap and not a zero.
    outage = figure(indicator="smau", stage="store", month=f"{world.outage[1].replace(day=1):%Y-%m}")
    assert outage["recorded"] is not None, "the month after is whole again"
    assert world.outage[0] == date(2026, 3, 1), "before this small world begins"
    # The conflict gives no figure.
    flags = figure(indicator="gmau", group="flags", month="2026-10")
    assert flags["recorded"] is None
    assert "conflict" in flags["flags"]
    # No stage indicator: no figure, and it says so.
    assert figure(indicator="smau", stage="comply", month="2026-10")["flags"] == ["no_metric_mapped"]
    # The spoofed ping is held and moves nothing.
    (held,) = Ping.objects.filter(state=Ping.State.QUARANTINED)
    assert "99.1.0" in held.held
    assert write["recorded"] < 10_000_000
    # The late report restated a published month.
    live = figure(indicator="smau", stage="write", month="2026-06")
    published = figure(indicator="smau", stage="write", month="2026-06", **{"as": "published"})
    assert live["state"] == "final"
    assert "restated" in live["flags"]
    assert live["recorded"] > published["recorded"]
    # All of it is on the stage's page.
    client.force_login(a_user("somebody", "viewer"))
    page = client.get("/stages/write/").content.decode()
    assert f"{write['recorded']:,}" in page
    assert f"{write['estimated']:,}" in page
    # The current month has begun.
    assert figure(indicator="smau", stage="write", month="2026-11")["state"] == "open"


def test_the_same_world_again_changes_nothing(world: World) -> None:
    before = fingerprint()
    build(world, silence)
    assert fingerprint() == before


def test_the_step_leaves_a_world_that_is_there(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    clock.at("2026-11-19 10:00")
    small = make_world(date(2026, 10, 1), until=date(2026, 11, 19), installations=10, months=2)
    make_the_catalog(silence)
    make_the_dictionary(silence)
    monkeypatch.setattr("telemetry.demo.step.make_world", lambda month, until=None: small)
    run(silence)
    said: list[str] = []
    run(said.append)
    assert said == ["The world of October 2026 is there"]


def fingerprint() -> list[tuple[str, int]]:
    """How many rows each table of the figures and pings holds, and how often the figures were computed."""
    tables = [t for t in connection.introspection.table_names() if t.startswith(("metrics_", "telemetry_", "stages_"))]
    rows = []
    with connection.cursor() as cursor:
        for table in sorted(tables):
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            rows.append((table, cursor.fetchone()[0]))
    return rows
