"""Unknown keys are counted over the population, exactly, whoever dies in between."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from metrics.definitions.signals import definitions_changed
from telemetry import tasks, worker
from telemetry.models import Ping, UnknownKey, UnknownKeySet
from telemetry.verbs.privacy import keep_retention
from telemetry.verbs.unknown import fold_unknown
from tests.telemetry.builders import a_metric, a_ping

pytestmark = pytest.mark.django_db


def counted() -> dict[str, tuple[int, str]]:
    """The counts of keys below ``counts``."""
    keys = UnknownKey.objects.filter(key_path__startswith="counts.")
    return {key.key_path: (key.pings, key.value_kind) for key in keys}


def test_pings_of_different_keys_are_counted_key_by_key() -> None:
    for number in range(3):
        a_ping(hostname=f"a{number}", counts={"x": 1, "y": 2})
    last = a_ping(hostname="b", counts={"y": "text", "deeper": {"z": None}})
    worker.read_all(batch=2)
    assert counted() == {"counts.x": (3, "number"), "counts.y": (4, "string"), "counts.deeper.z": (1, "null")}
    assert UnknownKey.objects.get(key_path="counts.y").example == last


def test_a_set_is_the_same_in_any_order_of_its_keys() -> None:
    a_ping(hostname="a", counts={"x": 1, "y": 2})
    a_ping(hostname="b", counts={"y": 2, "x": 1})
    worker.read_all()
    assert UnknownKeySet.objects.get(key_paths__contains=["counts.x"]).pings == 2


def test_what_was_counted_is_folded_once() -> None:
    a_ping(counts={"x": 1})
    worker.read_all()
    assert fold_unknown() == 0
    assert counted() == {"counts.x": (1, "number")}


def test_what_a_dead_process_counted_is_folded_by_the_next() -> None:
    a_ping(counts={"x": 1})
    worker.read_batch()
    assert not counted()
    assert tasks.backlog()
    assert worker.read_all() == 0
    assert counted() == {"counts.x": (1, "number")}
    assert not tasks.backlog()


def test_a_body_that_goes_the_careful_way_is_counted_too() -> None:
    a_ping(hostname="a", counts={"x": 1, "note": "with \\ and \u0000"})
    a_ping(hostname="b", counts={"x": 1})
    worker.read_all()
    assert counted() == {"counts.x": (2, "number"), "counts.note": (1, "string")}


def test_a_set_that_is_not_seen_any_more_goes_and_its_keys_stay() -> None:
    a_ping(counts={"x": 1})
    worker.read_all()
    UnknownKeySet.objects.update(last_seen_at=timezone.now() - timedelta(days=90))
    assert keep_retention()["key sets"]
    assert counted() == {"counts.x": (1, "number")}
    a_ping(hostname="b", counts={"x": 1})
    worker.read_all()
    assert counted() == {"counts.x": (2, "number")}


def test_keys_that_get_a_definition_leave_the_list() -> None:
    a_ping(counts={"x": 1, "y": 2}, settings={"flag": True}, topology={"nodes": {"a": 1}}, other=1)
    worker.read_all()
    a_metric("settings.flag", value_type="boolean")
    a_metric("topology", value_type="object")
    a_metric("counts.x", slot=7)
    definitions_changed.send(sender=None, key_paths=("settings.flag", "topology", "counts.x"), actor=None)
    assert set(UnknownKey.objects.values_list("key_path", flat=True)) >= {"counts.y", "other"}
    assert not UnknownKey.objects.filter(key_path__in=["settings.flag", "topology.nodes.a", "counts.x"]).exists()


def test_erasing_the_example_leaves_the_count() -> None:
    a_ping(counts={"x": 1})
    worker.read_all()
    Ping.objects.all().delete()
    assert counted() == {"counts.x": (1, "number")}
    assert UnknownKeySet.objects.exists()
