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

from metrics.engine.cells import Contribution
from metrics.engine.chosen import Chosen
from metrics.engine.counting import LINKED, Weights, gather_shared
from metrics.engine.held import close_rows
from metrics.engine.pages import PAGE_SIZE
from metrics.periods import Month

NO_VERSION = ""
"""The key of subscriptions whose reports name no version."""

ACTIVE = f"""
    linked AS (
        SELECT m.subscription, max(m.version_number) AS top, max(m.license_user_count) AS users, count(*) AS reports
        FROM metrics_monthreport m {LINKED} GROUP BY m.subscription
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


def count_side(month: Month) -> tuple[Side, Weights]:
    """The subscription side as the facts and the month's reports have it, and how pages are to weigh reports."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH {ACTIVE} SELECT top, reports IS NOT NULL, count(*), sum(seats), coalesce(sum(reports), 0),"
            " coalesce(sum(seats::numeric * reports), 0), coalesce(max(reports), 0) > 1 FROM active GROUP BY 1, 2",
            {"month": month.first, "last": month.last},
        )
        rows = cursor.fetchall()
    side = Side(0, 0, 0, {})
    for top, linked, number, seats, *_ in rows:
        side.active += number
        side.seats += int(seats)
        if linked:
            side.versions[NO_VERSION if top is None else str(top)] = [number, int(seats)]
        else:
            side.silent += number
    weights = Weights.of(
        links=int(sum(row[4] for row in rows)),
        seats=int(sum(row[5] for row in rows)),
        shared=gather_shared(month) if any(row[6] for row in rows) else (),
    )
    return side, weights


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


def store_reported(
    month: Month, page: int, subscriptions: list[int], seats: list[int], *, revision: int, keeping: bool
) -> int:
    """Write what differs from what is stored; returns how many rows changed."""
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
) -> set[int]:
    """The places of a page for which one of these reports has a monthly value."""
    places: set[int] = set()
    for row in rows:
        what = given[(row.report_id, row.baseline_id)].get(page)
        if what is not None:
            places.update(what.values)
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
    store_reported(month, page, new_numbers, new_seats, revision=revision, keeping=keeping)
