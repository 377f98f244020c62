"""What a source hands over, and what it is told in return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from metrics.engine.pages import Reading
from metrics.models.facts import Population
from metrics.periods import Month

LATE_REPORT = "late report"
QUARANTINED = "quarantined"
QUARANTINE_RELEASED = "quarantine released"
REJECTED = "rejected"
BACK_FILLED = "back-filled"
REREAD = "re-read"
ERASED = "erased"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportFacts:
    """What one report says. ``readings`` go by metric slot; slots that are left out count as absent.

    ``recorded_at`` has a time zone. ``categories`` are the data categories that the sender permitted, ``None`` =
    unknown. ``held`` says why the report is kept in quarantine; empty = it counts.
    """

    uuid: str
    hostname: str
    recorded_at: datetime
    source: str
    version: str = ""
    edition: str = ""
    license_plan: str = ""
    license_expires_on: date | None = None
    subscription: str = ""
    license_user_count: int | None = None
    categories: tuple[str, ...] | None = None
    readings: Mapping[int, Reading] = field(default_factory=dict)
    population: str = Population.ALL.value
    held: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """What became of one report: ``created`` is false where the same identity was there already (it stands).

    ``source`` is the reference of the report that stands, ``state`` its state: counted, held or rejected.
    """

    report_id: int
    installation_id: int
    month: Month
    created: bool
    state: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """What one month makes of a report.

    ``part`` is one of: month_report (it is the one that counts), waiting (its month has not been counted yet), baseline
    (for the counters of the next month), superseded (a later report of the month counts), published (it counted when
    the month was published, and does not any more), held, rejected, excluded. ``figures`` are the ids of the indicator
    figures that a value of this report is part of.
    """

    month: Month
    part: str
    report_id: int
    installation_id: int
    figures: tuple[str, ...] = ()


def clean(text: str) -> str:
    """Text that PostgreSQL can keep: no NUL, no lone surrogates, no blanks around it."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8").strip()
