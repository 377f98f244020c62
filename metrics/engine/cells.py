"""Sums by cut: a month's cells, counted whole in SQL or moved by the few installations that changed.

Both ways give the same rows. Whole: a statement per page of metrics, whose columns are written out by slot, since
``sum(values[7])`` over arrays without NULL is the quickest that PostgreSQL has. By installations: what each gave
before is taken out and what it gives now is put in, at a cost that does not know how many others there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

import orjson
from django.db import connection

from metrics.engine.chosen import Chosen, closing
from metrics.engine.pages import PAGE_SIZE, WIDE, Missing, Reading, is_all_time, monthly, reading_at
from metrics.exact import Number, as_text, plain
from metrics.periods import Month

Cut = tuple[str, str, str, str, int | None]
CUT = "population, delivery, edition, tier, version_number"

SOURCE = """
    FROM metrics_monthreport m
    JOIN metrics_reportpage p ON p.report_id = m.report_id AND p.page = %(page)s
"""
LINKED_ONCE = " LEFT JOIN linked_now l ON l.report_id = m.report_id AND l.reports = 1 "
"""The seats of the subscription that a report is the only one to name (see ``subscriptions.gather``)."""

BASELINE = " LEFT JOIN metrics_reportpage b ON b.report_id = m.baseline_id AND b.page = %(page)s "
COUNTED = " WHERE m.month = %(month)s AND m.to_revision IS NULL AND NOT m.excluded "


def ok(index: int, *, all_time: bool) -> str:
    """SQL: whether a report of ``SOURCE`` has a monthly value at this place of the page (wide ones aside)."""
    here = f"get_byte(p.states, {index}) = 0"
    if not all_time:
        return here
    place = index + 1
    return f'({here} AND get_byte(b.states, {index}) = 0 AND p."values"[{place}] >= b."values"[{place}])'


def _columns(width: int, *, all_time: bool) -> str:
    places = range(width)
    rest = f" || array_fill(0, ARRAY[{PAGE_SIZE - width}])" if width < PAGE_SIZE else ""
    if not all_time:
        sums = ", ".join(f'sum(p."values"[{index + 1}])' for index in places)
        counts = ", ".join(f"count(*) FILTER (WHERE {ok(index, all_time=False)})" for index in places)
        return (
            f"ARRAY[{sums}]{rest.replace('(0', '(0::numeric')} AS sums, ARRAY[{counts}]::int[]{rest} AS counts,"
            " NULL::int[] AS oks, NULL::int[] AS resets"
        )
    both = [f"get_byte(p.states, {index}) = 0 AND get_byte(b.states, {index}) = 0" for index in places]
    change = [f'p."values"[{index + 1}] - b."values"[{index + 1}]' for index in places]
    more = [f'p."values"[{index + 1}] >= b."values"[{index + 1}]' for index in places]
    less = [f'p."values"[{index + 1}] < b."values"[{index + 1}]' for index in places]
    sums = ", ".join(f"coalesce(sum({change[i]}) FILTER (WHERE {both[i]} AND {more[i]}), 0)" for i in places)
    counts = ", ".join(f"count(*) FILTER (WHERE {both[i]} AND {more[i]})" for i in places)
    oks = ", ".join(f"count(*) FILTER (WHERE get_byte(p.states, {i}) IN (0, {WIDE}))" for i in places)
    resets = ", ".join(f"count(*) FILTER (WHERE {both[i]} AND {less[i]})" for i in places)
    return (
        f"ARRAY[{sums}]{rest.replace('(0', '(0::numeric')} AS sums, ARRAY[{counts}]::int[]{rest} AS counts,"
        f" ARRAY[{oks}]::int[]{rest} AS oks, ARRAY[{resets}]::int[]{rest} AS resets"
    )


def _added(column: str, kind: str) -> str:
    return (
        f"CASE WHEN a.{column} IS NULL THEN f.{column} ELSE (SELECT array_agg(u.x + u.y ORDER BY u.n)"
        f" FROM unnest(f.{column}, a.{column}) WITH ORDINALITY AS u(x, y, n))::{kind}[] END AS {column}"
    )


@dataclass(frozen=True, slots=True)
class PageCounted:
    """What counting a page found: rows changed, and by place the subscriptions (and seats) of sole reports."""

    changed: int
    subscriptions: list[int]
    seats: list[int]


def _sole(width: int, *, all_time: bool) -> str:
    has = [ok(index, all_time=all_time) for index in range(width)]
    numbers = ", ".join(f"count(l.seats) FILTER (WHERE {one})" for one in has)
    seats = ", ".join(f"coalesce(sum(l.seats) FILTER (WHERE {one}), 0)" for one in has)
    return f"ARRAY[{numbers}] AS sole, ARRAY[{seats}] AS sole_seats"


def _over_cuts(column: str) -> str:
    return (
        f"(SELECT array_agg(t.whole ORDER BY t.n) FROM (SELECT u.n, sum(u.x) AS whole"
        f" FROM plain, unnest({column}) WITH ORDINALITY AS u(x, n) GROUP BY u.n) t)"
    )


def count_page(month: Month, page: int, width: int, *, revision: int, keeping: bool) -> PageCounted:
    """Bring the cells of one page of a month up to date, after ``subscriptions.gather``.

    The page's readings are gone through once, so what they say about subscriptions is counted along.

    ``width`` is how many slots of the page were ever allotted; the places behind are zeros and cost nothing.
    """
    all_time = is_all_time(page)
    source = SOURCE + (BASELINE if all_time else "")
    wide = _wide_sums(month, page, source=source)
    statement = f"""
        WITH plain AS MATERIALIZED (
            SELECT {CUT}, {_columns(width, all_time=all_time)}, {_sole(width, all_time=all_time)}
            {source} {LINKED_ONCE} {COUNTED} GROUP BY {CUT}
        ), wide AS (
            SELECT * FROM jsonb_to_recordset(%(wide)s::jsonb) AS w(population text, delivery text, edition text,
                tier text, version_number int, sums numeric[], counts int[], resets int[])
        ), fresh AS MATERIALIZED (
            SELECT f.population, f.delivery, f.edition, f.tier, f.version_number,
                   {_added("sums", "numeric")}, {_added("counts", "int")}, f.oks, {_added("resets", "int")}
            FROM plain f LEFT JOIN wide a ON (a.population, a.delivery, a.edition, a.tier) =
                (f.population, f.delivery, f.edition, f.tier)
                AND a.version_number IS NOT DISTINCT FROM f.version_number
        ), filled AS MATERIALIZED (
            SELECT * FROM fresh WHERE 0 < ANY(counts) OR 0 < ANY(oks)
        ), gone AS (
            {closing(keeping=keeping).format(table="metrics_cell m")}
            WHERE m.month = %(month)s AND m.page = %(page)s AND m.to_revision IS NULL AND NOT EXISTS (
                SELECT 1 FROM filled f WHERE (f.population, f.delivery, f.edition, f.tier) =
                    (m.population, m.delivery, m.edition, m.tier)
                AND (f.version_number, f.sums, f.counts, f.oks, f.resets) IS NOT DISTINCT FROM
                    (m.version_number, m.sums, m.counts, m.oks, m.resets))
            RETURNING 1
        ), came AS (
            INSERT INTO metrics_cell (month, page, from_revision, {CUT}, sums, counts, oks, resets)
            SELECT %(month)s, %(page)s, %(revision)s, {CUT}, sums, counts, oks, resets FROM filled f
            WHERE NOT EXISTS (
                SELECT 1 FROM metrics_cell m
                WHERE m.month = %(month)s AND m.page = %(page)s AND m.to_revision IS NULL
                AND (f.population, f.delivery, f.edition, f.tier) = (m.population, m.delivery, m.edition, m.tier)
                AND (f.version_number, f.sums, f.counts, f.oks, f.resets) IS NOT DISTINCT FROM
                    (m.version_number, m.sums, m.counts, m.oks, m.resets))
            RETURNING 1
        )
        SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM came), {_over_cuts("sole")},
               {_over_cuts("sole_seats")}
    """
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {"month": month.first, "page": page, "revision": revision, "wide": orjson.dumps(wide).decode()},
        )
        changed, subscriptions, seats = cursor.fetchone()
    none = [0] * width
    return PageCounted(
        changed, [int(number) for number in subscriptions or none], [int(number) for number in seats or none]
    )


def _wide_sums(month: Month, page: int, *, source: str) -> list[dict[str, Any]]:
    """What numbers that do not fit the arrays add to the cells, counted exactly in Python: there are few."""
    all_time = is_all_time(page)
    baseline = 'b."values", b.states, b.wide' if all_time else "NULL, NULL, NULL"
    either = "(p.wide IS NOT NULL OR b.wide IS NOT NULL)" if all_time else "p.wide IS NOT NULL"
    sums: dict[Cut, dict[str, list[Any]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT {CUT}, p."values", p.states, p.wide, {baseline} {source} {COUNTED} AND {either}',
            {"month": month.first, "page": page},
        )
        for row in cursor:
            cut: Cut = row[:5]
            now, before = _sides(row[5:])
            for index in now.wide_places | (before.wide_places if before else set()):
                value = monthly(now.at(index), before.at(index) if before else None, all_time=all_time)
                into = sums.setdefault(
                    cut, {"sums": [0] * PAGE_SIZE, "counts": [0] * PAGE_SIZE, "resets": [0] * PAGE_SIZE}
                )
                if isinstance(value, int | Decimal) and not isinstance(value, Missing):
                    into["sums"][index] += Fraction(value)
                    into["counts"][index] += 1
                elif value == "reset":
                    into["resets"][index] += 1
    return [
        {
            "population": cut[0],
            "delivery": cut[1],
            "edition": cut[2],
            "tier": cut[3],
            "version_number": cut[4],
            "sums": [as_text(plain(value)) for value in into["sums"]],
            "counts": into["counts"],
            "resets": into["resets"] if all_time else None,
        }
        for cut, into in sums.items()
    ]


def count_cuts(month: Month, *, revision: int, keeping: bool) -> int:
    """Bring the numbers of installations by cut up to date; returns how many rows changed."""
    same = (
        "(f.population, f.delivery, f.edition, f.tier) = (m.population, m.delivery, m.edition, m.tier)"
        " AND (f.version_number, f.pinging, f.edition_noted, f.starter) IS NOT DISTINCT FROM"
        " (m.version_number, m.pinging, m.edition_noted, m.starter)"
    )
    held = "m.month = %(month)s AND m.to_revision IS NULL"
    statement = f"""
        WITH fresh AS MATERIALIZED (
            SELECT {CUT}, count(*)::int AS pinging, count(*) FILTER (WHERE edition_noted)::int AS edition_noted,
                   count(*) FILTER (WHERE starter)::int AS starter
            FROM metrics_monthreport m {COUNTED} GROUP BY {CUT}
        ), gone AS (
            {closing(keeping=keeping).format(table="metrics_cellcount m")}
            WHERE {held} AND NOT EXISTS (SELECT 1 FROM fresh f WHERE {same}) RETURNING 1
        ), came AS (
            INSERT INTO metrics_cellcount (month, from_revision, {CUT}, pinging, edition_noted, starter)
            SELECT %(month)s, %(revision)s, {CUT}, pinging, edition_noted, starter FROM fresh f
            WHERE NOT EXISTS (SELECT 1 FROM metrics_cellcount m WHERE {held} AND {same}) RETURNING 1
        )
        SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM came)
    """
    with connection.cursor() as cursor:
        cursor.execute(statement, {"month": month.first, "revision": revision})
        (changed,) = cursor.fetchone()
    return int(changed)


@dataclass(frozen=True, slots=True)
class Side:
    """One stored page of readings."""

    values: Sequence[int]
    states: bytes
    wide: Mapping[str, str] | None

    def at(self, index: int) -> Reading:
        """The reading at a place."""
        return reading_at(index, self.values, self.states, self.wide)

    @property
    def wide_places(self) -> set[int]:
        """Where the wide ones are."""
        return {int(index) for index in self.wide or {}}


def _sides(columns: Sequence[Any]) -> tuple[Side, Side | None]:
    values, states, wide, values_before, states_before, wide_before = columns
    now = Side(values, bytes(states), _wide(wide))
    before = None if states_before is None else Side(values_before, bytes(states_before), _wide(wide_before))
    return now, before


def _wide(stored: Any) -> Mapping[str, str] | None:
    """Django's connection reads jsonb as text."""
    if stored is None or isinstance(stored, dict):
        return stored
    return orjson.loads(stored)  # type: ignore[no-any-return]


@dataclass(slots=True)
class Contribution:
    """What one report gives to one page: monthly values, numbers read, resets; each by place."""

    values: dict[int, Number] = field(default_factory=dict)
    oks: set[int] = field(default_factory=set)
    resets: set[int] = field(default_factory=set)
    wide: set[int] = field(default_factory=set)
    """Places whose value comes from a number that does not fit the arrays."""


def contributions(rows: Iterable[Chosen]) -> dict[tuple[int, int | None], dict[int, Contribution]]:
    """What reports give, by (report, baseline) and page."""
    wanted = {(row.report_id, row.baseline_id) for row in rows}
    reports = {report for report, _ in wanted} | {baseline for _, baseline in wanted if baseline is not None}
    pages: dict[tuple[int, int], Side] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            'SELECT report_id, page, "values", states, wide FROM metrics_reportpage WHERE report_id = ANY(%s)',
            [sorted(reports)],
        )
        for report, page, values, states, wide in cursor:
            pages[(report, page)] = Side(values, bytes(states), _wide(wide))
    by_report: dict[int, list[int]] = {}
    for report, page in pages:
        by_report.setdefault(report, []).append(page)
    return {
        (report, baseline): {
            page: contribution(
                pages[(report, page)],
                None if baseline is None else pages.get((baseline, page)),
                all_time=is_all_time(page),
            )
            for page in by_report.get(report, ())
        }
        for report, baseline in wanted
    }


def contribution(now: Side, before: Side | None, *, all_time: bool) -> Contribution:
    """What one page gives."""
    given = Contribution(wide=now.wide_places | (before.wide_places if before and all_time else set()))
    for index, state in enumerate(now.states):
        if state not in (0, WIDE):
            continue
        given.oks.add(index)
        value = monthly(now.at(index), before.at(index) if before else None, all_time=all_time)
        if value == "reset":
            given.resets.add(index)
        elif isinstance(value, int | Decimal) and not isinstance(value, Missing):
            given.values[index] = value
    return given


@dataclass(slots=True)
class CellSums:
    """A cell while it is worked on."""

    sums: list[Number]
    counts: list[int]
    oks: list[int]
    resets: list[int]

    @classmethod
    def empty(cls) -> CellSums:
        """Of nothing."""
        return cls([0] * PAGE_SIZE, [0] * PAGE_SIZE, [0] * PAGE_SIZE, [0] * PAGE_SIZE)

    def add(self, given: Contribution, sign: int) -> None:
        """Put a contribution in, or take it out."""
        for index, value in given.values.items():
            kept = self.sums[index]
            if isinstance(value, int) and isinstance(kept, int):
                self.sums[index] = kept + sign * value
            else:
                self.sums[index] = plain(Fraction(kept) + sign * Fraction(value))
            self.counts[index] += sign
        for index in given.oks:
            self.oks[index] += sign
        for index in given.resets:
            self.resets[index] += sign

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left in it."""
        return not any(self.counts) and not any(self.oks)


Change = tuple[Chosen, int]
"""A row that goes (-1) or comes (1)."""


def move_pages(
    month: Month,
    changes: Sequence[Change],
    given: Mapping[tuple[int, int | None], Mapping[int, Contribution]],
    *,
    revision: int,
    keeping: bool,
) -> dict[int, dict[Cut, tuple[set[int], set[int]]]]:
    """Move the cells by these changes.

    Returns by page and cut the places where the number of ok readings rose from none and where it fell to none.
    """
    touched: dict[int, dict[Cut, list[tuple[Contribution, int]]]] = {}
    for row, sign in changes:
        if row.excluded:
            continue
        for page, what in given[(row.report_id, row.baseline_id)].items():
            touched.setdefault(page, {}).setdefault(row.cut, []).append((what, sign))
    moved: dict[int, dict[Cut, tuple[set[int], set[int]]]] = {}
    for page, cuts in touched.items():
        all_time = is_all_time(page)
        stored = _cells(month, page, list(cuts))
        closed: list[int] = []
        fresh: list[list[Any]] = []
        for cut, parts in cuts.items():
            row_id, cell = stored.get(cut, (None, CellSums.empty()))
            before = (list(cell.sums), list(cell.counts), list(cell.oks), list(cell.resets))
            oks_before = list(cell.oks)
            for what, sign in parts:
                cell.add(what, sign)
            if row_id is not None and before == (cell.sums, cell.counts, cell.oks, cell.resets):
                continue
            rose = {i for i, (old, new) in enumerate(zip(oks_before, cell.oks, strict=True)) if not old and new}
            fell = {i for i, (old, new) in enumerate(zip(oks_before, cell.oks, strict=True)) if old and not new}
            moved.setdefault(page, {})[cut] = (rose, fell)
            if row_id is not None:
                closed.append(row_id)
            if not cell.is_empty:
                fresh.append(
                    [
                        month.first,
                        page,
                        revision,
                        *cut,
                        [Decimal(as_text(value)) for value in cell.sums],
                        cell.counts,
                        cell.oks if all_time else None,
                        cell.resets if all_time else None,
                    ]
                )
        close_rows("metrics_cell", closed, revision=revision, keeping=keeping)
        if fresh:
            with connection.cursor() as cursor:
                cursor.executemany(
                    f"INSERT INTO metrics_cell (month, page, from_revision, {CUT}, sums, counts, oks, resets)"
                    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s::numeric[], %s::int[], %s::int[], %s::int[])",
                    fresh,
                )
    return moved


def close_rows(table: str, ids: Sequence[int], *, revision: int, keeping: bool) -> None:
    """Stop these rows from holding."""
    if not ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            closing(keeping=keeping).format(table=table) + " WHERE id = ANY(%(ids)s)",
            {"revision": revision, "ids": list(ids)},
        )


def _of_cuts(cuts: Sequence[Cut]) -> tuple[str, list[Any]]:
    return (
        " JOIN unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::int[]) AS w(p, d, e, t, v)"
        " ON (c.population, c.delivery, c.edition, c.tier) = (w.p, w.d, w.e, w.t)"
        " AND c.version_number IS NOT DISTINCT FROM w.v",
        [list(column) for column in zip(*cuts, strict=True)],
    )


def _cells(month: Month, page: int, cuts: Sequence[Cut]) -> dict[Cut, tuple[int, CellSums]]:
    join, values = _of_cuts(cuts)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.id, c.population, c.delivery, c.edition, c.tier, c.version_number, c.sums, c.counts, c.oks,"
            f" c.resets FROM metrics_cell c {join}"
            " WHERE c.month = %s AND c.page = %s AND c.to_revision IS NULL",
            [*values, month.first, page],
        )
        return {
            tuple(row[1:6]): (
                row[0],
                CellSums(
                    [plain(value) for value in row[6]],
                    list(row[7]),
                    list(row[8] if row[8] is not None else row[7]),
                    list(row[9] if row[9] is not None else [0] * len(row[7])),
                ),
            )
            for row in cursor.fetchall()
        }


def move_cuts(month: Month, changes: Sequence[Change], *, revision: int, keeping: bool) -> None:
    """Move the numbers of installations by cut."""
    moves: dict[Cut, list[int]] = {}
    for row, sign in changes:
        if not row.excluded:
            move = moves.setdefault(row.cut, [0, 0, 0])
            move[0] += sign
            move[1] += sign * row.edition_noted
            move[2] += sign * row.starter
    moves = {cut: move for cut, move in moves.items() if any(move)}
    if not moves:
        return
    join, values = _of_cuts(list(moves))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.id, c.population, c.delivery, c.edition, c.tier, c.version_number, c.pinging, c.edition_noted,"
            f" c.starter FROM metrics_cellcount c {join}"
            " WHERE c.month = %s AND c.to_revision IS NULL",
            [*values, month.first],
        )
        stored = {tuple(row[1:6]): (row[0], row[6:]) for row in cursor.fetchall()}
        close_rows("metrics_cellcount", [row_id for row_id, _ in stored.values()], revision=revision, keeping=keeping)
        fresh = []
        for cut, move in moves.items():
            kept = stored.get(cut, (None, (0, 0, 0)))[1]
            new = [old + change for old, change in zip(kept, move, strict=True)]
            if new[0]:
                fresh.append([month.first, revision, *cut, *new])
        if fresh:
            cursor.executemany(
                f"INSERT INTO metrics_cellcount (month, from_revision, {CUT}, pinging, edition_noted, starter)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                fresh,
            )
