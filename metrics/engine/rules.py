"""What a report says about its installation: edition, tier and version. No Django in here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

KNOWN_EDITIONS = frozenset({"CE", "EE", "EE Free", "EES", "EEP", "EEU"})
PLAN_TIERS = {"starter": "premium", "premium": "premium", "ultimate": "ultimate"}
EDITION_TIERS = {"EES": "premium", "EEP": "premium", "EEU": "ultimate"}
MINORS = 1000
"""Room for minor versions in a version number, see ``version_number``."""

_VERSION = re.compile(r"\s*v?(\d{1,4})\.(\d{1,3})(?!\d)")


@dataclass(frozen=True, slots=True)
class Traits:
    """The cut that a report falls into, with notes where something had to be assumed."""

    edition: str
    tier: str
    version_number: int | None
    notes: tuple[str, ...] = ()


def edition_of(raw: str) -> tuple[str, tuple[str, ...]]:
    """``CE`` is CE, everything else EE; a missing or unknown one is noted."""
    raw = raw.strip()
    if raw == "CE":
        return "CE", ()
    if not raw:
        return "EE", ("edition_missing",)
    if raw not in KNOWN_EDITIONS:
        return "EE", ("edition_unknown",)
    return "EE", ()


def tier_of(*, plan: str, expires_on: date | None, edition_raw: str, recorded_on: date) -> tuple[str, tuple[str, ...]]:
    """Free once the licence has expired; else by its plan, else by the edition."""
    if expires_on is not None and expires_on < recorded_on:
        return "free", ("licence_expired",)
    plan = plan.strip().lower()
    if plan in PLAN_TIERS:
        return PLAN_TIERS[plan], (("starter_as_premium",) if plan == "starter" else ())
    return EDITION_TIERS.get(edition_raw.strip(), "free"), ()


def version_number(text: str) -> int | None:
    """``13.12.4-ee`` as 13012, so that versions compare as numbers; ``None`` where there is no major.minor."""
    match = _VERSION.match(text)
    return int(match[1]) * MINORS + int(match[2]) if match else None


def version_text(number: int | None) -> str:
    """13012 as ``13.12``; empty for ``None``."""
    return "" if number is None else f"{number // MINORS}.{number % MINORS}"


def traits(*, version: str, edition: str, plan: str, expires_on: date | None, recorded_on: date) -> Traits:
    """All three of a report, as of the UTC date on which it was recorded."""
    short, notes = edition_of(edition)
    tier, more = tier_of(plan=plan, expires_on=expires_on, edition_raw=edition, recorded_on=recorded_on)
    return Traits(short, tier, version_number(version), notes + more)
