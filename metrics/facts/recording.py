"""New reports: kept once, with their readings, in few statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from django.db import connection, transaction
from django.utils import timezone

from metrics.engine.pages import NARROW, PAGE_SIZE, Missing, Reading, pack
from metrics.engine.rules import traits
from metrics.exact import is_reasonable, plain
from metrics.facts.following import note_new_reports, wake_roll_up
from metrics.facts.handed import Recorded, ReportFacts, clean
from metrics.models.facts import Population, Report
from metrics.periods import Month, Week, in_utc


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
    copy_pages((created[key][0], facts[number].readings) for key, number in first_of.items() if key in created)
    note_new_reports([report_id for report_id, _state in created.values()])
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
            rows = [row_of(key, fact, now) for key, fact in wanted[start : start + 500]]
            cursor.execute(_INSERT, [orjson.dumps(rows).decode()])
            for installation, moment, population, report_id, state in cursor.fetchall():
                created[(installation, moment.astimezone(UTC), population)] = (report_id, state)
    return created


def row_of(key: tuple[int, datetime, str], fact: ReportFacts, now: datetime) -> dict[str, Any]:
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


def copy_pages(reports: Iterable[tuple[int, Mapping[int, Reading]]]) -> None:
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
