"""The benchmarks' table and page, and what becomes of a case that fails."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.bench import harness
from tests.bench.harness import Bench, Result, Row, case, table
from tests.bench.load import key_paths
from tests.bench.one import load, measure
from tests.bench.page import page


def test_the_table_shows_median_range_ratio_and_whether_the_budget_is_met() -> None:
    text = table(
        [
            Row(work="bare", samples=[1000.0, 1200.0, 1100.0], unit="/s"),
            Row(work="portal", samples=[800.0], unit="/s", ratio=0.727, budget="≥ 0.6", met=True, note="0 errors"),
        ]
    )
    head, line, bare, portal = text.splitlines()
    assert head.startswith("| work ")
    assert set(line) <= set("|- ")
    assert [cell.strip() for cell in bare.split("|")[1:4]] == ["bare", "1,100 /s", "1,000–1,200"]
    assert [cell.strip() for cell in portal.split("|")[2:7]] == ["800 /s", "", "0.73", "≥ 0.6 ✓", "0 errors"]


def test_two_cases_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "CASES", {})
    case("accept", lambda bench: [])
    with pytest.raises(ValueError, match="Two benchmark cases are named 'accept'"):
        case("accept", lambda bench: [])


def good(bench: Bench) -> Sequence[Row]:
    """Counts to three.

    The row is
    the count.
    """
    return [
        Row(work="counting", samples=[3.0], unit="/s", budget="≥ 4", met=False),
        Row(work="… aloud", samples=[1.0], unit="/s", budget="≥ 2", met=False),
    ]


def bad(bench: Bench) -> Sequence[Row]:
    """Never comes to an end."""
    raise RuntimeError("the floor\ngave way")


def test_a_case_that_fails_is_a_section_of_the_page_and_costs_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(harness, "CASES", {})
    monkeypatch.setattr("tests.bench.one.CASES", harness.CASES)
    case("good", good)
    case("bad", bad)
    results = [measure(name, Bench(folder=tmp_path)) for name in ("good", "bad")]
    assert "RuntimeError: the floor" in capsys.readouterr().err

    text = page(results, "a machine")

    assert "> a machine" in text
    assert "0 of 2 budgets are met." in text
    assert "Missed: good: counting (≥ 4); good: counting … aloud (≥ 2). Failed, and so not measured: bad." in text
    assert "## good\n\nCounts to three.\n\nThe row is the count.\n\n| work " in text
    assert (
        "## bad\n\nNever comes to an end.\n\n**This case failed in this run:** `RuntimeError: the floor gave way`"
        in text
    )


def test_a_result_comes_over_from_the_process_of_its_case(tmp_path: Path) -> None:
    result = Result(name="one", words="Words.", rows=[Row(work="w", samples=[1.5, 2.0], unit="s", met=True)], seconds=3)
    file = tmp_path / "result.json"
    file.write_text(json.dumps(asdict(result)))
    assert load(file) == result


def test_the_lag_of_a_ping_ends_when_as_many_as_were_acknowledged_can_be_seen() -> None:
    from tests.bench.cases_live import draining, lags

    seen = [(9.0, 100), (11.0, 101), (12.5, 101), (13.0, 103)]
    assert lags(seen, [10.0, 10.5, 13.5], before=100) == [1.0, 2.5, 0.0]
    assert draining(seen, 11.0) == "1 /s once no more came"
    assert draining(seen, 13.0) == "nothing left once no more came"


def test_the_leaves_that_are_defined_are_leaves_of_the_ping() -> None:
    assert len(set(key_paths(2000))) == 2000
    assert set(key_paths(150)) < set(key_paths(2000))
