"""Plausibility rules: which metrics they look at, and what clones, restores and moves look like."""

from __future__ import annotations

from datetime import timedelta

import pytest

from metrics.definitions.catalogue import reading_plan
from metrics.models import MetricDefinition
from stages.models import Group, Section, Stage
from telemetry import population, worker
from telemetry.models import Ping, PlausibilityRule, Quantile
from telemetry.verbs.quantiles import compute_quantiles
from telemetry.verbs.reviews import reject_pings
from tests.conftest import Clock
from tests.telemetry.builders import CREATE, NOW, a_metric, a_ping, an_indicator

pytestmark = pytest.mark.django_db


def read(ping: Ping) -> Ping:
    worker.read_all()
    ping.refresh_from_db()
    return ping


def later(weeks: int) -> str:
    return (NOW + timedelta(weeks=weeks)).isoformat()


def a_later_ping(weeks: int, **values: object) -> Ping:
    """A ping that came when it was recorded."""
    return read(a_ping(recorded_at=later(weeks), received_at=NOW + timedelta(weeks=weeks), **values))


def test_a_rule_looks_at_the_metrics_that_its_words_name() -> None:
    an_indicator()
    dev = Section.objects.create(key="dev-t", name="Dev")
    stage = Stage.objects.create(key="create-t", name="Create", section=dev)
    group = Group.objects.create(key="source_code_t", name="Source code", stage=stage)
    a_metric("counts.projects", slot=130, time_frame="all", group=group)
    a_metric("counts.issues", slot=131, time_frame="all")
    a_metric("settings.x", slot=None, value_type="string")
    everything = set(MetricDefinition.objects.values_list("key_path", flat=True))
    plan = reading_plan()
    for words, expected in {
        "": {CREATE},
        "indicators": {CREATE},
        "all": everything,
        "stage:create-t": {"counts.projects"},
        "group:source_code_t": {"counts.projects"},
        "stage:nothing": set(),
        "counts.*": {"counts.projects", "counts.issues"},
        "counts.i* | stage:create-t": {"counts.projects", "counts.issues"},
    }.items():
        assert population.watched(words, plan) == expected, words


@pytest.mark.parametrize("words", ["all", "counts.*"])
def test_growth_is_judged_by_any_metric_that_the_rule_names(words: str) -> None:
    for number in range(60):
        a_metric(f"counts.of_{number:02}", slot=128 + number, time_frame="all")
    PlausibilityRule.objects.filter(code="growth").update(metrics=words)
    before = {f"of_{number:02}": 100 for number in range(60)}
    assert a_later_ping(0, counts=before).state == Ping.State.READ
    held = a_later_ping(1, counts={**before, "of_59": 9_000_000})
    assert held.state == Ping.State.QUARANTINED
    assert held.held == "counts.of_59 is 9,000,000 after 100 in the ping before."


def test_growth_is_measured_from_the_last_ping_that_counts() -> None:
    an_indicator()
    first = a_later_ping(0, users=300)
    second = a_later_ping(1, users=4_000)
    reject_pings(ids=[second.pk], by=None, reason="A test rig.")
    assert "after 300 in" in a_later_ping(2, users=8_000, license_user_count=9_000).held
    assert first.held == ""


def test_quantiles_are_measured_of_what_a_rule_looks_at(clock: Clock) -> None:
    clock.at(NOW)
    an_indicator()
    a_metric("counts.a", slot=130, time_frame="all")
    PlausibilityRule.objects.filter(code="quantile").update(metrics="indicators|counts.a")
    for number in range(1, 4):
        read(a_ping(hostname=f"h{number}", users=number, counts={"a": number * 10}))
    assert compute_quantiles() == 2
    assert Quantile.objects.get(key_path="counts.a").median == 20
    PlausibilityRule.objects.filter(code="quantile").update(metrics="")
    population.forget()
    assert compute_quantiles() == 1
    assert not Quantile.objects.filter(key_path="counts.a").exists()


def test_a_value_far_beyond_the_population_is_held() -> None:
    an_indicator()
    Quantile.objects.create(key_path=CREATE, population=500, median=10, high=2_000, computed_at=NOW)
    held = read(a_ping(users=250_000, license_user_count=400_000))
    assert held.held == f"{CREATE} is 250,000, far beyond what 999 of 1,000 installations have."


def test_a_server_that_was_moved_is_remarked_once_and_counts() -> None:
    a_later_ping(0, unique_instance_id="old")
    moved = a_later_ping(1, unique_instance_id="new")
    assert (moved.state, len(moved.notes)) == (Ping.State.READ, 1)
    assert "another than before" in moved.notes[0]
    assert a_later_ping(2, unique_instance_id="new").notes == []


def test_a_clone_that_takes_turns_under_the_same_names_is_held(clock: Clock) -> None:
    clock.at(NOW)
    a_later_ping(-2, unique_instance_id="real")
    a_later_ping(-1, unique_instance_id="clone")
    third = a_later_ping(0, unique_instance_id="real")
    assert third.state == Ping.State.QUARANTINED
    assert "in turns" in third.held


def test_the_same_instance_under_another_name_is_remarked_without_naming_it() -> None:
    a_later_ping(0, unique_instance_id="one")
    renamed = a_later_ping(1, unique_instance_id="one", hostname="new.example.com")
    assert renamed.state == Ping.State.READ
    assert any("unique_instance_id also pings" in note for note in renamed.notes)
    assert "git.example.com" not in " ".join(renamed.notes)


def test_a_restored_backup_is_remarked_and_counts() -> None:
    for number in range(4):
        a_metric(f"counts.of_{number}", slot=130 + number, time_frame="all")
    a_later_ping(0, counts={f"of_{number}": 500 for number in range(4)})
    restored = a_later_ping(1, counts={f"of_{number}": 100 for number in range(4)})
    assert restored.state == Ping.State.READ
    assert "4 of 4 all-time counters fell" in restored.notes[0]
