"""The subscription side of a month: who is active, on which version, and for whom a metric was reported.

Active self-managed subscriptions are those of the list whose dates overlap the month, and those that a self-managed
month's report names, listed or not. Their number and seats are the denominators of every estimate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
from django.db import connection

from metrics.engine.cells import BASELINE, Contribution, PageCounted, close_rows, contributions, ok
from metrics.engine.chosen import Chosen, linked_to
from metrics.engine.pages import PAGE_SIZE, is_all_time
from metrics.periods import Month

LINKED = """
    m.month = %(month)s AND m.to_revision IS NULL AND NOT m.excluded AND m.subscription <> ''
    AND m.delivery = 'self_managed' AND m.population = 'all'
"""
NO_VERSION = ""
"""The key of subscriptions whose reports name no version."""

ACTIVE = f"""
    linked AS (
        SELECT m.subscription, max(m.version_number) AS top, max(m.license_user_count) AS users, count(*) AS reports
        FROM metrics_monthreport m WHERE {LINKED} GROUP BY m.subscription
    ), active AS MATERIALIZED (
        SELECT coalesce(l.subscription, s.subscription_id) AS subscription, l.top, l.reports,
               coalesce(s.seats, greatest(l.users, 0), 0) AS seats
        FROM linked l FULL JOIN metrics_subscription s ON s.subscription_id = l.subscription
        WHERE l.subscription IS NOT NULL OR (
            s.delivery = 'self_managed' AND s.starts_on <= %(last)s
            AND (s.ends_on IS NULL OR s.ends_on >= %(month)s))
    )
"""


@dataclass(slots=True)
class Side:
    """A ``SubscriptionMonth`` while it is worked on."""

    active: int
    seats: int
    silent: int
    versions: dict[str, list[int]]

    def put(self, state: SubscriptionState, sign: int) -> None:
        """Put a subscription in, or take it out."""
        if not state.active:
            return
        self.active += sign
        self.seats += sign * state.seats
        if not state.linked:
            self.silent += sign
            return
        key = NO_VERSION if state.top is None else str(state.top)
        kept = self.versions.setdefault(key, [0, 0])
        kept[0] += sign
        kept[1] += sign * state.seats
        if not kept[0]:
            del self.versions[key]


@dataclass(frozen=True, slots=True)
class SubscriptionState:
    """A subscription in a month."""

    active: bool
    linked: bool
    top: int | None
    seats: int


def gather(month: Month) -> None:
    """Bring together, once per roll-up, who is active and which reports name whom: all pages are counted from it.

    A temporary table, since its statistics can be had: the planner knows nothing of a common table expression, and
    guesses wrong by orders of magnitude here.
    """
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS active_now, linked_now")
        cursor.execute(
            f"CREATE TEMPORARY TABLE active_now ON COMMIT DROP AS WITH {ACTIVE} SELECT * FROM active",
            {"month": month.first, "last": month.last},
        )
        cursor.execute("ANALYZE active_now")
        cursor.execute(
            "CREATE TEMPORARY TABLE linked_now ON COMMIT DROP AS"
            " SELECT m.report_id, m.baseline_id, m.subscription, a.seats, a.reports"
            f" FROM metrics_monthreport m JOIN active_now a ON a.subscription = m.subscription WHERE {LINKED}",
            {"month": month.first},
        )
        cursor.execute("ANALYZE linked_now")


def side_now(month: Month) -> Side:
    """The subscription side as the facts and the month's reports have it, after ``gather``."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT top, reports IS NOT NULL, count(*), sum(seats) FROM active_now GROUP BY top, reports IS NOT NULL"
        )
        rows = cursor.fetchall()
    side = Side(0, 0, 0, {})
    for top, linked, number, seats in rows:
        side.active += number
        side.seats += int(seats)
        if linked:
            side.versions[NO_VERSION if top is None else str(top)] = [number, int(seats)]
        else:
            side.silent += number
    return side


def side_stored(month: Month) -> tuple[int | None, Side]:
    """The stored row and its id."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, active, seats, silent, versions FROM metrics_subscriptionmonth"
            " WHERE month = %s AND to_revision IS NULL",
            [month.first],
        )
        row = cursor.fetchone()
    if row is None:
        return None, Side(0, 0, 0, {})
    versions = row[4] if isinstance(row[4], dict) else orjson.loads(row[4])
    return row[0], Side(row[1], int(row[2]), row[3], versions)


def store_side(month: Month, side: Side, *, revision: int, keeping: bool) -> int:
    """Write the side where it differs from what is stored."""
    row_id, kept = side_stored(month)
    if row_id is not None and kept == side:
        return 0
    if row_id is not None:
        close_rows("metrics_subscriptionmonth", [row_id], revision=revision, keeping=keeping)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO metrics_subscriptionmonth (month, from_revision, active, seats, silent, versions)"
            " VALUES (%s, %s, %s, %s, %s, %s::jsonb)",
            [
                month.first,
                revision,
                side.active,
                side.seats,
                side.silent,
                orjson.dumps(side.versions, option=orjson.OPT_SORT_KEYS).decode(),
            ],
        )
    return 1


def count_reported(month: Month, page: int, width: int, counted: PageCounted, *, revision: int, keeping: bool) -> int:
    """Bring the subscriptions with a monthly value of each metric of a page up to date, after ``gather``.

    Those that only one report names were counted with the page; those that several name are brought together here.
    Returns how many rows changed.
    """
    wide = _wide_linked(page)
    subscriptions = counted.subscriptions + [0] * (PAGE_SIZE - width)
    seats = counted.seats + [0] * (PAGE_SIZE - width)
    if _any_shared():
        for index, (number, of_seats) in enumerate(_shared(page, width)):
            subscriptions[index] += number
            seats[index] += of_seats
    if wide:
        _add_wide(month, page, wide, subscriptions, seats)
    return _store_reported(month, page, subscriptions, seats, revision=revision, keeping=keeping)


def _any_shared() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM linked_now WHERE reports > 1)")
        return bool(cursor.fetchone()[0])


def _shared(page: int, width: int) -> list[tuple[int, int]]:
    """By place, the subscriptions and seats of which one of several reports has a monthly value."""
    all_time = is_all_time(page)
    has = [ok(index, all_time=all_time) for index in range(width)]
    each = ", ".join(f"coalesce(bool_or({one}), false) AS h{index}" for index, one in enumerate(has))
    together = ", ".join(
        f"count(*) FILTER (WHERE h{i}), coalesce(sum(seats) FILTER (WHERE h{i}), 0)" for i in range(width)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH named AS (
                SELECT m.seats, {each} FROM linked_now m
                JOIN metrics_reportpage p ON p.report_id = m.report_id AND p.page = %(page)s
                {BASELINE if all_time else ""}
                WHERE m.reports > 1 GROUP BY m.subscription, m.seats
            ) SELECT {together} FROM named
            """,
            {"page": page},
        )
        numbers = [int(value) for value in cursor.fetchone()]
    return list(zip(numbers[0::2], numbers[1::2], strict=True))


def _wide_linked(page: int) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT m.subscription FROM linked_now m JOIN metrics_reportpage p ON p.report_id = m.report_id
            WHERE p.page = %(page)s AND p.wide IS NOT NULL
            UNION
            SELECT m.subscription FROM linked_now m JOIN metrics_reportpage p ON p.report_id = m.baseline_id
            WHERE p.page = %(page)s AND p.wide IS NOT NULL
            """,
            {"page": page},
        )
        return [row[0] for row in cursor.fetchall()]


def _add_wide(month: Month, page: int, wide: Sequence[str], subscriptions: list[int], seats: list[int]) -> None:
    """Add places of which only a wide number says that there is a value: SQL does not see those.

    What SQL did see of these subscriptions is counted already, so only what is missing is added.
    """
    rows = [row for row in linked_to(month, wide) if row.links]
    given = contributions(rows)
    of_list = listed(month, wide)
    for subscription, theirs in grouped(rows).items():
        state = state_of(of_list.get(subscription), theirs)
        for index in reported_places(theirs, given, page) - reported_places(theirs, given, page, narrow=True):
            subscriptions[index] += 1
            seats[index] += state.seats


def _store_reported(
    month: Month, page: int, subscriptions: list[int], seats: list[int], *, revision: int, keeping: bool
) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, subscriptions, seats FROM metrics_reportedmonth"
            " WHERE month = %s AND page = %s AND to_revision IS NULL",
            [month.first, page],
        )
        kept = cursor.fetchone()
        if kept is not None and list(kept[1]) == subscriptions and [int(value) for value in kept[2]] == seats:
            return 0
        if kept is None and not any(subscriptions):
            return 0
        if kept is not None:
            close_rows("metrics_reportedmonth", [kept[0]], revision=revision, keeping=keeping)
        if any(subscriptions):
            cursor.execute(
                "INSERT INTO metrics_reportedmonth (month, page, from_revision, subscriptions, seats)"
                " VALUES (%s, %s, %s, %s::int[], %s::numeric[])",
                [month.first, page, revision, subscriptions, [Decimal(value) for value in seats]],
            )
    return 1


@dataclass(frozen=True, slots=True)
class Listed:
    """A subscription as the list has it, seen from a month."""

    seats: int
    current: bool


def listed(month: Month, subscriptions: Sequence[str]) -> dict[str, Listed]:
    """What the list says about these."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT subscription_id, seats, delivery = 'self_managed' AND starts_on <= %s"
            " AND (ends_on IS NULL OR ends_on >= %s) FROM metrics_subscription WHERE subscription_id = ANY(%s)",
            [month.last, month.first, list(subscriptions)],
        )
        return {row[0]: Listed(row[1], row[2]) for row in cursor.fetchall()}


def grouped(rows: Iterable[Chosen]) -> dict[str, list[Chosen]]:
    """Linking rows by subscription."""
    found: dict[str, list[Chosen]] = {}
    for row in rows:
        if row.links:
            found.setdefault(row.subscription, []).append(row)
    return found


def state_of(of_list: Listed | None, rows: Sequence[Chosen]) -> SubscriptionState:
    """A subscription, from the list and the reports that name it."""
    versions = [row.version_number for row in rows if row.version_number is not None]
    users = max((row.license_user_count or 0 for row in rows), default=0)
    return SubscriptionState(
        active=bool(rows) or (of_list is not None and of_list.current),
        linked=bool(rows),
        top=max(versions, default=None),
        seats=of_list.seats if of_list is not None else max(users, 0),
    )


def reported_places(
    rows: Sequence[Chosen],
    given: Mapping[tuple[int, int | None], Mapping[int, Contribution]],
    page: int,
    *,
    narrow: bool = False,
) -> set[int]:
    """The places of a page for which one of these reports has a monthly value (``narrow``: one without wide ones)."""
    places: set[int] = set()
    for row in rows:
        what = given[(row.report_id, row.baseline_id)].get(page)
        if what is not None:
            places.update(index for index in what.values if not narrow or index not in what.wide)
    return places


def move_subscriptions(
    month: Month,
    old: Sequence[Chosen],
    new: Sequence[Chosen],
    neighbours: Sequence[Chosen],
    given: Mapping[tuple[int, int | None], Mapping[int, Contribution]],
    *,
    revision: int,
    keeping: bool,
) -> None:
    """Move the subscription side by rows that went and came. ``neighbours``: unchanged rows of the same
    subscriptions, whose contributions are ``given`` too."""
    before, after = grouped([*old, *neighbours]), grouped([*new, *neighbours])
    names = sorted({row.subscription for row in (*old, *new) if row.links})
    if not names:
        return
    of_list = listed(month, names)
    _, side = side_stored(month)
    pages = {page for what in given.values() for page in what}
    moves: dict[int, tuple[dict[int, int], dict[int, int]]] = {}
    for name in names:
        was, now = state_of(of_list.get(name), before.get(name, [])), state_of(of_list.get(name), after.get(name, []))
        side.put(was, -1)
        side.put(now, 1)
        for page in pages:
            for state, rows, sign in ((was, before.get(name, []), -1), (now, after.get(name, []), 1)):
                for index in reported_places(rows, given, page):
                    numbers, seats = moves.setdefault(page, ({}, {}))
                    numbers[index] = numbers.get(index, 0) + sign
                    seats[index] = seats.get(index, 0) + sign * state.seats
    store_side(month, side, revision=revision, keeping=keeping)
    for page, (numbers, seats_moved) in moves.items():
        if any(numbers.values()) or any(seats_moved.values()):
            _move_reported(month, page, numbers, seats_moved, revision=revision, keeping=keeping)


def _move_reported(
    month: Month, page: int, numbers: Mapping[int, int], seats: Mapping[int, int], *, revision: int, keeping: bool
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT subscriptions, seats FROM metrics_reportedmonth"
            " WHERE month = %s AND page = %s AND to_revision IS NULL",
            [month.first, page],
        )
        kept: Any = cursor.fetchone() or ([0] * PAGE_SIZE, [0] * PAGE_SIZE)
    new_numbers, new_seats = list(kept[0]), [int(value) for value in kept[1]]
    for index, change in numbers.items():
        new_numbers[index] += change
    for index, change in seats.items():
        new_seats[index] += change
    _store_reported(month, page, new_numbers, new_seats, revision=revision, keeping=keeping)


__all__ = [
    "count_reported",
    "gather",
    "move_subscriptions",
    "side_now",
    "store_side",
]
