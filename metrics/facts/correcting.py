"""Reports that are there: filled where they were empty, or made to say what their source says when read again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from metrics.engine.pages import Missing, Reading, pack, slot_of, unpack
from metrics.facts.following import months_of, note, note_report, wake_roll_up
from metrics.facts.handed import BACK_FILLED, REREAD, ReportFacts, clean
from metrics.facts.judging import of_source
from metrics.facts.recording import by_page, copy_pages, row_of
from metrics.models.facts import Refill, Report, ReportPage

if TYPE_CHECKING:
    from portal.models import User


@transaction.atomic
def refill_report(
    *, source: str, readings: Mapping[int, Reading], actor: User | None = None, cause: str = BACK_FILLED
) -> int:
    """Fill slots into a report that is there, for metrics that were defined after it came. Returns slots filled.

    A number that is there is never replaced: a report is what was sent. Missing ones give way to what is now read.
    """
    filled = 0
    for report in of_source(source):
        fresh = fill_slots(report, readings, cause=cause)
        filled += fresh
        if fresh and report.state == Report.State.COUNTED:
            # A page is changed in place, so the old contribution is gone: these months are counted whole.
            note(months=months_of(report), cause=cause, actor=actor, report_id=report.pk)
    if filled:
        wake_roll_up()
    return filled


def fill_slots(report: Report, readings: Mapping[int, Reading], *, cause: str) -> int:
    """Write readings into the empty places of a report's pages; returns how many places changed."""
    changed: list[int] = []
    pages = {page.page: page for page in ReportPage.objects.filter(report_id=report.pk)}
    for number, cells in by_page(readings).items():
        kept = pages.get(number)
        old = unpack(kept.values, bytes(kept.states), kept.wide) if kept else {}
        new = dict(old)
        for index, reading in cells.items():
            before = old.get(index, Missing.ABSENT)
            # By identity: the members of Missing equal small integers, and those are readings too.
            if isinstance(before, Missing) and before is not reading:
                new[index] = reading
                changed.append(slot_of(number, index))
        if any(new[index] is not old.get(index, Missing.ABSENT) for index in new):
            values, states, wide = pack(new)
            ReportPage.objects.update_or_create(
                report_id=report.pk, page=number, defaults={"values": values, "states": states, "wide": wide}
            )
    if changed:
        Refill.objects.create(report=report, slots=sorted(changed), cause=cause)
    return len(changed)


_CORRECTED = (
    "version",
    "version_number",
    "edition_raw",
    "edition",
    "tier",
    "notes",
    "license_plan",
    "license_expires_on",
    "subscription",
    "license_user_count",
    "categories",
)
"""The columns that reading a source again may change."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What correcting a report changed: ``columns`` by name and ``readings`` by slot, each from what to what."""

    columns: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    readings: Mapping[int, tuple[Reading, Reading]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether the report says what it said."""
        return not self.columns and not self.readings


@transaction.atomic
def correct_report(
    *, fact: ReportFacts, slots: Collection[int], actor: User | None = None, cause: str = REREAD
) -> Correction:
    """Make a report that is there say what its source says when it is read again, and the figures follow.

    ``slots`` are those that the source was read for; others keep what they hold. Empty places are filled where they
    are. Anything else makes a new row that stands in place of the old one, which stays for published snapshots. Its
    state and what was decided about it stay as they are.
    """
    report = of_source(clean(fact.source)).filter(population=fact.population).first()
    if report is None:
        return Correction()
    key = (report.installation_id, report.recorded_at, report.population)
    row = row_of(key, fact, timezone.now())
    columns = {
        name: (before, row[name]) for name in _CORRECTED if (before := getattr(report, name)) != _plain(row[name])
    }
    old = _readings(report)
    new = {
        slot_of(page, index): reading
        for page, cells in by_page(fact.readings).items()
        for index, reading in cells.items()
    }
    readings: dict[int, tuple[Reading, Reading]] = {}
    for slot in slots:
        before, after = old.get(slot, Missing.ABSENT), new.get(slot, Missing.ABSENT)
        if not _same(before, after):
            readings[slot] = before, after
    correction = Correction(columns, readings)
    if correction.is_empty:
        return correction
    if not columns and all(
        isinstance(before, Missing) and after is not Missing.ABSENT for before, after in readings.values()
    ):
        fill_slots(report, {slot: after for slot, (_, after) in readings.items()}, cause=cause)
        if report.state == Report.State.COUNTED:
            note(months=months_of(report), cause=cause, actor=actor, report_id=report.pk)
    else:
        _replace(
            report,
            columns={name: row[name] for name in _CORRECTED},
            readings={**old, **_afters(readings)},
            cause=cause,
            actor=actor,
        )
    wake_roll_up()
    return correction


def _afters(readings: Mapping[int, tuple[Reading, Reading]]) -> dict[int, Reading]:
    return {slot: after for slot, (_, after) in readings.items()}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _same(before: Reading, after: Reading) -> bool:
    """By identity where one is missing: the members of ``Missing`` equal small integers, and those are readings too."""
    if isinstance(before, Missing) or isinstance(after, Missing):
        return before is after
    return before == after


def _readings(report: Report) -> dict[int, Reading]:
    """All that a report holds, by slot."""
    return {
        slot_of(page.page, index): reading
        for page in ReportPage.objects.filter(report_id=report.pk)
        for index, reading in unpack(page.values, bytes(page.states), page.wide).items()
    }


def _replace(
    report: Report, *, columns: Mapping[str, Any], readings: Mapping[int, Reading], cause: str, actor: User | None
) -> None:
    """Put a new row in place of a report."""
    old_id, state = report.pk, report.state
    Report.objects.filter(pk=old_id).update(state=Report.State.REPLACED)
    for name, value in columns.items():
        setattr(report, name, _plain(value))
    report.pk, report.stored_at, report._state.adding = None, timezone.now(), True
    report.save(force_insert=True)
    copy_pages([(report.pk, readings)])
    if state == Report.State.COUNTED:
        note_report(report, cause=cause, actor=actor)
