"""What was recorded before, for sources that judge new reports by it: an installation's last values, its months, and
how large a metric is over the population. Reads only; values go by metric slot, as in ``metrics.facts``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from django.db import connection

from metrics.engine.pages import OK, WIDE, place, slot_of
from metrics.exact import Number, from_text
from metrics.facts import clean

Names = tuple[str, str]
"""The uuid and hostname of an installation."""


@dataclass(frozen=True, slots=True)
class PastReport:
    """A counted report: its values by slot; metrics that had none are left out."""

    source: str
    recorded_at: datetime
    version: str
    seats: int | None
    values: Mapping[int, Number]


@dataclass(frozen=True, slots=True)
class Spread:
    """How large a metric is over the installations that have a value."""

    installations: int
    median: float
    high: float


def last_reports(names: Iterable[Names], slots: Collection[int]) -> dict[Names, PastReport]:
    """The newest counted report of each installation that has one, with its values of these slots."""
    found = _reports(names, slots, _NEWEST, [])
    return {each: reports[0] for each, reports in found.items()}


def months_of(names: Names, slots: Collection[int], *, before: datetime, count: int = 6) -> list[PastReport]:
    """The report that counts of each of the ``count`` months up to a moment, the newest first."""
    return _reports([names], slots, _OF_MONTHS, [before, count]).get(names, [])


_NEWEST = """
    SELECT id, source, recorded_at, version, license_user_count AS seats FROM metrics_report
     WHERE installation_id = i.id AND population = 'all' AND state = 'counted'
     ORDER BY recorded_at DESC LIMIT 1
"""
_OF_MONTHS = """
    SELECT * FROM (
        SELECT DISTINCT ON (month) id, source, recorded_at, version, license_user_count AS seats
          FROM metrics_report
         WHERE installation_id = i.id AND population = 'all' AND state = 'counted' AND recorded_at < %s
         ORDER BY month DESC, recorded_at DESC
    ) AS monthly ORDER BY recorded_at DESC LIMIT %s
"""


def _reports(
    names: Iterable[Names], slots: Collection[int], chosen: str, parameters: Sequence[Any]
) -> dict[Names, list[PastReport]]:
    wanted = {(clean(uuid), clean(hostname)): (uuid, hostname) for uuid, hostname in names}
    places = _places(slots)
    if not wanted:
        return {}
    sql = f"""
        SELECT i.uuid, i.hostname, r.source, r.recorded_at, r.version, r.seats, p.page, p.values, p.states, p.wide
          FROM unnest(%s::text[], %s::text[]) AS wanted(uuid, hostname)
          JOIN metrics_installation i USING (uuid, hostname)
         CROSS JOIN LATERAL ({chosen}) r
          LEFT JOIN metrics_reportpage p ON p.report_id = r.id AND p.page = ANY(%s)
         ORDER BY r.recorded_at DESC
    """  # noqa: S608 - one of the two texts above
    reports: dict[Names, dict[str, PastReport]] = defaultdict(dict)
    with connection.cursor() as cursor:
        uuids, hostnames = [uuid for uuid, _ in wanted], [hostname for _, hostname in wanted]
        cursor.execute(sql, [uuids, hostnames, *parameters, list(places)])
        for uuid, hostname, source, recorded_at, version, seats, page, values, states, wide in cursor:
            read: dict[int, Number] = {}
            of_installation = reports[wanted[uuid, hostname]]
            report = of_installation.setdefault(source, PastReport(source, recorded_at, version, seats, read))
            if page is not None and isinstance(report.values, dict):
                # Django's connection reads jsonb as text.
                kept = orjson.loads(wide) if wide else {}
                report.values.update(_numbers(page, places[page], values, bytes(states), kept))
    return {each: list(by_source.values()) for each, by_source in reports.items()}


def _places(slots: Collection[int]) -> dict[int, list[int]]:
    places: dict[int, list[int]] = defaultdict(list)
    for slot in slots:
        page, index = place(slot)
        places[page].append(index)
    return places


def _numbers(
    page: int, indexes: Iterable[int], values: Sequence[int], states: bytes, wide: Mapping[str, str]
) -> dict[int, Number]:
    found: dict[int, Number] = {}
    first = slot_of(page, 0)
    for index in indexes:
        state = states[index]
        if state == OK:  # nearly all of them
            found[first + index] = values[index]
        elif state == WIDE:
            found[first + index] = from_text(wide[str(index)])
    return found


def spread_of(slots: Collection[int], *, since: date) -> dict[int, Spread]:
    """How large these metrics are in the newest counted report of each installation that reported since then.

    ``high`` is what 999 of 1,000 installations stay below. Numbers beyond 62 bits are left out: nothing real is so
    large, and what is measured here is what is usual.
    """
    pages, indexes = zip(*(place(slot) for slot in sorted(slots)), strict=True) if slots else ((), ())
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH newest AS MATERIALIZED (
                SELECT DISTINCT ON (installation_id) id FROM metrics_report
                 WHERE population = 'all' AND state = 'counted' AND recorded_at >= %s
                 ORDER BY installation_id, recorded_at DESC
            )
            SELECT s.page, s.index, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY p.values[s.index + 1]),
                   percentile_cont(0.999) WITHIN GROUP (ORDER BY p.values[s.index + 1])
              FROM unnest(%s::int[], %s::int[]) AS s(page, index)
              JOIN metrics_reportpage p ON p.page = s.page AND get_byte(p.states, s.index) = 0
              JOIN newest n ON n.id = p.report_id
             GROUP BY s.page, s.index
            """,
            [since, list(pages), list(indexes)],
        )
        return {slot_of(row[0], row[1]): Spread(*row[2:]) for row in cursor.fetchall()}
