"""Reads the sums that figures are made of: many months and metrics at once, in a constant number of queries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.db import connection

from metrics.engine.chosen import LABELS
from metrics.engine.estimates import Subscribed
from metrics.engine.pages import PAGE_SIZE, Missing, Reading, reading_at
from metrics.exact import plain, total
from metrics.figures.compute import Inputs, Pinging, Sum
from metrics.periods import Month, Week

LIVE = 2**63 - 1
"""The revision of now: above all others."""

Moment = tuple[Month, int]
"""A month as it was at a revision."""

HELD = "{0}.from_revision <= a.revision AND ({0}.to_revision IS NULL OR {0}.to_revision > a.revision)"
AT = "unnest(%(months)s::date[], %(revisions)s::bigint[]) AS a(month, revision)"
WANTED = "unnest(%(slots)s::int[], %(pages)s::int[], %(places)s::int[]) AS w(slot, page, place)"


@dataclass(slots=True)
class Loaded:
    """What was read, by moment and slot."""

    sums: dict[tuple[Month, int, int], list[Sum]] = field(default_factory=dict)
    pinging: dict[Moment, list[Pinging]] = field(default_factory=dict)
    subscribed: dict[Moment, Subscribed] = field(default_factory=dict)
    firsts: dict[tuple[Month, int, int], dict[str, int]] = field(default_factory=dict)
    reported: dict[tuple[Month, int, int], tuple[int, int]] = field(default_factory=dict)

    def inputs(self, moment: Moment, slot: int) -> Inputs:
        """Of one metric at one moment."""
        key = (*moment, slot)
        return Inputs(
            sums=self.sums.get(key, ()),
            pinging=self.pinging.get(moment, ()),
            subscribed=self.subscribed.get(moment, Subscribed()),
            firsts=self.firsts.get(key, {}),
            reported=self.reported.get(key, (0, 0)),
        )


def load(moments: Collection[Moment], slots: Collection[int], *, by_version: bool, reported: bool) -> Loaded:
    """Read all that figures of these metrics at these moments need.

    ``by_version`` keeps versions apart (for cuts by version); ``reported`` reads what the reported grains need.
    """
    found = Loaded()
    if not moments:
        return found
    ordered = sorted(moments)
    parameters: dict[str, Any] = {
        "months": [month.first for month, _ in ordered],
        "revisions": [revision for _, revision in ordered],
        "slots": list(slots),
        "pages": [slot // PAGE_SIZE for slot in slots],
        "places": [slot % PAGE_SIZE + 1 for slot in slots],
    }
    version = "{0}.version_number" if by_version else "NULL::int"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT a.month, a.revision, c.population, c.delivery, c.edition, c.tier, {version.format("c")},
                   sum(c.pinging), sum(c.edition_noted), sum(c.starter)
            FROM {AT} JOIN metrics_cellcount c ON c.month = a.month AND {HELD.format("c")}
            GROUP BY 1, 2, 3, 4, 5, 6, 7
            """,
            parameters,
        )
        for row in cursor.fetchall():
            found.pinging.setdefault((Month.of(row[0]), row[1]), []).append(Pinging(*row[2:7], *map(int, row[7:])))
        cursor.execute(
            f"""
            SELECT a.month, a.revision, s.active, s.seats, s.silent, s.versions
            FROM {AT} JOIN metrics_subscriptionmonth s ON s.month = a.month AND {HELD.format("s")}
            """,
            parameters,
        )
        for month, revision, active, seats, silent, versions in cursor.fetchall():
            found.subscribed[(Month.of(month), revision)] = subscribed_of(active, seats, silent, versions)
    missing = [moment for moment in ordered if moment not in found.subscribed]
    if missing:
        found.subscribed.update(_only_listed(missing))
    if not slots:
        return found
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT a.month, a.revision, w.slot, c.population, c.delivery, c.edition, c.tier, {version.format("c")},
                   sum(c.sums[w.place]), sum(c.counts[w.place]), sum((coalesce(c.oks, c.counts))[w.place]),
                   sum(coalesce(c.resets[w.place], 0))
            FROM {AT} JOIN metrics_cell c ON c.month = a.month AND {HELD.format("c")}
            JOIN {WANTED} ON w.page = c.page
            WHERE (coalesce(c.oks, c.counts))[w.place] > 0
            GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
            """,
            parameters,
        )
        for row in cursor.fetchall():
            found.sums.setdefault((Month.of(row[0]), row[1], row[2]), []).append(
                Sum(row[3], row[4], row[5], row[6], row[7], plain(row[8]), int(row[9]), int(row[10]), int(row[11]))
            )
        cursor.execute(
            f"""
            SELECT a.month, a.revision, w.slot, f.edition, min(f.versions[w.place])
            FROM {AT} JOIN metrics_firstversions f ON f.month <= a.month AND {HELD.format("f")}
            JOIN {WANTED} ON w.page = f.page
            WHERE f.versions[w.place] IS NOT NULL
            GROUP BY 1, 2, 3, 4
            """,
            parameters,
        )
        for month, revision, slot, edition, first in cursor.fetchall():
            found.firsts.setdefault((Month.of(month), revision, slot), {})[edition] = first
        if reported:
            cursor.execute(
                f"""
                SELECT a.month, a.revision, w.slot, r.subscriptions[w.place], r.seats[w.place]
                FROM {AT} JOIN metrics_reportedmonth r ON r.month = a.month AND {HELD.format("r")}
                JOIN {WANTED} ON w.page = r.page
                """,
                parameters,
            )
            for month, revision, slot, subscriptions, seats in cursor.fetchall():
                found.reported[(Month.of(month), revision, slot)] = (subscriptions, int(seats))
    return found


def subscribed_of(active: int, seats: object, silent: int, versions: object) -> Subscribed:
    """The stored row as a value."""
    by_version: Mapping[str, Sequence[int]] = versions if isinstance(versions, dict) else orjson.loads(str(versions))
    return Subscribed(
        active=active,
        seats=int(str(seats)),
        silent=silent,
        versions={int(key) if key else None: (pair[0], pair[1]) for key, pair in by_version.items()},
    )


def _only_listed(moments: Sequence[Moment]) -> dict[Moment, Subscribed]:
    """Of months that were never rolled up, because nothing was reported: the list alone says who is active."""
    found: dict[Moment, Subscribed] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT m.first, count(s.id), coalesce(sum(s.seats), 0)
            FROM unnest(%s::date[], %s::date[]) AS m(first, last)
            LEFT JOIN metrics_subscription s ON s.delivery = 'self_managed' AND s.starts_on <= m.last
              AND (s.ends_on IS NULL OR s.ends_on >= m.first)
            GROUP BY m.first
            """,
            [[month.first for month, _ in moments], [month.last for month, _ in moments]],
        )
        by_month = {Month.of(first): (int(number), int(seats)) for first, number, seats in cursor.fetchall()}
    for moment in moments:
        number, seats = by_month.get(moment[0], (0, 0))
        found[moment] = Subscribed(active=number, seats=seats, silent=number)
    return found


WEEK_REPORTS = f"""
    SELECT DISTINCT ON (r.installation_id, r.population) r.*,
           coalesce(nullif(l.delivery, ''), 'self_managed') AS delivery,
           coalesce(l.excluded, false) AS excluded
    FROM metrics_report r LEFT JOIN ({LABELS.replace("%(month)s", "%(label_month)s")}) l
      ON l.installation_id = r.installation_id
    WHERE r.iso_year = %(year)s AND r.iso_week = %(week)s AND r.state = 'counted'
    ORDER BY r.installation_id, r.population, r.recorded_at DESC
"""
"""The last report of each installation and population in an ISO week, with the labels of the month in which it ends."""


def week_parameters(week: Week) -> dict[str, Any]:
    """What ``WEEK_REPORTS`` needs."""
    return {"year": week.year, "week": week.week, "label_month": Month.of(week.last).first}


def load_week(week: Week, slot: int) -> Inputs:
    """The inputs of a weekly figure, counted straight from the reports."""
    page, index = divmod(slot, PAGE_SIZE)
    sums: dict[tuple[str, str, str, str, int | None], list[Reading]] = {}
    pinging: dict[tuple[str, str, str, str, int | None], list[int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT r.population, r.delivery, r.edition, r.tier, r.version_number,
                   r.notes && ARRAY['edition_missing', 'edition_unknown'], 'starter_as_premium' = ANY(r.notes),
                   p."values"[%(place)s], p.states, p.wide
            FROM ({WEEK_REPORTS}) r LEFT JOIN metrics_reportpage p ON p.report_id = r.id AND p.page = %(page)s
            WHERE NOT r.excluded
            """,
            {**week_parameters(week), "page": page, "place": index + 1},
        )
        for row in cursor.fetchall():
            cut = row[:5]
            count = pinging.setdefault(cut, [0, 0, 0])
            count[0] += 1
            count[1] += bool(row[5])
            count[2] += bool(row[6])
            if row[8] is None:
                continue
            wide = row[9] if row[9] is None or isinstance(row[9], dict) else orjson.loads(row[9])
            reading = reading_at(0, [row[7]], bytes(row[8])[index : index + 1], {"0": (wide or {}).get(str(index), "")})
            sums.setdefault(cut, []).append(reading)
    rows = []
    for cut, readings in sums.items():
        numbers = [reading for reading in readings if not isinstance(reading, Missing)]
        if numbers:
            rows.append(Sum(*cut, total(*numbers), len(numbers), len(numbers), 0))
    return Inputs(sums=rows, pinging=[Pinging(*cut, *counts) for cut, counts in pinging.items()])
