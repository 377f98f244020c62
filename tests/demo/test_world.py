"""The generator of the demo's pings: pure, deterministic, and full of believable trouble."""

from __future__ import annotations

import ast
import gzip
import itertools
import json
from collections import defaultdict
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import telemetry.demo
from telemetry.demo.catalogue import COUNTERS, LATEST, OUTAGE_PATH, Kind, release_name, release_number
from telemetry.demo.world import Ping, World, first_of_month, last_month, make_world, slot_of

MONTH = date(2026, 10, 1)


@cache
def small() -> World:
    return make_world(MONTH, installations=16, months=6)


@cache
def full() -> World:
    return make_world(MONTH)


@cache
def pings() -> tuple[Ping, ...]:
    return tuple(small().pings())


def reading(body: dict[str, Any], path: str) -> Any:
    node: Any = body
    for key in path.split("."):
        node = node.get(key) if isinstance(node, dict) else None
    return node


def test_the_generator_knows_neither_django_nor_the_clock() -> None:
    modules = [path for path in Path(telemetry.demo.__path__[0]).glob("*.py") if path.name != "step.py"]
    assert len(modules) >= 7
    for path in modules:
        source = path.read_text()
        tree = ast.parse(source)
        imported = {
            (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
        }
        assert not any(name.startswith(("django", "portal", "stages", "metrics", "numpy")) for name in imported)
        assert ".now(" not in source
        assert ".today(" not in source


def test_the_same_month_gives_the_same_bytes() -> None:
    again = make_world(MONTH, installations=16, months=6)
    assert [p.body for p in again.pings()] == [p.body for p in pings()]
    assert again.spoofed() == small().spoofed()
    assert again.late_report() == small().late_report()
    assert again.offline_bundle() == small().offline_bundle()
    assert again.subscriptions_csv() == small().subscriptions_csv()
    assert again.readings_csv() == small().readings_csv()


@settings(max_examples=8, deadline=None)
@given(st.dates(min_value=date(2024, 1, 1), max_value=date(2040, 1, 1)), st.integers(9, 14), st.integers(2, 5))
def test_any_month_makes_a_sound_world(day: date, installations: int, months: int) -> None:
    world = make_world(last_month(day), installations=installations, months=months)
    assert world.end == first_of_month(day)
    seen: dict[tuple[str, str, Any], bytes] = {}
    arrived = None
    for ping in world.pings():
        assert arrived is None or arrived <= ping.received_at
        arrived = ping.received_at
        body = json.loads(ping.body)
        assert (body["uuid"], body["hostname"]) == (ping.uuid, ping.hostname)
        assert world.first_day <= ping.recorded_at.date() <= world.end
        assert ping.received_at > ping.recorded_at
        identity = (ping.uuid, ping.hostname, ping.recorded_at)
        assert ping.duplicate == (identity in seen)
        assert seen.setdefault(identity, ping.body) == ping.body


def test_of_the_current_month_only_what_has_arrived_is_there() -> None:
    today = date(2026, 11, 19)
    whole = make_world(MONTH, installations=12, months=2)
    begun = make_world(MONTH, until=today, installations=12, months=2)
    assert {p.body for p in whole.pings()} <= {p.body for p in begun.pings()}
    assert max(p.received_at.date() for p in begun.pings()) < today
    assert any(p.recorded_at.date() >= begun.end for p in begun.pings())


@given(st.uuids(version=4))
def test_a_slot_is_a_moment_of_the_week(uuid: object) -> None:
    weekday, hour, minute = slot_of(str(uuid))
    assert 0 <= weekday <= 6
    assert 0 <= hour <= 23
    assert 0 <= minute <= 59


def test_the_slot_follows_the_rule_of_the_wire() -> None:
    assert slot_of("d9e2f4e8-db1f-4e51-b03d-f427e1965c4a") == (4, 10, 44)


@given(st.integers(release_number("7.6"), LATEST))
def test_release_names_and_numbers_are_one_to_one(number: int) -> None:
    assert release_number(release_name(number)) == number


def test_an_installation_reports_weekly_on_its_own_weekday() -> None:
    for installation in small().installations:
        moments = list(small().slots(installation))
        assert {m.isoweekday() % 7 for m in moments} <= {slot_of(installation.uuid)[0]}
        assert all((b - a).days % 7 == 0 for a, b in itertools.pairwise(moments))


def test_counters_since_the_beginning_only_grow_but_for_a_reset() -> None:
    totals = [c.path for c in COUNTERS if c.kind is Kind.TOTAL and c.path != "counts.webhooks_sent_by_old_sender"]
    latest: dict[tuple[str, str, str], int] = {}
    resets = {i.identity for i in small().installations if i.reset_on}
    for ping in sorted(pings(), key=lambda p: p.recorded_at):
        body = json.loads(ping.body)
        for path in totals:
            value = reading(body, path)
            if isinstance(value, int):
                before = latest.get((ping.uuid, ping.hostname, path), 0)
                assert value >= before or (ping.uuid, ping.hostname) in resets, path
                latest[ping.uuid, ping.hostname, path] = value


def test_people_of_a_counter_are_never_more_than_all_people() -> None:
    people = [c.path for c in COUNTERS if c.kind in (Kind.PEOPLE_28D, Kind.PEOPLE_7D)]
    for ping in pings():
        body = json.loads(ping.body)
        for path in people:
            value = reading(body, path)
            assert value is None or value <= body["active_user_count"]


def test_versions_only_rise_and_end_at_the_latest() -> None:
    world = full()
    newest = 0
    for installation in world.installations:
        before = 0
        day = world.first_day
        while day < world.end:
            number = world.version_on(installation, day)
            assert number >= before
            before = number
            day += timedelta(days=5)
        newest = max(newest, before)
    assert newest == LATEST
    assert {release_name(LATEST)} <= {r.version.rsplit(".", 1)[0] for r in world.releases}


def test_every_version_that_is_sent_was_released_before() -> None:
    released = {r.version: r.released_on for r in full().releases}
    for ping in pings():
        body = json.loads(ping.body)
        if not body["version"].endswith("-pre"):
            assert released[body["version"].removesuffix("-ee")] <= ping.recorded_at.date()


def test_the_population_has_the_promised_size_and_mix() -> None:
    world = full()
    assert 190 <= len(world.installations) <= 240
    assert {i.edition for i in world.installations} >= {"CE", "EE", "EE Free", "EES", "EEP", "EEU"}
    assert {i.habit for i in world.installations} >= {"prompt", "monthly", "quarterly", "yearly", "never"}
    assert 140 <= len(world.subscriptions) <= 190
    reporting = {i.subscription for i in world.installations}
    assert sum(row[0] not in reporting for row in world.subscriptions) >= 25, "some never ping"
    listed = {row[0] for row in world.subscriptions}
    assert any(i.subscription and i.subscription not in listed for i in world.installations), "some are unlisted"
    assert any(not i.optional_data for i in world.installations)
    assert any(i.stops for i in world.installations)
    assert any(i.silent for i in world.installations)
    assert any(i.starts > world.first_day for i in world.installations)
    assert any(i.reset_on for i in world.installations)
    assert any(i.licence_ends for i in world.installations)


def test_the_whole_world_is_some_twelve_thousand_pings() -> None:
    count = sum(1 for installation in full().installations for _ in full().slots(installation))
    assert 11_000 <= count <= 13_500


def test_the_outage_is_two_months_of_minus_one_and_nothing_else() -> None:
    world = make_world(MONTH, installations=10, months=9)
    start, end = world.outage
    assert (start, end) == (date(2026, 3, 1), date(2026, 5, 1))
    values = defaultdict(set)
    for ping in world.pings():
        value = reading(json.loads(ping.body), OUTAGE_PATH)
        values[start <= ping.recorded_at.date() < end].add(value)
    assert values[True] == {-1}
    assert -1 not in values[False]


def test_the_clone_shares_a_uuid_with_another_host_name() -> None:
    clone = full().clone
    assert clone is not None
    assert len([i for i in full().installations if i.uuid == clone.uuid]) == 2


def test_staging_is_labelled_out_and_saas_is_named() -> None:
    by_host = {label.hostname: label for label in full().labels}
    assert by_host["staging.quayside.example"].exclude
    assert by_host["app.quayside.example"].delivery == "saas"


def test_late_and_duplicate_pings_are_among_the_others() -> None:
    assert any(p.duplicate for p in full_months())
    assert any((p.received_at - p.recorded_at).days >= 9 for p in full_months())


def full_months() -> list[Ping]:
    return list(make_world(MONTH, installations=40, months=4).pings())


def test_the_spoofed_ping_is_absurd_and_the_late_one_is_not() -> None:
    spoofed = json.loads(small().spoofed().body)
    assert spoofed["version"].startswith("99.")
    assert spoofed["usage_activity_by_stage_monthly"]["write"]["people_using_repositories"] == 999_999_999
    late = small().late_report()
    assert first_of_month(late.recorded_at.date()) == small().late_month
    assert late.recorded_at not in {p.recorded_at for p in pings()}


def test_the_late_month_is_final_whenever_the_world_is_made() -> None:
    for day in (date(2026, 11, 1), date(2026, 11, 30), date(2027, 3, 1)):
        month = make_world(last_month(day), installations=10, months=6).late_month
        assert (day - first_of_month(month, 1)).days > 71


def test_the_bundle_is_ten_weeks_of_one_installation() -> None:
    lines = [json.loads(line) for line in gzip.decompress(small().offline_bundle()).splitlines()]
    assert len(lines) == 10
    assert len({line["uuid"] for line in lines}) == 1
    assert lines[0]["uuid"] not in {p.uuid for p in pings()}


@pytest.mark.parametrize(("day", "expected"), [(date(2026, 1, 9), date(2025, 12, 1)), (date(2026, 11, 28), MONTH)])
def test_a_world_ends_with_the_month_before(day: date, expected: date) -> None:
    assert last_month(day) == expected
