"""Edition, tier and version of a report."""

from __future__ import annotations

from datetime import date

import pytest

from metrics.engine.rules import edition_of, tier_of, traits, version_number, version_text

DAY = date(2026, 10, 5)


@pytest.mark.parametrize(
    ("raw", "edition", "notes"),
    [
        ("CE", "CE", ()),
        ("EE", "EE", ()),
        ("EEU", "EE", ()),
        ("", "EE", ("edition_missing",)),
        ("EE Free", "EE", ()),
        ("Core", "EE", ("edition_unknown",)),
        ("ce", "EE", ("edition_unknown",)),
    ],
)
def test_ce_is_ce_and_all_else_is_ee(raw: str, edition: str, notes: tuple[str, ...]) -> None:
    assert edition_of(raw) == (edition, notes)


@pytest.mark.parametrize(
    ("plan", "expires_on", "edition", "tier"),
    [
        ("ultimate", date(2026, 10, 4), "EEU", "free"),
        ("ultimate", date(2026, 10, 5), "EE", "ultimate"),
        ("starter", None, "EE", "premium"),
        ("premium", None, "CE", "premium"),
        ("gold", None, "EEP", "premium"),
        ("", None, "EES", "premium"),
        ("", None, "EEU", "ultimate"),
        ("", None, "EE", "free"),
        ("free", None, "CE", "free"),
    ],
)
def test_the_tier_goes_by_expiry_then_plan_then_edition(
    plan: str, expires_on: date | None, edition: str, tier: str
) -> None:
    assert tier_of(plan=plan, expires_on=expires_on, edition_raw=edition, recorded_on=DAY)[0] == tier


def test_starter_counts_as_premium_and_is_noted() -> None:
    what = traits(version="13.3.1", edition="EES", plan="starter", expires_on=None, recorded_on=DAY)
    assert (what.tier, what.notes) == ("premium", ("starter_as_premium",))


@pytest.mark.parametrize(
    ("text", "number"),
    [("13.12.4-ee", 13012), ("9.5", 9005), ("v15.0.0-pre", 15000), ("15", None), ("", None), ("x.1", None)],
)
def test_versions_are_major_and_minor(text: str, number: int | None) -> None:
    assert version_number(text) == number


def test_versions_compare_as_numbers() -> None:
    older, newer = version_number("13.9.0"), version_number("13.10.0")
    assert older is not None
    assert newer is not None
    assert older < newer
    assert version_text(13010) == "13.10"
