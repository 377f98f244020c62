"""Readings from elsewhere, from a CSV: lines of one installation, instant and population make one report."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from django.db import transaction

from metrics.definitions.catalogue import ReadingPlan, reading_plan
from metrics.engine.pages import place, reading_at, slot_of, unpack
from metrics.exact import Number, as_text, is_reasonable, plain
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
from metrics.imports.files import Fault, Outcome, Say, read
from metrics.models.facts import Population, Report, ReportPage

if TYPE_CHECKING:
    from portal.models import User

READING_COLUMNS = ("uuid", "hostname", "recorded_at", "metric", "population", "value")
READINGS = "readings:"
"""How the source reference of an imported reading begins."""

AT_ONCE = 1000
"""Reports that are looked up or recorded in one go."""

Identity = tuple[str, str, datetime, str]
"""A report: uuid, hostname, instant, population."""


@dataclass(frozen=True, slots=True)
class ReadingLine:
    """A line of readings."""

    identity: Identity
    metric: str
    slot: int
    value: Reading


@dataclass(slots=True)
class Lines:
    """The lines of one report, by slot, each with its number in the file."""

    number: int
    by_slot: dict[int, tuple[int, ReadingLine]] = field(default_factory=dict)

    @property
    def readings(self) -> dict[int, Reading]:
        """What the lines say."""
        return {slot: line.value for slot, (_, line) in self.by_slot.items()}


def import_readings(
    *,
    content: bytes,
    good_lines: bool = False,
    dry_run: bool = False,
    actor: User | None = None,
    say: Say | None = None,
) -> Outcome:
    """Record readings from a CSV; one transaction.

    More metrics for a report that came from such a file before are added to it, so a file may be imported in parts.
    A number that is there is never replaced: a line with another one is faulty, as is one for a report that came in
    another way.
    """
    plan = reading_plan()
    rows, faults = read(content, READING_COLUMNS, lambda _line, values: parse_reading(values, plan), say=say)
    with transaction.atomic():
        reports, twice = _by_report(rows)
        standing = _standing(list(reports))
        faults += [*twice, *_contradictions(reports, standing)]
        outcome = Outcome(faults=sorted(faults, key=lambda fault: fault.line))
        _count(outcome, reports, standing)
        if dry_run or (faults and not good_lines):
            return outcome
        _record(content, reports, standing, actor=actor, say=say)
    outcome.imported = True
    return outcome


def parse_reading(values: Mapping[str, str], plan: ReadingPlan) -> ReadingLine:
    """A line; raises with every fault of it."""
    faults = [f"{column}: it is empty." for column in ("uuid", "hostname") if not clean(values[column])]
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
    identity = (clean(values["uuid"]), clean(values["hostname"]), moment, population)
    return ReadingLine(identity, values["metric"], slot, value)


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


def _by_report(rows: Sequence[tuple[int, ReadingLine]]) -> tuple[dict[Identity, Lines], list[Fault]]:
    """The lines by report; a line that says something else than an earlier one of the file is faulty."""
    reports: dict[Identity, Lines] = {}
    faults = []
    for number, line in rows:
        lines = reports.setdefault(line.identity, Lines(number))
        first, earlier = lines.by_slot.setdefault(line.slot, (number, line))
        if not _is_same(earlier.value, line.value):
            faults.append(Fault(number, f"value: line {first} gives {line.metric} of the same report another value."))
    return reports, faults


def _is_same(one: Reading, other: Reading) -> bool:
    # The members of Missing equal small integers, so the types are looked at too.
    return isinstance(one, Missing) == isinstance(other, Missing) and one == other


@dataclass(frozen=True, slots=True)
class Standing:
    """A report that was there before the import, with the readings that it holds."""

    report: Report
    readings: Mapping[int, Reading]

    @property
    def may_grow(self) -> bool:
        """Whether lines may be added: it came from such a file itself."""
        return self.report.source.startswith(READINGS)


def _standing(identities: Sequence[Identity]) -> dict[Identity, Standing]:
    found: dict[Identity, Standing] = {}
    for some in _in_chunks(identities):
        wanted = set(some)
        rows = (
            Report.objects.select_for_update(of=("self",))
            .select_related("installation")
            .filter(installation__uuid__in={one[0] for one in some}, recorded_at__in={one[2] for one in some})
        )
        kept = {
            identity: row
            for row in rows
            if (identity := (row.installation.uuid, row.installation.hostname, row.recorded_at, row.population))
            in wanted
        }
        readings: dict[int, dict[int, Reading]] = {}
        for page in ReportPage.objects.filter(report_id__in=[row.pk for row in kept.values()]):
            of = unpack(page.values, bytes(page.states), page.wide)
            readings.setdefault(page.report_id, {}).update(
                {slot_of(page.page, index): reading for index, reading in of.items()}
            )
        found |= {identity: Standing(row, readings.get(row.pk, {})) for identity, row in kept.items()}
    return found


def _in_chunks(identities: Sequence[Identity]) -> Iterator[Sequence[Identity]]:
    for start in range(0, len(identities), AT_ONCE):
        yield identities[start : start + AT_ONCE]


def _contradictions(reports: dict[Identity, Lines], standing: Mapping[Identity, Standing]) -> list[Fault]:
    """Take the lines that contradict what stands out of ``reports``, and name them."""
    faults = []
    for identity, kept in standing.items():
        lines = reports[identity]
        for slot, (number, line) in list(lines.by_slot.items()):
            sentence = _contradiction(kept, kept.readings.get(slot, Missing.ABSENT), line)
            if sentence:
                faults.append(Fault(number, sentence))
                del lines.by_slot[slot]
    return faults


def _contradiction(kept: Standing, there: Reading, line: ReadingLine) -> str:
    """Why a line cannot be taken beside what stands; empty where it can, or says nothing new."""
    if isinstance(line.value, Missing) or _is_same(there, line.value):
        return ""
    if not isinstance(there, Missing):
        return f"value: {line.metric} of this report is {as_text(there)} already; a number that is there stands."
    if not kept.may_grow:
        return f"recorded_at: the installation has another report of this time ({kept.report.source}), which stands."
    return ""


def _count(outcome: Outcome, reports: Mapping[Identity, Lines], standing: Mapping[Identity, Standing]) -> None:
    """How many reports are new, would change, or hold all of it already."""
    for identity, lines in reports.items():
        kept = standing.get(identity)
        if kept is None:
            outcome.created += 1
        elif not lines.by_slot:
            continue
        elif any(_is_news(kept.readings.get(slot, Missing.ABSENT), value) for slot, value in lines.readings.items()):
            outcome.changed += 1
        else:
            outcome.unchanged += 1


def _is_news(there: Reading, given: Reading) -> bool:
    return isinstance(there, Missing) and not _is_same(there, given)


def _record(
    content: bytes,
    reports: Mapping[Identity, Lines],
    standing: Mapping[Identity, Standing],
    *,
    actor: User | None,
    say: Say | None,
) -> None:
    """Record what is new and add to what stands."""
    digest = hashlib.sha256(content).hexdigest()[:12]
    fresh = [identity for identity in reports if identity not in standing]
    done = 0
    for some in _in_chunks(fresh):
        record_reports([_facts(identity, reports[identity], digest) for identity in some])
        done += len(some)
        if say is not None:
            say(f"{done:,} of {len(fresh):,} new reports recorded")
    grown = [_fill(kept.report, reports[identity].readings, actor=actor) for identity, kept in standing.items()]
    if any(grown):
        wake_roll_up()


def _facts(identity: Identity, lines: Lines, digest: str) -> ReportFacts:
    uuid, hostname, moment, population = identity
    return ReportFacts(
        uuid=uuid,
        hostname=hostname,
        recorded_at=moment,
        population=population,
        source=f"{READINGS}{digest}:{lines.number}",
        readings=lines.readings,
    )


def _fill(report: Report, readings: Mapping[int, Reading], *, actor: User | None) -> int:
    filled = fill_slots(report, readings, cause="readings imported")
    if filled and report.state == Report.State.COUNTED:
        note(months=months_of(report), cause=BACK_FILLED, actor=actor, report_id=report.pk)
    return filled


def carry_readings(*, old: int, new: int, actor: User | None) -> int:
    """Let imported readings follow a metric to another slot; returns how many did.

    Pings are read again when a definition changes. Imported readings have no body to be read again, so they are carried
    over: what was said stays said, only what it means for a month is another now.
    """
    page, index = place(old)
    carried = 0
    imported = ReportPage.objects.filter(page=page, report__source__startswith=READINGS).select_related("report")
    for kept in imported.iterator(chunk_size=AT_ONCE):
        reading = reading_at(index, kept.values, bytes(kept.states), kept.wide)
        if reading is not Missing.ABSENT and _fill(kept.report, {new: reading}, actor=actor):
            carried += 1
    if carried:
        wake_roll_up()
    return carried
