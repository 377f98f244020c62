"""What the demo world is made of: installations, their reports, labels and releases, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

SEED = "quayside"
MONTHS = 14
INSTALLATIONS = 226
FREE_EE, CE = "EE Free", "CE"

_SEASON = {12: 0.87, 1: 0.97, 7: 0.95, 8: 0.92, 4: 0.98}


def first_of_month(day: date, months: int = 0) -> date:
    """The first day of the month of ``day``, some months later or (negative) earlier."""
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def last_month(today: date) -> date:
    """The month before the one of ``today``: the newest of a demo world made today."""
    return first_of_month(today, -1)


def season(day: date) -> float:
    """What part of the usual activity there is in the month of a day."""
    return _SEASON.get(day.month, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One installation and its habits."""

    index: int
    uuid: str
    hostname: str
    account: str
    edition: str
    plan: str = ""
    subscription: str = ""
    seats: int = 0
    people: float
    growth: float
    starts: date
    stops: date | None = None
    silent: tuple[date, ...] = ()
    """Months (first days) in which nothing is sent."""
    habit: str = "monthly"
    """How it upgrades: prompt, monthly, quarterly, yearly or never."""
    optional_data: bool = True
    licence_ends: date | None = None
    reset_on: date | None = None
    saas: bool = False
    air_gapped: bool = False
    adoption: tuple[float, ...] = field(default=(), repr=False)
    """For each counter of the catalogue, what this installation makes of its usual share."""

    @property
    def identity(self) -> tuple[str, str]:
        return self.uuid, self.hostname


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """A report on its way: ``body`` is what is sent, ``received_at`` when it arrives."""

    uuid: str
    hostname: str
    recorded_at: datetime
    received_at: datetime
    body: bytes = field(repr=False)
    duplicate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What an administrator says about an installation."""

    uuid: str
    hostname: str
    delivery: str = ""
    exclude: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A version that exists, for the version check and for what is believable."""

    version: str
    released_on: date
    supported_until: date
    security: bool = False
    """It mends a hole of an earlier release."""
    vulnerable: bool = False
    """It has a known hole itself."""
    critical: bool = False
    details: str = ""
