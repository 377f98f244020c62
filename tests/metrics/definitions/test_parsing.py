"""Entries to definitions: both formats, list time frames, faults that say what was expected."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from metrics.definitions.files import Fault, read_bytes
from metrics.definitions.parsing import ParsedDefinition, indicator_kinds, parse_definition
from tests.metrics.builders import definition


def parsed(fields: dict[str, Any], *, allow_unknown_fields: bool = False) -> tuple[list[ParsedDefinition], list[Fault]]:
    entries, faults = read_bytes(yaml.safe_dump(fields).encode(), "metric.yml")
    assert faults == []
    return parse_definition(entries[0], allow_unknown_fields=allow_unknown_fields)


def test_the_old_format_becomes_the_new_one() -> None:
    old = definition(
        "a.b", status="data_available", data_category="Optional", tiers=None, tier=["free", "starter", "gold"]
    )
    (made,), _ = parsed(old | {"product_category": "web_ide", "distribution": ["ce", "ee"], "skip_validation": True})
    assert made.values["status"] == "active"
    assert made.values["data_category"] == "optional"
    assert made.values["tiers"] == ["free", "premium", "ultimate"]
    assert made.values["product_categories"] == ["web_ide"]
    assert made.values["distribution"] == ["ce", "ee"]


@pytest.mark.parametrize(
    ("written", "kept"),
    [("implemented", "active"), ("deprecated", "deprecated"), ("not_used", "not_used"), ("broken", "broken")],
)
def test_a_status_is_mapped_or_stays_its_own_word(written: str, kept: str) -> None:
    (made,), _ = parsed(definition("a.b", status=written))
    assert made.values["status"] == kept


def test_a_list_of_time_frames_makes_a_definition_for_each() -> None:
    made, _ = parsed(definition("count", time_frame=["7d", "28d", "all"]))
    assert [(one.key_path, one.values["time_frame"]) for one in made] == [
        ("count_weekly", "7d"),
        ("count_monthly", "28d"),
        ("count", "all"),
    ]


def test_a_scalar_time_frame_adds_nothing_to_the_key_path() -> None:
    (made,), _ = parsed(definition("count_weekly", time_frame="7d"))
    assert made.key_path == "count_weekly"


def test_old_events_in_the_options_are_events_too() -> None:
    (made,), _ = parsed(definition("a", options={"events": ["git_write_action"]}))
    assert made.values["events"] == [{"name": "git_write_action"}]


@pytest.mark.parametrize(
    ("change", "key", "words"),
    [
        ({"key_path": None}, "key_path", "missing"),
        ({"key_path": "a..b"}, "key_path", "single dots"),
        ({"value_type": "integer"}, "value_type", "expected one of string, number, boolean, object"),
        ({"status": None}, "status", "it is missing"),
        ({"time_frame": "14d"}, "time_frame", "expected one of 7d, 28d, all, none"),
        ({"time_frame": ["7d", "none"]}, "time_frame", "expected a list of different ones of 7d, 28d, all"),
        ({"time_frame": ["7d", "7d"]}, "time_frame", "different"),
        ({"data_category": "secret"}, "data_category", "expected one of operational"),
        ({"tiers": {"free": True}}, "tiers", "expected a list of words, found a mapping"),
        ({"description": ["a"]}, "description", "expected text, found a list"),
        ({"events": [{"unique": "user.id"}]}, "events", "expected events with a name"),
        ({"desciption": "typing error"}, "desciption", "did you mean description?"),
        ({"quite_new": 1}, "quite_new", "no field of a metric definition"),
    ],
)
def test_a_fault_names_its_key_and_what_was_expected(change: dict[str, Any], key: str, words: str) -> None:
    made, faults = parsed({k: v for k, v in (definition("a.b") | change).items() if v is not None})
    assert made == []
    assert faults[0].key == key
    assert faults[0].line is not None
    assert words in faults[0].message


def test_unknown_fields_are_kept_when_asked_for() -> None:
    (made,), faults = parsed(definition("a.b", quite_new=1), allow_unknown_fields=True)
    assert faults == []
    assert made.raw["quite_new"] == 1
    assert made.notes == ("unknown field quite_new, kept as read",)


def test_of_a_file_with_several_windows_the_monthly_metric_is_the_indicator() -> None:
    frames = ["7d", "28d"]
    kinds = {
        frame: indicator_kinds(types=["smau"], value_type="number", time_frame=frame, written_time_frame=frames)
        for frame in frames
    }
    assert kinds == {"7d": (), "28d": ("smau",)}


def test_what_is_no_number_is_no_indicator() -> None:
    assert indicator_kinds(types=["smau"], value_type="string", time_frame="28d", written_time_frame="28d") == ()
