"""A ping side by side with what its installation sent before and with the population: what a reviewer must see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from metrics.definitions.catalogue import ReadingPlan
from metrics.past import PastReport, months_of
from telemetry import population
from telemetry.judging import Value
from telemetry.models import Ping, Quantile
from telemetry.queries import reading_of

MONTHS = 6
MOST_ROWS = 12


@dataclass(frozen=True, slots=True)
class Line:
    """One metric: as sent, in the months before (the newest first; ``None`` = no value), and over the population."""

    key_path: str
    now: Value | None
    before: tuple[Value | None, ...]
    is_suspicious: bool
    median: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class MonthBefore:
    """The report that counted in a month."""

    recorded_at: datetime
    ping_id: int | None
    version: str
    seats: int | None


@dataclass(frozen=True, slots=True)
class Beside:
    """All of it. ``lines`` begin with the metrics that a rule named, then the indicators that moved most."""

    seats: int | None
    months: tuple[MonthBefore, ...]
    lines: tuple[Line, ...]
    body_gone: bool


def beside_history(ping: Ping, plan: ReadingPlan) -> Beside:
    """What a reviewer compares."""
    reading = reading_of(ping, plan)
    now: Mapping[str, Value] = reading.values if reading is not None else {}
    named = [path for path in now if f"{path} is " in ping.held]
    indicators = population.watched(population.INDICATORS, plan)
    slots = {
        definition.slot: path
        for path in {*named, *indicators}
        if (definition := plan.by_key_path.get(path)) is not None and definition.slot is not None
    }
    past = months_of((ping.uuid, ping.hostname), slots, before=ping.recorded_at, count=MONTHS)
    before = {path: tuple(report.values.get(slot) for report in past) for slot, path in slots.items()}
    there = (path for path in before if path in now or any(value is not None for value in before[path]))
    paths = sorted(there, key=lambda path: (path not in named, -_moved(now.get(path), before[path]), path))[:MOST_ROWS]
    usual = {row.key_path: row for row in Quantile.objects.filter(key_path__in=paths)}
    return Beside(
        seats=reading.about.seats if reading is not None else None,
        months=tuple(_month(report) for report in past),
        lines=tuple(
            Line(
                path,
                now.get(path),
                before[path],
                path in named,
                usual[path].median if path in usual else None,
                usual[path].high if path in usual else None,
            )
            for path in paths
        ),
        body_gone=reading is None,
    )


def _moved(now: Value | None, before: Sequence[Value | None]) -> float:
    """How far a value is from the last one, whichever is larger; a new one has moved from nothing."""
    last, value = Decimal(next((value for value in before if value is not None), 0)), Decimal(now or 0)
    # As decimals: an integer may be of any size, its quotient always fits into a float.
    return float(abs(value - last) / max(abs(value), abs(last), Decimal(1)))


def _month(report: PastReport) -> MonthBefore:
    number = report.source.removeprefix("telemetry:")
    ping_id = int(number) if number != report.source and number.isdecimal() else None
    return MonthBefore(report.recorded_at, ping_id, report.version, report.seats)
