"""Reads the sums that figures are made of: many months and metrics at once, in a constant number of queries."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.db import connection

from metrics.engine.chosen import LABELS
from metrics.engine.estimates import Subscribed
from metrics.engine.pages import PAGE_SIZE, Missing, Reading, reading_at
from metrics.exact import from_text, total
from metrics.figures.compute import Inputs, Pinging, Sum
from metrics.periods import Month, Week

LIVE = 2**63 - 1
"""The revision of now: above all others."""

Moment = tuple[Month, int]
"""A month as it was at a revision."""

HELD = "{0}.from_revision <= a.revision AND ({0}.to_revision IS NULL OR {0}.to_revision > a.revision)"
AT = "unnest(%(months)s::date[], %(revisions)s::bigint[]) WITH ORDINALITY AS a(month, revision, number)"
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
    """Read all that figures of these metrics at these moments need, in one statement.

    ``by_version`` keeps versions apart (for cuts by version); ``reported`` reads what the reported grains need.
    """
    found = Loaded()
    if not moments:
        return found
    ordered = sorted(moments)
    parts = {"pinging": _pinging(by_version=by_version), "subscribed": _SUBSCRIBED, "listed": _LISTED}
    if slots:
        parts |= {"sums": _sums(by_version=by_version), "firsts": _FIRSTS}
        parts |= {"reported": _REPORTED} if reported else {}
    rows = _together(parts, ordered, slots)
    for number, *values in rows["pinging"]:
        found.pinging.setdefault(ordered[number - 1], []).append(Pinging(*values))
    for number, active, seats, silent, versions in rows["subscribed"]:
        found.subscribed[ordered[number - 1]] = subscribed_of(active, seats, silent, versions)
    for number, slot, population, delivery, edition, tier, version, value, *counts in rows.get("sums", ()):
        of = found.sums.setdefault((*ordered[number - 1], slot), [])
        of.append(Sum(population, delivery, edition, tier, version, from_text(value), *counts))
    for number, slot, edition, first in rows.get("firsts", ()):
        found.firsts.setdefault((*ordered[number - 1], slot), {})[edition] = first
    for number, slot, subscriptions, seats in rows.get("reported", ()):
        found.reported[(*ordered[number - 1], slot)] = (subscriptions, int(seats))
    for moment in ordered:
        if moment not in found.subscribed:
            found.subscribed[moment] = _only_listed(moment, rows["listed"])
    return found


def _together(parts: Mapping[str, Part], moments: Sequence[Moment], slots: Collection[int]) -> dict[str, list[Any]]:
    """The rows of several queries by one statement, as JSON: pages are judged by how many they need."""
    columns = ", ".join(
        f"(SELECT json_agg(json_build_array({', '.join(names)})) FROM ({text}) AS row({', '.join(names)}))::text"
        for width, text in parts.values()
        for names in [[f"c{at}" for at in range(width)]]
    )
    parameters: dict[str, Any] = {
        "months": [month.first for month, _ in moments],
        "revisions": [revision for _, revision in moments],
        "slots": list(slots),
        "pages": [slot // PAGE_SIZE for slot in slots],
        "places": [slot % PAGE_SIZE + 1 for slot in slots],
    }
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns}", parameters)
        # The standard parser, which keeps integers of any size; other exact numbers come as text.
        return {name: json.loads(rows or "[]") for name, rows in zip(parts, cursor.fetchone(), strict=True)}


Part = tuple[int, str]
"""How many columns a query has, and the query. Moments are numbered from 1."""


def _version(by_version: bool) -> str:
    return "c.version_number" if by_version else "NULL::int"


def _pinging(*, by_version: bool) -> Part:
    return (
        9,
        f"""
        SELECT a.number, c.population, c.delivery, c.edition, c.tier, {_version(by_version)},
               sum(c.pinging), sum(c.edition_noted), sum(c.starter)
        FROM {AT} JOIN metrics_cellcount c ON c.month = a.month AND {HELD.format("c")}
        GROUP BY 1, 2, 3, 4, 5, 6
    """,
    )


_SUBSCRIBED: Part = (
    5,
    f"""
    SELECT a.number, s.active, s.seats::text, s.silent, s.versions
    FROM {AT} JOIN metrics_subscriptionmonth s ON s.month = a.month AND {HELD.format("s")}
    """,
)


def _sums(*, by_version: bool) -> Part:
    return (
        11,
        f"""
        SELECT a.number, w.slot, c.population, c.delivery, c.edition, c.tier, {_version(by_version)},
               sum(c.sums[w.place])::text, sum(c.counts[w.place]), sum((coalesce(c.oks, c.counts))[w.place]),
               sum(coalesce(c.resets[w.place], 0))
        FROM {AT} JOIN metrics_cell c ON c.month = a.month AND {HELD.format("c")}
        JOIN {WANTED} ON w.page = c.page
        WHERE (coalesce(c.oks, c.counts))[w.place] > 0
        GROUP BY 1, 2, 3, 4, 5, 6, 7
    """,
    )


_FIRSTS: Part = (
    4,
    f"""
    SELECT a.number, w.slot, f.edition, min(f.versions[w.place])
    FROM {AT} JOIN metrics_firstversions f ON f.month <= a.month AND {HELD.format("f")}
    JOIN {WANTED} ON w.page = f.page
    WHERE f.versions[w.place] IS NOT NULL
    GROUP BY 1, 2, 3
    """,
)
_REPORTED: Part = (
    4,
    f"""
    SELECT a.number, w.slot, r.subscriptions[w.place], r.seats[w.place]::text
    FROM {AT} JOIN metrics_reportedmonth r ON r.month = a.month AND {HELD.format("r")}
    JOIN {WANTED} ON w.page = r.page
    """,
)


def subscribed_of(active: int, seats: object, silent: int, versions: object) -> Subscribed:
    """The stored row as a value."""
    by_version: Mapping[str, Sequence[int]] = versions if isinstance(versions, dict) else orjson.loads(str(versions))
    return Subscribed(
        active=active,
        seats=int(str(seats)),
        silent=silent,
        versions={int(key) if key else None: (pair[0], pair[1]) for key, pair in by_version.items()},
    )


_LISTED: Part = (
    4,
    f"""
    SELECT date_trunc('month', starts_on)::date, date_trunc('month', ends_on)::date, count(*), sum(seats)::text
    FROM metrics_subscription WHERE delivery = 'self_managed' AND EXISTS (
        SELECT 1 FROM {AT} LEFT JOIN metrics_subscriptionmonth s ON s.month = a.month AND {HELD.format("s")}
        WHERE s.id IS NULL)
    GROUP BY 1, 2
    """,
)
"""The list by the months that it spans, read where a month was never rolled up."""


def _only_listed(moment: Moment, spans: Iterable[Sequence[Any]]) -> Subscribed:
    """Of a month that was never rolled up, because nothing was reported: the list alone says who is active."""
    first = moment[0].first.isoformat()
    current = [span for span in spans if span[0] <= first and (span[1] is None or first <= span[1])]
    number = sum(span[2] for span in current)
    return Subscribed(active=number, seats=sum(int(span[3]) for span in current), silent=number)


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
