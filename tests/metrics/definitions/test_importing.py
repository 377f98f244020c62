"""The import: idempotent, good files in, faulty ones named, versions and slots as promised."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command

from metrics.definitions.catalogue import reading_plan
from metrics.definitions.hygiene import stored
from metrics.definitions.importing import import_definitions
from metrics.models import EventDefinition, MetricDefinition, MetricSlot
from tests.metrics.builders import definition, import_all, the_metric, write_definitions


def run(path: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """The command as it is called: exit code, stdout, stderr."""
    code = 0
    try:
        call_command("import_definitions", str(path), *arguments)
    except SystemExit as stopped:
        code = int(stopped.code or 0)
    out = capsys.readouterr()
    return code, out.out, out.err


def test_the_real_folder_comes_in_whole_and_a_second_time_changes_nothing(
    db: None, shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shared_data / "service_ping" / "metric_definitions"
    code, out, _ = run(folder, capsys, "--json")
    first = json.loads(out)
    assert code == 0
    assert first["files"] == 84
    assert len(first["created"]) == MetricDefinition.objects.count() == 86
    code, out, _ = run(folder, capsys, "--json")
    again = json.loads(out)
    assert (again["created"], again["updated"], again["unchanged"]) == ([], [], 86)
    assert not MetricDefinition.objects.exclude(version=1).exists()
    assert the_metric("usage_activity_by_stage_monthly.create.merge_requests").milestone_removed == "14.10"


def test_events_are_kept_and_are_no_error(db: None, shared_data: Path) -> None:
    report = import_definitions(path=shared_data / "service_ping" / "event_definitions")
    assert len(report.events_created) == EventDefinition.objects.count() == 16
    assert report.refused == []


def test_good_files_are_imported_and_faulty_ones_are_named(
    db: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_definitions(tmp_path, definition("a.good"))
    (tmp_path / "broken.yml").write_text("key_path: a.broken\nstatus: [")
    (tmp_path / "latin.yml").write_bytes(b"key_path: a.latin\ndescription: caf\xe9\n")
    code, out, err = run(tmp_path, capsys)
    assert code == 1
    assert "1 new" in out
    assert "refused: broken.yml, line 2: not valid YAML" in err
    assert "refused: latin.yml, line 2: byte" in err
    assert "2 refused and named above; everything else was imported." in err
    assert MetricDefinition.objects.get().key_path == "a.good"


def test_the_second_of_two_equal_key_paths_is_refused_with_both_names(db: None, tmp_path: Path) -> None:
    for name, words in (("one.yml", "first"), ("two.yml", "second")):
        (tmp_path / name).write_text(json.dumps(definition("a.b", description=words)))
    report = import_definitions(path=tmp_path)
    assert the_metric("a.b").description == "first"
    assert str(report.refused[0]) == (
        "two.yml, line 1: key_path: a.b is already defined in one.yml, line 1; this one is left"
    )


def test_a_missing_path_and_an_empty_folder_are_said(
    db: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(tmp_path / "nowhere", capsys)
    assert (code, "there is no such file" in err) == (1, True)
    code, _, err = run(tmp_path, capsys)
    assert (code, "holds no definition files" in err) == (1, True)


def test_a_wrong_month_is_said(db: None, tmp_path: Path) -> None:
    from django.core.management.base import CommandError

    with pytest.raises(CommandError, match="write YYYY-MM"):
        call_command("import_definitions", str(tmp_path), "--from", "October")


def test_a_change_raises_the_version_and_is_kept_in_the_history(db: None, tmp_path: Path) -> None:
    import_all(tmp_path, definition("a.b"))
    report = import_all(tmp_path, definition("a.b", description="Reworded"))
    assert report.updated == ["a.b"]
    changed = the_metric("a.b")
    assert (changed.version, changed.description) == (2, "Reworded")
    kept = apps.get_model("metrics", "MetricDefinitionEvent").objects.filter(pgh_obj=changed)
    assert set(kept.values_list("version", "description")) == {(1, "People who did something"), (2, "Reworded")}


def test_another_layout_of_the_same_file_is_no_new_version(db: None, tmp_path: Path) -> None:
    import_all(tmp_path, definition("a.b"))
    (tmp_path / "definitions.yml").write_text("# a comment\n" + json.dumps(definition("a.b")))
    assert import_definitions(path=tmp_path).unchanged == 1
    assert the_metric("a.b").version == 1


def test_numeric_definitions_get_slots_all_time_on_odd_pages_others_on_even(db: None, tmp_path: Path) -> None:
    import_all(
        tmp_path,
        definition("monthly"),
        definition("counter", time_frame="all"),
        definition("text", value_type="string"),
        definition("setting", time_frame="none"),
    )
    slots = dict(MetricDefinition.objects.values_list("key_path", "slot"))
    assert slots == {"monthly": 256, "counter": 128, "text": None, "setting": 257}


def test_a_page_of_128_slots_is_followed_by_the_next_of_its_kind(db: None, tmp_path: Path) -> None:
    import_all(tmp_path, *(definition(f"m{number:03}") for number in range(130)))
    slots = [slot for slot in MetricDefinition.objects.values_list("slot", flat=True) if slot]
    assert sorted(slots)[-3:] == [383, 512, 513]


def test_crossing_the_border_of_all_time_takes_a_new_slot_and_the_old_one_is_not_given_away(
    db: None, tmp_path: Path
) -> None:
    import_all(tmp_path, definition("a"))
    import_all(tmp_path, definition("a", time_frame="all"), definition("b"))
    assert (the_metric("a").slot, the_metric("b").slot) == (128, 257)
    assert MetricSlot.objects.get(slot=256).retired_at is not None


def test_the_reading_plan_follows_the_dictionary(db: None, tmp_path: Path) -> None:
    import_all(tmp_path, definition("a"), definition("topology", value_type="object"))
    plan = reading_plan()
    assert reading_plan() is plan
    assert plan.by_key_path["a"].slot == the_metric("a").slot
    assert plan.by_key_path["topology"].is_inner
    import_all(tmp_path, definition("a", status="removed"))
    assert reading_plan().version > plan.version
    assert reading_plan().by_key_path["a"].status == "removed"


def test_what_is_untidy_is_a_finding_and_no_reason_to_refuse(db: None, tmp_path: Path) -> None:
    import_all(tmp_path, definition("a", description=None, status="broken", data_source="ruby", tier=["free"]))
    codes = [finding.code for finding in stored(the_metric("a").findings)]
    assert codes == ["bad_field", "missing_description", "missing_repair_issue_url", "old_format"]


def test_others_are_told_after_the_commit(db: None, tmp_path: Path, django_capture_on_commit_callbacks: Any) -> None:
    from metrics.definitions.signals import definitions_changed

    told: list[tuple[str, ...]] = []

    def listen(*, key_paths: tuple[str, ...], **kwargs: object) -> None:
        told.append(key_paths)

    definitions_changed.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            import_all(tmp_path, definition("a"))
            import_all(tmp_path, definition("a"))
    finally:
        definitions_changed.disconnect(listen)
    assert told == [("a",)]
