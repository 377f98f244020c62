"""Sums by cut, moved by the few installations that changed: what each gave before is taken out and what it gives now
is put in, at a cost that does not know how many others there are. Gives the rows that ``counting`` gives whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

import orjson
from django.db import connection

from metrics.engine.chosen import Chosen
from metrics.engine.counting import CUT as CUT_COLUMNS
from metrics.engine.held import close_rows
from metrics.engine.pages import PAGE_SIZE, WIDE, Missing, Reading, is_all_time, monthly, reading_at
from metrics.exact import Number, as_text, plain
from metrics.periods import Month

Cut = tuple[str, str, str, str, int | None]
CUT = ", ".join(CUT_COLUMNS)


@dataclass(frozen=True, slots=True)
class Side:
    """One stored page of readings."""

    values: Sequence[int]
    states: bytes
    wide: Mapping[str, str] | None

    def at(self, index: int) -> Reading:
        """The reading at a place."""
        return reading_at(index, self.values, self.states, self.wide)


def _wide(stored: Any) -> Mapping[str, str] | None:
    """Django's connection reads jsonb as text."""
    if stored is None or isinstance(stored, dict):
        return stored
    read: Mapping[str, str] = orjson.loads(stored)
    return read


@dataclass(slots=True)
class Contribution:
    """What one report gives to one page: monthly values, numbers read, resets; each by place."""

    values: dict[int, Number] = field(default_factory=dict)
    oks: set[int] = field(default_factory=set)
    resets: set[int] = field(default_factory=set)


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
    given = Contribution()
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
