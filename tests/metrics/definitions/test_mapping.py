"""The mapping: from types and groups, dated, with conflicts that people solve."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from metrics.definitions.mapping import (
    MappingRefused,
    follow_structure,
    map_indicator,
    resolve_conflict,
    unmap_indicator,
)
from metrics.definitions.months import month_text
from metrics.models import IndicatorMapping
from portal.models import User
from stages.models import Group, Stage
from tests.conftest import Clock
from tests.metrics.builders import a_small_catalog, definition, import_all, the_metric

MARCH, JUNE, JULY = date(2026, 3, 1), date(2026, 6, 1), date(2026, 7, 1)


def rows(kind: str = "smau") -> list[tuple[str | None, str, str, str]]:
    """Subject, metric, from and to of the rows of a kind."""
    found = IndicatorMapping.objects.filter(kind=kind).select_related("metric")
    return sorted(
        (row.subject_key, row.metric.key_path, month_text(row.from_month), month_text(row.to_month)) for row in found
    )


def typed(key_path: str, *kinds: str, **fields: object) -> dict[str, object]:
    return definition(key_path, performance_indicator_type=list(kinds), **fields)


def test_the_first_import_maps_all_months_by_type_and_group(catalog: None, tmp_path: Path) -> None:
    import_all(tmp_path, typed("push", "smau", "gmau", "umau", product_group="group::source code"))
    assert rows("smau") == [("create", "push", "", "")]
    assert rows("gmau") == [("source_code", "push", "", "")]
    assert rows("umau") == [("", "push", "", "")]


def test_a_later_change_holds_from_the_month_named(catalog: None, tmp_path: Path) -> None:
    import_all(tmp_path, typed("push", "smau"), typed("edit"))
    import_all(tmp_path, typed("push"), typed("edit", "smau"), from_month=JUNE)
    assert rows() == [("create", "edit", "2026-06", ""), ("create", "push", "", "2026-05")]


def test_without_a_month_a_later_change_holds_from_the_current_one(catalog: None, tmp_path: Path, clock: Clock) -> None:
    clock.at("2026-11-28")
    import_all(tmp_path, typed("push", "smau"))
    import_all(tmp_path, typed("push", "smau", product_group="project_management"))
    assert rows() == [("create", "push", "", "2026-10"), ("plan", "push", "2026-11", "")]


def test_a_new_definition_holds_for_all_months_even_when_others_are_older(catalog: None, tmp_path: Path) -> None:
    import_all(tmp_path, typed("push", "smau"))
    import_all(tmp_path, typed("push", "smau"), typed("edit", "smau"), from_month=JUNE)
    assert rows() == [("create", "edit", "", ""), ("create", "push", "", "")]


def test_an_unknown_group_is_kept_and_resolved_as_if_it_had_always_been_known(db: None, tmp_path: Path) -> None:
    import_all(tmp_path, typed("push", "smau", "gmau"))
    assert rows() == [(None, "push", "", "")]
    a_small_catalog()
    assert follow_structure() == 2
    assert rows() == [("create", "push", "", "")]
    assert rows("gmau") == [("source_code", "push", "", "")]
    assert the_metric("push").group == Group.objects.get(key="source_code")
    assert follow_structure() == 0


def test_a_group_that_moves_takes_its_metric_along_from_now_on(catalog: None, tmp_path: Path, clock: Clock) -> None:
    clock.at("2026-11-28")
    import_all(tmp_path, typed("push", "smau", "gmau"))
    Group.objects.filter(key="source_code").update(stage=Stage.objects.get(key="plan"))
    assert follow_structure() == 1
    assert rows() == [("create", "push", "", "2026-10"), ("plan", "push", "2026-11", "")]
    assert rows("gmau") == [("source_code", "push", "", "")]


def test_importing_the_same_again_leaves_a_persons_decision_alone(
    catalog: None, tmp_path: Path, reviewer: User
) -> None:
    import_all(tmp_path, typed("push", "smau"))
    unmap_indicator(kind="smau", subject_key="create", metric=the_metric("push"), reason="wrong", actor=reviewer)
    import_all(tmp_path, typed("push", "smau"))
    assert rows() == []


def test_mapping_a_metric_makes_the_one_before_give_way(catalog: None, tmp_path: Path, reviewer: User) -> None:
    import_all(tmp_path, typed("push", "smau"), typed("edit"))
    edit = the_metric("edit")
    map_indicator(kind="smau", subject_key="create", metric=edit, reason="better", actor=reviewer, from_month=JUNE)
    assert rows() == [("create", "edit", "2026-06", ""), ("create", "push", "", "2026-05")]


def test_mapping_within_bounds_leaves_both_ends(catalog: None, tmp_path: Path, reviewer: User) -> None:
    import_all(tmp_path, typed("push", "smau"), typed("edit"))
    for _twice in range(2):
        map_indicator(
            kind="smau",
            subject_key="create",
            metric=the_metric("edit"),
            reason="outage of push",
            actor=reviewer,
            from_month=MARCH,
            to_month=JUNE,
        )
    assert rows() == [
        ("create", "edit", "2026-03", "2026-06"),
        ("create", "push", "", "2026-02"),
        ("create", "push", "2026-07", ""),
    ]


def test_a_conflict_is_solved_by_choosing(catalog: None, tmp_path: Path, reviewer: User) -> None:
    import_all(tmp_path, typed("push", "smau"), typed("edit", "smau", product_group="code_review"))
    cut = resolve_conflict(
        kind="smau", subject_key="create", keep=the_metric("push"), reason="the wider one", actor=reviewer
    )
    assert cut == 1
    assert rows() == [("create", "push", "", "")]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "cmau"}, "no indicator"),
        ({"reason": " "}, "needs a reason"),
        ({"subject_key": "nowhere"}, "no stage 'nowhere'"),
        ({"from_month": JULY, "to_month": JUNE}, "before the first"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(
    catalog: None, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    import_all(tmp_path, typed("push"))
    given: dict[str, Any] = {
        "kind": "smau",
        "subject_key": "create",
        "metric": the_metric("push"),
        "reason": "why",
        "actor": None,
    }
    with pytest.raises(MappingRefused, match=words):
        map_indicator(**(given | change))


def test_a_text_cannot_be_a_figure(catalog: None, tmp_path: Path) -> None:
    import_all(tmp_path, typed("name", "smau", value_type="string"))
    assert rows() == []
    with pytest.raises(MappingRefused, match="only a number"):
        map_indicator(kind="smau", subject_key="create", metric=the_metric("name"), reason="why", actor=None)
