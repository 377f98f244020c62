from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from portal import words


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "–"),
        ("", "–"),
        (0, "0"),
        (2466667, "2,466,667"),
        (-1234, "−1,234"),
        (Decimal("1234.50"), "1,234.5"),
        (Decimal("1E+3"), "1,000"),
        (0.1, "0.1"),
        (True, "yes"),
        (float("nan"), "–"),
        ("many", "many"),
    ],
)
def test_numbers_have_separators_and_missing_is_a_dash(value: Any, said: str) -> None:
    assert words.number(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(312, "312"), (1800000, "1.8 M"), (940000, "940 K"), (999, "999"), (2.5e9, "2.5 B"), (None, "–")],
)
def test_labels_are_short(value: Any, said: str) -> None:
    assert words.compact(value) == said


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        (1031, 1000, ("▲ 3.1 %", "up")),
        (900, 1000, ("▼ 10.0 %", "down")),
        (5, 5, ("± 0 %", "none")),
        (7, 0, ("▲ from 0", "up")),
        (30, 10, ("▲ 200 %", "up")),
        (None, 3, ("", "none")),
        (3, None, ("", "none")),
    ],
)
def test_a_change_has_its_sign_and_per_cent(now: Any, before: Any, said: tuple[str, str]) -> None:
    assert words.change(now, before) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (0.2, "under 1 s"),
        (45, "45 s"),
        (200, "3 min 20 s"),
        (120, "2 min"),
        (7500, "2 h 5 min"),
        (86400, "1 day"),
        (400000, "4 days"),
    ],
)
def test_lengths_of_time_have_their_two_largest_parts(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said
    assert words.duration(timedelta(seconds=seconds)) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0 bytes"),
        (512, "512 bytes"),
        (1300, "1.3 KB"),
        (76210, "76 KB"),
        (1_300_000, "1.3 MB"),
        (5 * 10**15, "5000 TB"),
    ],
)
def test_sizes_are_rounded(value: int, said: str) -> None:
    assert words.size(value) == said


def test_days_and_months_are_written_out() -> None:
    assert words.month(date(2026, 10, 1)) == "Oct 2026"
    assert words.day(date(2026, 11, 20)) == "20 Nov 2026"
    assert words.month(None) == words.day(None) == "–"
    assert words.month("2026-10") == "Oct 2026"
    assert words.month("always") == "always"


def test_how_long_ago_is_said_by_the_largest_part() -> None:
    now = datetime(2026, 11, 28, 12, tzinfo=UTC)
    said = [words.ago(now - timedelta(**{unit: 3}), now) for unit in ("seconds", "minutes", "hours", "days")]
    assert said == ["just now", "3 min ago", "3 h ago", "3 days ago"]
    assert words.ago(now + timedelta(minutes=5), now) == "in 5 min"
