"""The benchmarks' table."""

from __future__ import annotations

import pytest

from tests.bench import harness
from tests.bench.harness import Row, case, table


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
