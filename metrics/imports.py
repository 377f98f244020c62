"""Facts from files: the list of subscriptions, and readings from elsewhere. Every faulty line is named.

Nothing is imported from a file with a faulty line, unless the good lines are asked for.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import transaction

from metrics.definitions.catalogue import reading_plan
from metrics.engine.rollup import known_months
from metrics.exact import Number, is_reasonable, plain
from metrics.facts import (
    BACK_FILLED,
    Missing,
    Reading,
    ReportFacts,
    clean,
    fill_slots,
    months_of,
    note,
    record_reports,
    wake_roll_up,
)
from metrics.models.facts import Delivery, Population, Report, Subscription

if TYPE_CHECKING:
    from portal.models import User

SUBSCRIPTION_COLUMNS = ("subscription_id", "account", "plan", "seats", "starts_on", "ends_on", "delivery")
READING_COLUMNS = ("uuid", "hostname", "recorded_at", "metric", "population", "value")
PLANS = ("free", "core", "starter", "premium", "ultimate", "oss", "edu")
"""The plans of today. No figure depends on it: the tier of an installation is what its report says."""

SUBSCRIPTIONS_CHANGED = "subscriptions changed"
READINGS = "readings:"
"""How the source reference of an imported reading begins."""

Row = TypeVar("Row")


class Unreadable(ValueError):
    """The file as a whole cannot be read; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that cannot be imported."""

    line: int
    sentence: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.sentence}"


@dataclass(slots=True)
class Outcome:
    """What an import did, or would do."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    imported: bool = False

    def as_document(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "imported": self.imported,
            "created": self.created,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "faults": [{"line": fault.line, "error": fault.sentence} for fault in self.faults],
            "notes": self.notes,
        }


def _lines(content: bytes, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str] | None]]:
    """The lines of a CSV with their numbers; ``None`` where a line has another number of fields than the head."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"The file is not UTF-8 (byte {error.start}).") from error
    if "\x00" in text:
        raise Unreadable("The file holds NUL bytes; it is no CSV.")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        head = [name.strip().lower() for name in next(reader, [])]
        missing = [name for name in columns if name not in head]
        if missing:
            raise Unreadable(
                f"The first line must name the columns {', '.join(columns)}; missing: {', '.join(missing)}."
            )
        twice = sorted({name for name in head if head.count(name) > 1})
        if twice:
            raise Unreadable(f"The first line names columns twice: {', '.join(twice)}.")
        for fields in reader:
            if not any(value.strip() for value in fields):
                continue
            if len(fields) != len(head):
                yield reader.line_num, None
                continue
            yield reader.line_num, {name: value.strip() for name, value in zip(head, fields, strict=True)}
    except csv.Error as error:
        raise Unreadable(f"The file is no CSV: line {reader.line_num}: {error}.") from error


def _read(
    content: bytes, columns: Sequence[str], parse: Callable[[int, Mapping[str, str]], Row]
) -> tuple[list[tuple[int, Row]], list[Fault]]:
    good: list[tuple[int, Row]] = []
    faults: list[Fault] = []
    for line, values in _lines(content, columns):
        if values is None:
            faults.append(Fault(line, "it has another number of fields than the first line."))
            continue
        try:
            good.append((line, parse(line, values)))
        except ValueError as error:
            faults.append(Fault(line, str(error)))
    return good, faults


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{name}: {text!r} is no date; write YYYY-MM-DD.") from error


def parse_subscription(_line: int, values: Mapping[str, str]) -> Subscription:
    """A line of the list; raises with every fault of the line."""
    faults: list[str] = []
    name = clean(values["subscription_id"])
    if not name:
        faults.append("subscription_id: it is empty.")
    plan = values["plan"].lower()
    if plan not in PLANS:
        faults.append(f"plan: {values['plan']!r} is unknown; it is one of {', '.join(PLANS)}.")
    seats = 0
    try:
        seats = int(values["seats"])
    except ValueError:
        faults.append(f"seats: {values['seats']!r} is no whole number.")
    if seats < 0:
        faults.append(f"seats: {seats} is less than 0.")
    if seats >= 2**63:
        faults.append(f"seats: {seats} is too large.")
    starts_on = ends_on = None
    try:
        starts_on = _day("starts_on", values["starts_on"])
    except ValueError as error:
        faults.append(str(error))
    try:
        ends_on = _day("ends_on", values["ends_on"]) if values["ends_on"] else None
    except ValueError as error:
        faults.append(str(error))
    if starts_on is not None and ends_on is not None and ends_on < starts_on:
        faults.append(f"ends_on: {ends_on} lies before starts_on {starts_on}.")
    delivery = values["delivery"].lower()
    if delivery not in Delivery.values:
        faults.append(f"delivery: {values['delivery']!r} is none; it is one of {', '.join(Delivery.values)}.")
    if faults or starts_on is None:
        raise ValueError(" ".join(faults))
    return Subscription(
        subscription_id=name,
        account=clean(values["account"]),
        plan=plan,
        seats=seats,
        starts_on=starts_on,
        ends_on=ends_on,
        delivery=delivery,
    )


SUBSCRIPTION_FIELDS = ("account", "plan", "seats", "starts_on", "ends_on", "delivery")


@transaction.atomic
def import_subscriptions(
    *, content: bytes, good_lines: bool = False, dry_run: bool = False, actor: User | None = None
) -> Outcome:
    """Bring the list of subscriptions up to a CSV. Those that the file does not name stay as they are."""
    rows, faults = _read(content, SUBSCRIPTION_COLUMNS, parse_subscription)
    wanted: dict[str, Subscription] = {}
    lines: dict[str, int] = {}
    for line, row in rows:
        if row.subscription_id in wanted:
            first = lines[row.subscription_id]
            faults.append(Fault(line, f"subscription_id: {row.subscription_id!r} stands on line {first} already."))
        else:
            wanted[row.subscription_id] = row
            lines[row.subscription_id] = line
    outcome = Outcome(faults=sorted(faults, key=lambda fault: fault.line))
    kept = {
        row.subscription_id: row
        for row in Subscription.objects.select_for_update().filter(subscription_id__in=list(wanted))
    }
    fresh, changed = [], []
    for name, row in wanted.items():
        old = kept.get(name)
        if old is None:
            fresh.append(row)
        elif any(getattr(old, field) != getattr(row, field) for field in SUBSCRIPTION_FIELDS):
            for one in SUBSCRIPTION_FIELDS:
                setattr(old, one, getattr(row, one))
            changed.append(old)
    outcome.created, outcome.changed = len(fresh), len(changed)
    outcome.unchanged = len(wanted) - len(fresh) - len(changed)
    if dry_run or (faults and not good_lines):
        return outcome
    Subscription.objects.bulk_create(fresh, batch_size=1000)
    Subscription.objects.bulk_update(changed, SUBSCRIPTION_FIELDS, batch_size=1000)
    if fresh or changed:
        # A month is touched by the dates of a subscription or by a report that names it; both are cheap to count anew.
        note(months=known_months(), cause=SUBSCRIPTIONS_CHANGED, actor=actor)
        wake_roll_up()
    outcome.imported = True
    return outcome


@dataclass(frozen=True, slots=True)
class ReadingLine:
    """A line of readings."""

    uuid: str
    hostname: str
    recorded_at: datetime
    metric: str
    slot: int
    population: str
    value: Reading

    @property
    def identity(self) -> tuple[str, str, datetime, str]:
        """The report that it belongs to."""
        return (self.uuid, self.hostname, self.recorded_at, self.population)


def _instant(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00") if text.endswith("Z") else text)
    except ValueError as error:
        raise ValueError(
            f"recorded_at: {text!r} is no time; write it as 2026-10-28T12:00:00Z (without a zone it is UTC)."
        ) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _value(text: str) -> Reading:
    if not text:
        return Missing.NULL
    number: Number
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"value: {text!r} is no number.") from error
    if not is_reasonable(number):
        raise ValueError(f"value: {text!r} is no number that can be counted.")
    return plain(number)


def import_readings(
    *,
    content: bytes,
    good_lines: bool = False,
    dry_run: bool = False,
    actor: User | None = None,
) -> Outcome:
    """Record readings from a CSV: lines of one installation, instant and population make one report.

    More metrics for a report that came from such a file before are added to it, so a file may be imported in parts.
    A number that is there is never replaced.
    """
    plan = reading_plan()

    def parse(_line: int, values: Mapping[str, str]) -> ReadingLine:
        faults: list[str] = []
        for column in ("uuid", "hostname"):
            if not clean(values[column]):
                faults.append(f"{column}: it is empty.")
        moment, value, slot = None, None, None
        try:
            moment = _instant(values["recorded_at"])
        except (ValueError, OverflowError) as error:
            faults.append(str(error))
        try:
            value = _value(values["value"])
        except ValueError as error:
            faults.append(str(error))
        definition = plan.by_key_path.get(values["metric"])
        if definition is None:
            faults.append(f"metric: the dictionary has no {values['metric']!r}.")
        elif definition.slot is None:
            faults.append(f"metric: {values['metric']} is a {definition.value_type}, not a number.")
        else:
            slot = definition.slot
        population = values["population"].lower() or Population.ALL.value
        if population not in Population.values:
            faults.append(f"population: {values['population']!r} is none; it is all or paid.")
        if faults or moment is None or value is None or slot is None:
            raise ValueError(" ".join(faults))
        return ReadingLine(
            clean(values["uuid"]), clean(values["hostname"]), moment, values["metric"], slot, population, value
        )

    rows, faults = _read(content, READING_COLUMNS, parse)
    reports: dict[tuple[str, str, datetime, str], dict[int, Reading]] = {}
    lines: dict[tuple[str, str, datetime, str], int] = {}
    for line, row in rows:
        readings = reports.setdefault(row.identity, {})
        lines.setdefault(row.identity, line)
        if row.slot in readings and readings[row.slot] != row.value:
            faults.append(
                Fault(line, f"value: {row.metric} of the same report stands in an earlier line with another.")
            )
            continue
        readings[row.slot] = row.value
    outcome = Outcome(faults=sorted(faults, key=lambda fault: fault.line))
    if dry_run or (faults and not good_lines):
        outcome.created = len(reports)
        return outcome
    digest = hashlib.sha256(content).hexdigest()[:12]
    facts = [
        ReportFacts(
            uuid=identity[0],
            hostname=identity[1],
            recorded_at=identity[2],
            population=identity[3],
            source=f"{READINGS}{digest}:{lines[identity]}",
            readings=readings,
        )
        for identity, readings in reports.items()
    ]
    with transaction.atomic():
        for recorded, fact in zip(record_reports(facts), facts, strict=True):
            if recorded.created:
                outcome.created += 1
            elif not recorded.source.startswith(READINGS):
                outcome.unchanged += 1
                outcome.notes.append(
                    f"{fact.hostname} has another report of {fact.recorded_at.isoformat()}, which stands."
                )
            elif _complete(recorded.report_id, fact.readings, actor=actor):
                outcome.changed += 1
            else:
                outcome.unchanged += 1
        if outcome.changed:
            wake_roll_up()
    outcome.imported = True
    return outcome


def _complete(report_id: int, readings: Mapping[int, Reading], *, actor: User | None) -> int:
    report = Report.objects.select_for_update().get(pk=report_id)
    filled = fill_slots(report, readings, cause="readings imported")
    if filled and report.state == Report.State.COUNTED:
        note(months=months_of(report), cause=BACK_FILLED, actor=actor, report_id=report.pk)
    return filled
