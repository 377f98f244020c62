"""The one door through which facts enter: reports of installations, from whatever source.

A source (pings, a CSV of readings, a warehouse) hands over ``ReportFacts``; the engine keeps them, notes which months
have to follow, and wakes the roll-up. A source's own record is an opaque reference here (``telemetry:123``), which
its plugin resolves to a page. Every verb is one transaction and safe to run twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import orjson
from django.apps import apps
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from metrics.engine.pages import NARROW, PAGE_SIZE, Missing, Reading, pack, slot_of, unpack
from metrics.engine.rules import traits
from metrics.exact import is_reasonable, plain
from metrics.models.facts import Installation, InstallationLabel, Population, Refill, Report, ReportPage
from metrics.periods import Month, Week, in_utc
from portal.wakeups import wake

if TYPE_CHECKING:
    from portal.models import User

ROLL_UP_TASK = "metrics.tasks.roll_up"
"""The task that follows the facts; it runs on the queue ``rollup``."""

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


def record_reports(facts: Sequence[ReportFacts]) -> list[Recorded]:
    """Keep these reports, in this order; one transaction. The same identity twice changes nothing."""
    if not facts:
        return []
    with transaction.atomic():
        return _record(facts)


def _record(facts: Sequence[ReportFacts]) -> list[Recorded]:
    moments = [in_utc(fact.recorded_at) for fact in facts]
    identities = [(clean(fact.uuid), clean(fact.hostname)) for fact in facts]
    for fact, identity in zip(facts, identities, strict=True):
        if not identity[0] or not identity[1]:
            raise ValueError(f"a report needs a uuid and a hostname, not {fact.uuid!r} and {fact.hostname!r}")
        if fact.population not in Population.values:
            raise ValueError(f"{fact.population!r} is no population; it is one of {', '.join(Population.values)}")
    installations = _installations(set(identities))
    keys = [
        (installations[identity], moment, fact.population)
        for fact, identity, moment in zip(facts, identities, moments, strict=True)
    ]
    first_of: dict[tuple[int, datetime, str], int] = {}
    for number, key in enumerate(keys):
        first_of.setdefault(key, number)
    # Sorted, so that two writers with the same reports wait for each other instead of deadlocking.
    created = _insert_reports([(key, facts[number]) for key, number in sorted(first_of.items())])
    standing = _standing([key for key in first_of if key not in created]) if len(created) < len(first_of) else {}
    _copy_pages((created[key][0], facts[number].readings) for key, number in first_of.items() if key in created)
    _note_new_reports([report_id for report_id, _state in created.values()])
    results = []
    for number, (fact, key) in enumerate(zip(facts, keys, strict=True)):
        month = Month.of(key[1])
        if key in created:
            report_id, state = created[key]
            fresh = first_of[key] == number
            source = facts[first_of[key]].source
        else:
            report_id, state, source = standing[key]
            fresh = False
        results.append(
            Recorded(
                report_id=report_id,
                installation_id=key[0],
                month=month,
                created=fresh,
                state=state,
                source=source if not fresh else fact.source,
            )
        )
    if created:
        wake_roll_up()
    return results


def clean(text: str) -> str:
    """Text that PostgreSQL can keep: no NUL, no lone surrogates, no blanks around it."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8").strip()


def _installations(identities: set[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """The numbers of these installations, made where they are new. Sorted, so that two writers do not deadlock."""
    # Locked against erasure: a report must not be given to an installation that is losing its names just now. And
    # against other writers: two that do not see each other's reports would both think that theirs are no baseline.
    select = (
        "SELECT i.uuid, i.hostname, i.id FROM metrics_installation i"
        " JOIN unnest(%(uuids)s::text[], %(hostnames)s::text[]) AS wanted(uuid, hostname) USING (uuid, hostname)"
        " ORDER BY i.uuid, i.hostname FOR NO KEY UPDATE OF i"
    )
    # Only the same names are no conflict: a sequence that has fallen behind its table, as after a botched restore,
    # would otherwise look as if another writer had been quicker.
    insert = (
        "INSERT INTO metrics_installation (uuid, hostname, first_seen_at)"
        " SELECT uuid, hostname, %(now)s FROM unnest(%(uuids)s::text[], %(hostnames)s::text[]) AS fresh(uuid, hostname)"
        " ON CONFLICT (uuid, hostname) DO NOTHING RETURNING uuid, hostname, id"
    )
    found: dict[tuple[str, str], int] = {}
    with connection.cursor() as cursor:
        # The second look finds those that another writer made in between.
        for statement in (select, insert, select):
            missing = sorted(identities - found.keys())
            if not missing:
                break
            cursor.execute(
                statement,
                {
                    "uuids": [uuid for uuid, _ in missing],
                    "hostnames": [hostname for _, hostname in missing],
                    "now": timezone.now(),
                },
            )
            found.update({(row[0], row[1]): int(row[2]) for row in cursor.fetchall()})
    return found


_COLUMNS = {
    "installation_id": "bigint",
    "recorded_at": "timestamptz",
    "month": "date",
    "iso_year": "smallint",
    "iso_week": "smallint",
    "population": "text",
    "state": "text",
    "held_reason": "text",
    "version": "text",
    "version_number": "int",
    "edition_raw": "text",
    "edition": "text",
    "tier": "text",
    "notes": "text[]",
    "license_plan": "text",
    "license_expires_on": "date",
    "subscription": "text",
    "license_user_count": "bigint",
    "categories": "text[]",
    "source": "text",
    "stored_at": "timestamptz",
    "judged_reason": "text",
}
"""The columns of a report and their types. One document for all rows is several times quicker than a parameter each."""

_INSERT = (
    f"INSERT INTO metrics_report ({', '.join(_COLUMNS)}) SELECT {', '.join(_COLUMNS)}"  # noqa: S608 - columns are ours
    f" FROM json_to_recordset(%s::json) AS fresh({', '.join(f'{name} {kind}' for name, kind in _COLUMNS.items())})"
    " ON CONFLICT (installation_id, recorded_at, population) WHERE state <> 'replaced' DO NOTHING"
    " RETURNING installation_id, recorded_at, population, id, state"
)


def _insert_reports(
    wanted: Sequence[tuple[tuple[int, datetime, str], ReportFacts]],
) -> dict[tuple[int, datetime, str], tuple[int, str]]:
    """Insert those that are new; returns their ids and states by key."""
    now = timezone.now()
    created: dict[tuple[int, datetime, str], tuple[int, str]] = {}
    with connection.cursor() as cursor:
        for start in range(0, len(wanted), 500):
            rows = [_row(key, fact, now) for key, fact in wanted[start : start + 500]]
            cursor.execute(_INSERT, [orjson.dumps(rows).decode()])
            for installation, moment, population, report_id, state in cursor.fetchall():
                created[(installation, moment.astimezone(UTC), population)] = (report_id, state)
    return created


def _row(key: tuple[int, datetime, str], fact: ReportFacts, now: datetime) -> dict[str, Any]:
    """A report as its row, by the names of ``_COLUMNS``."""
    installation, moment, population = key
    what = traits(
        version=fact.version,
        edition=fact.edition,
        plan=fact.license_plan,
        expires_on=fact.license_expires_on,
        recorded_on=moment.date(),
    )
    week = Week.of(moment)
    seats = fact.license_user_count
    return {
        "installation_id": installation,
        "recorded_at": moment,
        "month": Month.of(moment).first,
        "iso_year": week.year,
        "iso_week": week.week,
        "population": population,
        "state": Report.State.HELD.value if fact.held else Report.State.COUNTED.value,
        "held_reason": clean(fact.held),
        "version": clean(fact.version),
        "version_number": what.version_number,
        "edition_raw": clean(fact.edition),
        "edition": what.edition,
        # Readings of the paid population name no plan; that they are paid is said by the population.
        "tier": what.tier if population == Population.ALL else "",
        "notes": what.notes,
        "license_plan": clean(fact.license_plan),
        "license_expires_on": fact.license_expires_on,
        "subscription": clean(fact.subscription),
        "license_user_count": seats if seats is not None and -(2**63) <= seats < 2**63 else None,
        "categories": None if fact.categories is None else [clean(category) for category in fact.categories],
        "source": clean(fact.source),
        "stored_at": now,
        "judged_reason": "",
    }


def _standing(keys: Sequence[tuple[int, datetime, str]]) -> dict[tuple[int, datetime, str], tuple[int, str, str]]:
    """The reports that were there already, by key."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.installation_id, r.recorded_at, r.population, r.id, r.state, r.source FROM metrics_report r"
            " JOIN unnest(%s::bigint[], %s::timestamptz[], %s::text[]) AS wanted(i, at, p)"
            " ON r.installation_id = wanted.i AND r.recorded_at = wanted.at AND r.population = wanted.p"
            " AND r.state <> 'replaced'",
            [[key[0] for key in keys], [key[1] for key in keys], [key[2] for key in keys]],
        )
        return {(row[0], row[1].astimezone(UTC), row[2]): (row[3], row[4], row[5]) for row in cursor.fetchall()}


def by_page(readings: Mapping[int, Reading]) -> dict[int, dict[int, Reading]]:
    """Readings sorted into pages, each ``{index: number or Missing}``; absent ones are left out."""
    pages: dict[int, dict[int, Reading]] = {}
    for slot, reading in readings.items():
        if type(reading) is int and -NARROW < reading < NARROW:  # nearly all of them
            pass
        elif isinstance(reading, bool):
            reading = Missing.WRONG_TYPE
        elif isinstance(reading, Missing):
            if reading is Missing.ABSENT:
                continue
        elif not is_reasonable(reading):
            reading = Missing.WRONG_TYPE
        else:
            reading = plain(reading)
        page, index = divmod(slot, PAGE_SIZE)
        if page in pages:
            pages[page][index] = reading
        else:
            pages[page] = {index: reading}
    return pages


def _copy_pages(reports: Iterable[tuple[int, Mapping[int, Reading]]]) -> None:
    """Write the pages of new reports by COPY, the quickest way in."""
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY metrics_reportpage (report_id, page, values, states, wide) FROM STDIN") as copy,
    ):
        for report_id, readings in reports:
            for page, cells in sorted(by_page(readings).items()):
                values, states, wide = pack(cells)
                copy.write_row(
                    (
                        report_id,
                        page,
                        "{" + ",".join(map(str, values)) + "}",
                        states,
                        None if wide is None else orjson.dumps(wide).decode(),
                    )
                )


def _note_new_reports(report_ids: Sequence[int]) -> None:
    """Note what new reports change: their month if none there is later, and then the next one's baselines.

    Held ones too, although they change no figure: their month then is known, and lists them as left out.
    """
    if not report_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH latest AS (
                SELECT r.id, r.installation_id, r.month, r.population FROM metrics_report r
                WHERE r.id = ANY(%s) AND NOT EXISTS (
                    SELECT 1 FROM metrics_report l
                    WHERE l.installation_id = r.installation_id AND l.population = r.population
                      AND l.month = r.month AND l.recorded_at > r.recorded_at AND l.state = 'counted')
            ), touched AS (
                SELECT id, installation_id, month FROM latest
                UNION ALL
                SELECT l.id, l.installation_id, (l.month + interval '1 month')::date FROM latest l
                WHERE l.month < '9999-12-01' AND EXISTS (
                    SELECT 1 FROM metrics_report n
                    WHERE n.installation_id = l.installation_id AND n.population = l.population
                      AND n.month = (l.month + interval '1 month')::date)
            )
            INSERT INTO metrics_dirtymonth (month, installation_id, cause, report, at)
            SELECT month, installation_id, %s, id, %s FROM touched ORDER BY month, id
            """,
            [list(report_ids), LATE_REPORT, timezone.now()],
        )


def note(
    *,
    months: Iterable[Month],
    cause: str,
    actor: User | None = None,
    installation_id: int | None = None,
    report_id: int | None = None,
) -> None:
    """Note that these months have to follow a change, of one installation or (without) of anything."""
    from metrics.models.facts import DirtyMonth

    DirtyMonth.objects.bulk_create(
        [
            DirtyMonth(month=month.first, installation_id=installation_id, cause=cause, actor=actor, report=report_id)
            for month in sorted(set(months))
        ],
        batch_size=500,
    )


def wake_roll_up() -> None:
    """Wake the roll-up once what was just written is committed."""
    transaction.on_commit(lambda: wake("rollup", ROLL_UP_TASK))


def months_of(report: Report) -> list[Month]:
    """The months that a report can be part of: its own and, as a baseline, the next one."""
    month = Month.of(report.month)
    return [month] if month >= Month(9999, 12) else [month, month.next]


def _of_source(source: str) -> QuerySet[Report]:
    """The reports of a source that stand, locked."""
    standing = Report.objects.filter(source=source).exclude(state=Report.State.REPLACED)
    return standing.select_for_update().order_by("id")


@transaction.atomic
def _judge(*, source: str, state: str, cause: str, actor: User | None, reason: str) -> int:
    changed = 0
    for report in _of_source(source):
        if report.state == state:
            continue
        touches = Report.State.COUNTED in (report.state, state)
        report.state = state
        report.judged_by = actor
        report.judged_reason = reason
        if state == Report.State.HELD:
            report.held_reason = reason
        report.save(update_fields=["state", "judged_by", "judged_reason", "held_reason"])
        if touches:
            note(
                months=months_of(report),
                cause=cause,
                actor=actor,
                installation_id=report.installation_id,
                report_id=report.pk,
            )
        changed += 1
    if changed:
        wake_roll_up()
    return changed


def release_report(*, source: str, actor: User | None, reason: str = "") -> int:
    """Let a held report count. Returns how many reports of this source changed."""
    return _judge(
        source=source, state=Report.State.COUNTED.value, cause=QUARANTINE_RELEASED, actor=actor, reason=reason
    )


def reject_report(*, source: str, actor: User | None, reason: str = "") -> int:
    """Never let this report count. Returns how many reports of this source changed."""
    return _judge(source=source, state=Report.State.REJECTED.value, cause=REJECTED, actor=actor, reason=reason)


def hold_report(*, source: str, reason: str, actor: User | None = None) -> int:
    """Take a report out of the figures until somebody judges it. Returns how many reports of this source changed."""
    return _judge(source=source, state=Report.State.HELD.value, cause=QUARANTINED, actor=actor, reason=reason)


@transaction.atomic
def refill_report(
    *, source: str, readings: Mapping[int, Reading], actor: User | None = None, cause: str = BACK_FILLED
) -> int:
    """Fill slots into a report that is there, for metrics that were defined after it came. Returns slots filled.

    A number that is there is never replaced: a report is what was sent. Missing ones give way to what is now read.
    """
    filled = 0
    for report in _of_source(source):
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
    report = _of_source(clean(fact.source)).filter(population=fact.population).first()
    if report is None:
        return Correction()
    key = (report.installation_id, report.recorded_at, report.population)
    row = _row(key, fact, timezone.now())
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
    _copy_pages([(report.pk, readings)])
    if state == Report.State.COUNTED:
        note(
            months=months_of(report),
            cause=cause,
            actor=actor,
            installation_id=report.installation_id,
            report_id=report.pk,
        )


@transaction.atomic
def erase_installation(*, uuid: str, hostname: str, actor: User | None, reason: str) -> int:
    """Remove all that is known of an installation; returns how many of its reports went.

    What was published keeps its sums: passports of snapshots say "erased: n installations" with the value that is
    missing to them. The installation keeps its number, without uuid or hostname.
    """
    from metrics.models.figures import MonthReport

    for labels in (InstallationLabel, apps.get_model("metrics", "InstallationLabelEvent")):
        # The history last: deleting a label writes into it.
        labels._default_manager.filter(uuid=clean(uuid), hostname=clean(hostname)).delete()
    installation = Installation.objects.select_for_update().filter(uuid=clean(uuid), hostname=clean(hostname)).first()
    if installation is None:
        return 0
    reports = Report.objects.filter(installation=installation)
    months = {month for report in reports.only("month", "id") for month in months_of(report)}
    gone = reports.count()
    ReportPage.objects.filter(report__installation=installation).delete()
    reports.delete()
    MonthReport.objects.filter(installation=installation).update(subscription="")
    installation.uuid = ""
    installation.hostname = f"erased-{installation.pk}"
    installation.erased_at = timezone.now()
    installation.save()
    note(months=months, cause=ERASED, actor=actor)
    wake_roll_up()
    return gone


def use_of(source: str) -> list[Use]:
    """Which months and figures used the reports of this source: what a receipt and a ping's page say."""
    from metrics.figures.use import uses

    reports = list(Report.objects.filter(source=source).order_by("id"))
    replaced = {report.pk for report in reports if report.state == Report.State.REPLACED}
    # A replaced row speaks of what was published only: another one stands for the source.
    return [use for use in uses(reports) if use.report_id not in replaced or use.part == "published"]


__all__ = [
    "BACK_FILLED",
    "REREAD",
    "Correction",
    "Missing",
    "Reading",
    "Recorded",
    "ReportFacts",
    "Use",
    "correct_report",
    "erase_installation",
    "hold_report",
    "record_reports",
    "refill_report",
    "reject_report",
    "release_report",
    "use_of",
]
