"""What a report says of its installation: version, edition, license, permitted categories. Nothing of it is trusted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from telemetry.reading.issues import storable

BIGGEST_SEATS = 2**31 - 1
_DAY = re.compile(r"(\d{4,})-(\d{2})-(\d{2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """The words of the report, cleaned to what can be kept; empty or ``None`` where it says nothing usable."""

    version: str = ""
    edition: str = ""
    installation_type: str = ""
    unique_instance_id: str = ""
    license_plan: str = ""
    license_expires_on: date | None = None
    subscription: str = ""
    license_user_count: int | None = None
    active_user_count: int | None = None
    categories: tuple[str, ...] | None = None

    @property
    def seats(self) -> int | None:
        """How many people it may or does have: the larger of seats and accounts, as far as they are told."""
        said = [number for number in (self.license_user_count, self.active_user_count) if number is not None]
        return max(said) if said else None


def about(root: Mapping[str, Any]) -> About:
    """What the report says, key by key; one unusable value costs none of the others."""
    return About(
        version=_word(root.get("version")),
        edition=_word(root.get("edition")),
        installation_type=_word(root.get("installation_type")),
        unique_instance_id=_word(root.get("unique_instance_id")),
        license_plan=_word(root.get("license_plan")),
        license_expires_on=_day(root.get("license_expires_at")),
        subscription=_word(root.get("license_subscription_id")),
        license_user_count=_seats(root.get("license_user_count")),
        active_user_count=_seats(root.get("active_user_count")),
        categories=_categories(root.get("settings")),
    )


def _word(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, int):
        return str(value) if abs(value) < 10**18 else ""
    return storable(value.strip())[:200] if isinstance(value, str) else ""


def _seats(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= BIGGEST_SEATS else None


def _day(value: Any) -> date | None:
    """A date; years beyond 9999 exist in licenses that never end and are read as the last day there is."""
    if not isinstance(value, str) or len(value) > 40 or not (match := _DAY.match(value.strip())):
        return None
    year, month, day = (int(part) for part in match.groups())
    if year > 9999:
        return date.max
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _categories(settings: Any) -> tuple[str, ...] | None:
    """The permitted data categories (sent since 14.1), or ``None``: unknown, which is not the same as none."""
    listed = settings.get("collected_data_categories") if isinstance(settings, dict) else None
    if not isinstance(listed, list) or not all(isinstance(word, str) for word in listed):
        return None
    return tuple(dict.fromkeys(storable(word.strip().lower())[:40] for word in listed[:20]))
