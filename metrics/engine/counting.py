"""A month's sums by cut, counted whole from the facts: one pass over the readings of each page of metrics.

The columns of a page are written out place by place, since ``sum(values[7])`` over arrays without NULL is the quickest
that PostgreSQL has. The pass is a plain query, so that it may use several processors; a statement that also writes may
not. What it found is then compared with what is stored, in a statement of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import connection

from metrics.engine.held import follow
from metrics.engine.pages import PAGE_SIZE, WIDE, is_all_time
from metrics.periods import Month

CUT = ("population", "delivery", "edition", "tier", "version_number")
COUNTED = " WHERE m.month = %(month)s AND m.to_revision IS NULL AND NOT m.excluded "
LINKS = "m.subscription <> '' AND m.delivery = 'self_managed' AND m.population = 'all'"
LINKED = f"{COUNTED} AND {LINKS} "
"""The reports that make their subscription an active self-managed one."""


@dataclass(frozen=True, slots=True)
class Weights:
    """How one sum counts three things: a report weighs ``one``; where it is the only one to name its subscription,
    also ``link`` and the seats. Each is larger than all that is below it together, so nothing runs over."""

    link: int
    one: int
    shared: tuple[int, ...] = ()
    """The reports whose subscription others name too."""

    @classmethod
    def of(cls, *, links: int, seats: int, shared: Sequence[int] = ()) -> Weights:
        """For at most so many such reports with so many seats in all."""
        link = 1 << max(seats, 0).bit_length()
        return cls(link, link << links.bit_length(), tuple(shared))

    @property
    def kind(self) -> str:
        """The smallest SQL type that holds any weight."""
        return "bigint" if self.one < 2**61 else "numeric"


@dataclass(frozen=True, slots=True)
class Place:
    """The SQL of one place of a page, over ``p`` (the report) and, for counters since install, ``b`` (its baseline)."""

    index: int
    all_time: bool
    is_wide: bool
    """Whether numbers that do not fit the arrays occur here: only then they are looked for."""

    def reading(self, side: str) -> str:
        """The number read."""
        narrow = f'{side}."values"[{self.index + 1}]'
        if not self.is_wide:
            return narrow
        return (
            f"CASE get_byte({side}.states, {self.index}) WHEN 0 THEN {narrow}::numeric"
            f" WHEN {WIDE} THEN ({side}.wide ->> '{self.index}')::numeric END"
        )

    def ok(self, side: str = "p") -> str:
        """Whether there is a number."""
        state = f"get_byte({side}.states, {self.index})"
        return f"({state} = 0 OR {state} = {WIDE})" if self.is_wide else f"{state} = 0"

    def _compared(self, how: str) -> str:
        return f"({self.ok('p')} AND {self.ok('b')} AND {self.reading('p')} {how} {self.reading('b')})"

    @property
    def has_value(self) -> str:
        """Whether there is a monthly value."""
        return self._compared(">=") if self.all_time else self.ok()

    @property
    def is_reset(self) -> str:
        """Whether the counter went down."""
        return self._compared("<")

    @property
    def sum(self) -> str:
        """The sum of the monthly values."""
        if self.all_time:
            whole = f"coalesce(sum({self.reading('p')} - {self.reading('b')}) FILTER (WHERE {self.has_value}), 0)"
        elif self.is_wide:
            whole = f"coalesce(sum({self.reading('p')}), 0)"
        else:
            whole = f"sum({self.reading('p')})"  # a place without a number holds 0
        return f"trim_scale({whole})" if self.is_wide else whole

    def weighed(self) -> str:
        """The weights of the reports with a monthly value."""
        return f"coalesce(sum(x.weight) FILTER (WHERE {self.has_value}), 0)"


def places_of(month: Month, page: int, width: int) -> list[Place]:
    """The first ``width`` places of a page in a month."""
    all_time = is_all_time(page)
    either = " OR p.report_id = m.baseline_id" if all_time else ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT jsonb_object_keys(p.wide)::int FROM metrics_reportpage p"
            " WHERE p.page = %(page)s AND p.wide IS NOT NULL AND EXISTS ("
            f"SELECT 1 FROM metrics_monthreport m {COUNTED} AND (p.report_id = m.report_id{either}))",
            {"month": month.first, "page": page},
        )
        wide = {index for (index,) in cursor}
    return [Place(index, all_time, index in wide) for index in range(width)]


def readings(*, all_time: bool) -> str:
    """SQL: joins the readings of a page to the month's reports ``m``."""
    page = "JOIN metrics_reportpage p ON p.report_id = m.report_id AND p.page = %(page)s"
    return (
        f"{page} LEFT {page.replace(' p ', ' b ').replace('p.', 'b.').replace('m.report_id', 'm.baseline_id')}"
        if (all_time)
        else page
    )


def _filled(columns: Iterator[str], width: int, kind: str) -> str:
    """An array of all places; those that were never allotted hold 0."""
    return f"ARRAY[{', '.join([*columns, *['0'] * (PAGE_SIZE - width)])}]::{kind}[]"


def _weight(weights: Weights) -> str:
    """SQL: joins its weight, ``x.weight``, to each of the month's reports ``m``."""
    alone = f"{LINKS} AND m.report_id <> ALL(%(shared)s::bigint[])" if weights.shared else LINKS
    seats = "coalesce(s.seats, greatest(m.license_user_count, 0), 0)"
    # An outer join, for the planner works out its columns once a row; those of an inner one, once for each place.
    return f"""
        LEFT JOIN metrics_subscription s ON s.subscription_id = m.subscription
        LEFT JOIN LATERAL (
            SELECT ({weights.one} + CASE WHEN {alone} THEN {weights.link} + {seats} ELSE 0 END)::{weights.kind} weight
        ) x ON true
    """


def _count_into_table(month: Month, page: int, places: list[Place], weights: Weights) -> None:
    """Go through the page once, into a temporary table with a row per cut."""
    all_time, width = is_all_time(page), len(places)
    weighed = [place.weighed() for place in places]
    oks = _filled((f"count(*) FILTER (WHERE {place.ok()})" for place in places), width, "int")
    resets = _filled((f"count(*) FILTER (WHERE {place.is_reset})" for place in places), width, "int")
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS counted_now")
        cursor.execute(
            f"""
            CREATE TEMPORARY TABLE counted_now ON COMMIT DROP AS
            SELECT {", ".join(f"m.{column}" for column in CUT)},
                   {_filled((place.sum for place in places), width, "numeric")} AS sums,
                   {_filled((f"div({one}, {weights.one})" for one in weighed), width, "int")} AS counts,
                   {oks if all_time else "NULL::int[]"} AS oks, {resets if all_time else "NULL::int[]"} AS resets,
                   {_filled((f"mod({one}, {weights.one})" for one in weighed), width, "numeric")} AS linked
            FROM metrics_monthreport m {readings(all_time=all_time)} {_weight(weights)} {COUNTED}
            GROUP BY {", ".join(f"m.{column}" for column in CUT)}
            """,
            {"month": month.first, "page": page, "shared": list(weights.shared)},
        )


@dataclass(frozen=True, slots=True)
class PageCounted:
    """What counting a page found: how many rows changed, and by place the subscriptions with a monthly value and
    their seats."""

    changed: int
    subscriptions: list[int]
    seats: list[int]


def count_page(month: Month, page: int, width: int, weights: Weights, *, revision: int, keeping: bool) -> PageCounted:
    """Bring the cells of one page of a month up to date.

    The readings are gone through once, so what they say about subscriptions is counted along; only those of
    subscriptions that several reports name are brought together in a second pass over these reports.

    ``width`` is how many slots of the page were ever allotted; the places behind are zeros and cost nothing.
    """
    places = places_of(month, page, width)
    _count_into_table(month, page, places, weights)
    changed = follow(
        "metrics_cell",
        "SELECT * FROM counted_now WHERE 0 < ANY(counts) OR 0 < ANY(oks)",
        within={"month": month.first, "page": page},
        keys=CUT,
        values=("sums", "counts", "oks", "resets"),
        revision=revision,
        keeping=keeping,
    )
    linked = _over_cuts()
    if weights.shared:
        linked = [one + more for one, more in zip(linked, _shared(page, places, weights), strict=True)]
    pairs = [divmod(one, weights.link) for one in linked]
    return PageCounted(changed, [number for number, _ in pairs], [seats for _, seats in pairs])


def _over_cuts() -> list[int]:
    sums = ", ".join(f"sum(linked[{index + 1}])" for index in range(PAGE_SIZE))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {sums} FROM counted_now")
        return [int(value or 0) for value in cursor.fetchone()]


def gather_shared(month: Month) -> list[int]:
    """Bring together, once per roll-up, the reports whose subscription others name too; returns them.

    A table of its own, since its statistics can be had: whether few or many are shared decides how they are joined.
    """
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS shared_now")
        cursor.execute(
            f"""
            CREATE TEMPORARY TABLE shared_now ON COMMIT DROP AS
            SELECT m.report_id, m.baseline_id, m.subscription, named.seats
            FROM metrics_monthreport m JOIN (
                SELECT m.subscription, coalesce(s.seats, greatest(max(m.license_user_count), 0), 0) AS seats
                FROM metrics_monthreport m LEFT JOIN metrics_subscription s ON s.subscription_id = m.subscription
                {LINKED} GROUP BY m.subscription, s.seats HAVING count(*) > 1
            ) named ON named.subscription = m.subscription {LINKED}
            """,
            {"month": month.first},
        )
        cursor.execute("ANALYZE shared_now")
        cursor.execute("SELECT report_id FROM shared_now")
        return [report for (report,) in cursor]


def _shared(page: int, places: list[Place], weights: Weights) -> list[int]:
    """By place, the weight of the subscriptions of which one of several reports has a monthly value."""
    has = ", ".join(f"bool_or({place.has_value}) AS has_{place.index}" for place in places)
    sums = ", ".join(
        f"coalesce(sum({weights.link} + seats) FILTER (WHERE has_{place.index}), 0)::numeric" for place in places
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT {sums} FROM (
                SELECT m.seats, {has} FROM shared_now m {readings(all_time=is_all_time(page))}
                GROUP BY m.subscription, m.seats
            ) named
            """,
            {"page": page},
        )
        found = [int(value) for value in cursor.fetchone()]
    return found + [0] * (PAGE_SIZE - len(found))


def count_cuts(month: Month, *, revision: int, keeping: bool) -> int:
    """Bring the numbers of installations by cut up to date; returns how many rows changed."""
    cut = ", ".join(CUT)
    return follow(
        "metrics_cellcount",
        f"""
        SELECT {cut}, count(*)::int AS pinging, count(*) FILTER (WHERE edition_noted)::int AS edition_noted,
               count(*) FILTER (WHERE starter)::int AS starter
        FROM metrics_monthreport m {COUNTED} GROUP BY {cut}
        """,
        within={"month": month.first},
        keys=CUT,
        values=("pinging", "edition_noted", "starter"),
        parameters={"month": month.first},
        revision=revision,
        keeping=keeping,
    )
