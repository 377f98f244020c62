"""The rows behind a figure: the reports of a month at a revision, or of a week, with what each gives to one metric.

The long lists of a passport, its sums and why it moved are all read from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from metrics.engine.pages import PAGE_SIZE, Missing, is_all_time
from metrics.exact import Number, plain
from metrics.figures.load import HELD, LIVE, WEEK_REPORTS, week_parameters
from metrics.figures.queries import Figure, leaf_of, published_moment
from metrics.figures.question import Question
from metrics.periods import Week


@dataclass(frozen=True, slots=True)
class Scope:
    """Where the long lists of a passport are read from: one statement's text and its values."""

    question: Question
    slot: int
    rows: str
    parameters: Mapping[str, Any]
    published: bool = False

    def prefixed(self, prefix: str) -> tuple[str, dict[str, Any]]:
        """The same with other names for its values, so that several can stand in one statement."""
        rows = self.rows
        for name in sorted(self.parameters, key=len, reverse=True):
            rows = rows.replace(f"%({name})s", f"%({prefix}{name})s")
        return rows, {f"{prefix}{name}": value for name, value in self.parameters.items()}


def scope_of(question: Question) -> Scope | None:
    """Where the long lists of a question are read from; none for combined figures."""
    leaf = None if question.is_combined else leaf_of(question)
    return None if leaf is None else _scope(question, leaf.slot)


def scope_behind(figure: Figure) -> Scope | None:
    """The same for a figure that was answered, so that nothing has to be looked up again."""
    if figure.question.is_combined or "not_published" in figure.flags:
        return None
    return _scope(figure.question, figure.slot)


def _scope(question: Question, slot: int | None) -> Scope | None:
    if slot is not None and isinstance(question.period, Week):
        return _week_scope(question, slot)
    # Without a metric there are no values, but who sent a report can still be said.
    return _month_scope(question, slot)


COLUMNS = """
    m.installation_id, i.uuid, i.hostname, m.report_id, r.source, r.recorded_at, m.delivery, m.edition, m.tier,
    m.version_number, m.subscription, m.population, m.license_user_count
"""


def _number(page: str, *, place: str = "%(place)s", index: str = "%(index)s") -> str:
    """SQL: a reading as a number of any size, NULL where it is missing."""
    return (
        f'CASE get_byte({page}.states, {index}) WHEN 0 THEN {page}."values"[{place}]::numeric'
        f" WHEN 9 THEN ({page}.wide ->> ({index})::text)::numeric END"
    )


def _in_cut(question: Question) -> str:
    cut = question.cut
    tests = ["true"]
    if cut.paid:
        tests.append("(m.delivery = 'saas' OR m.tier <> 'free')")
    for name in ("delivery", "edition", "tier"):
        if getattr(cut, name):
            tests.append(f"m.{name} = %(cut_{name})s")
    if cut.version:
        tests.append("m.version_number IS NOT DISTINCT FROM %(cut_version)s")
    return " AND ".join(tests)


def _population(question: Question) -> str:
    if question.cut.paid:
        return "m.population = CASE WHEN m.delivery = 'saas' THEN 'paid' ELSE 'all' END"
    return "m.population = 'all'"


def _cut_parameters(question: Question) -> dict[str, Any]:
    cut = question.cut
    return {
        "cut_delivery": cut.delivery,
        "cut_edition": cut.edition,
        "cut_tier": cut.tier,
        "cut_version": cut.version_number,
    }


def _month_scope(question: Question, slot: int | None) -> Scope | None:
    month = question.month
    revision, published_at = LIVE, None
    if question.published:
        moment = published_moment(month)
        if moment is None:
            return None
        revision, published_at = moment
    place = slot if slot is not None else 0
    page, index = divmod(place, PAGE_SIZE)
    all_time = is_all_time(page) and slot is not None
    known = "true"
    if slot is None:
        known = "false"
    elif question.published:
        # What was filled in after the publication was absent to it.
        known = (
            "NOT EXISTS (SELECT 1 FROM metrics_refill f WHERE f.report_id IN (m.report_id, m.baseline_id)"
            " AND %(slot)s = ANY(f.slots) AND f.at > %(published_at)s)"
        )
    rows = f"""
        SELECT {COLUMNS}, m.excluded, p.report_id AS page_of,
               NOT EXISTS (SELECT 1 FROM metrics_report gone WHERE gone.id = m.report_id) AS erased,
               ({_in_cut(question)}) AS in_cut, {_population(question)} AS in_population,
               CASE WHEN {known} THEN {_number("p")} END AS reading,
               CASE WHEN {known} THEN {_number("b")} END AS baseline,
               coalesce(get_byte(p.states, %(index)s), 1) AS state
        FROM metrics_monthreport m
        LEFT JOIN metrics_installation i ON i.id = m.installation_id
        LEFT JOIN metrics_report r ON r.id = m.report_id
        LEFT JOIN metrics_reportpage p ON p.report_id = m.report_id AND p.page = %(page)s
        LEFT JOIN metrics_reportpage b ON b.report_id = m.baseline_id AND b.page = %(page)s AND %(all_time)s
        WHERE m.month = %(month)s AND {HELD.format("m").replace("a.revision", "%(revision)s")}
    """
    return Scope(
        question=question,
        slot=place,
        rows=_with_value(rows),
        parameters={
            **_cut_parameters(question),
            "month": month.first,
            "revision": revision,
            "slot": place,
            "page": page,
            "place": index + 1,
            "index": index,
            "all_time": all_time,
            "published_at": published_at,
        },
        published=question.published,
    )


def _week_scope(question: Question, slot: int) -> Scope:
    week = question.period
    page, index = divmod(slot, PAGE_SIZE)
    rows = f"""
        SELECT m.installation_id, i.uuid, i.hostname, m.id AS report_id, m.source, m.recorded_at, m.delivery, m.edition,
               m.tier, m.version_number, m.subscription, m.population, m.license_user_count,
               m.excluded, p.report_id AS page_of, false AS erased,
               ({_in_cut(question)}) AS in_cut, {_population(question)} AS in_population,
               {_number("p")} AS reading, NULL::numeric AS baseline,
               coalesce(get_byte(p.states, %(index)s), 1) AS state
        FROM ({WEEK_REPORTS}) m
        LEFT JOIN metrics_installation i ON i.id = m.installation_id
        LEFT JOIN metrics_reportpage p ON p.report_id = m.id AND p.page = %(page)s
    """
    if not isinstance(week, Week):
        raise TypeError(week)
    return Scope(
        question=question,
        slot=slot,
        rows=_with_value(rows),
        parameters={
            **_cut_parameters(question),
            **week_parameters(week),
            "slot": slot,
            "page": page,
            "place": index + 1,
            "index": index,
            "all_time": False,
        },
    )


def _with_value(rows: str) -> str:
    return f"""
        SELECT s.*, CASE WHEN NOT %(all_time)s THEN s.reading WHEN s.reading >= s.baseline THEN s.reading - s.baseline
                    END AS value
        FROM ({rows}) s
    """


CONCERNED = "NOT c.excluded AND c.in_cut AND c.in_population"
COUNTS = f"{CONCERNED} AND c.page_of IS NOT NULL AND c.value IS NOT NULL"
"""A row with a value. That it has a page of readings follows, but tells the planner to join from the short side; the
readings of an erased report went with it."""


_KINDS = " ".join(f"WHEN {int(kind)} THEN '{kind.word}'" for kind in Missing)
REASON = f"""
    CASE WHEN c.excluded THEN 'excluded' WHEN NOT c.in_cut THEN 'not_in_cut'
         WHEN c.reading IS NULL AND c.state IN (0, 9) THEN 'absent'
         WHEN c.reading IS NULL THEN CASE c.state {_KINDS} ELSE 'absent' END
         WHEN c.baseline IS NULL THEN 'no_baseline' ELSE 'reset' END
"""
"""Why a row that does not count does not."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What the rows that count add up to, and how many rows are of installations that were erased since."""

    count: int
    total: Number
    erased: int


def sums(scope: Scope) -> Sums:
    """Add up the rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*), coalesce(sum(c.value), 0), ({_erased(scope)}) FROM ({scope.rows}) c WHERE {COUNTS}",
            scope.parameters,
        )
        count, total, erased = cursor.fetchone()
    return Sums(count, plain(total), erased)


def erased_rows(scope: Scope) -> int:
    """How many installations of a figure were erased since it was counted."""
    with connection.cursor() as cursor:
        cursor.execute(_erased(scope), scope.parameters)
        return int(cursor.fetchone()[0])


def _erased(scope: Scope) -> str:
    # Few ever are: of the others no report is looked for.
    erased = "c.installation_id IN (SELECT id FROM metrics_installation WHERE erased_at IS NOT NULL)"
    return f"SELECT count(*) FROM ({scope.rows}) c WHERE {erased} AND c.erased AND {CONCERNED}"


def found_by(search: str, rows: str) -> tuple[str, dict[str, Any]]:
    """SQL: whether a row of ``rows`` is what a reader looks for, and its values."""
    if not search.strip():
        return "true", {}
    escaped = search.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return (
        "(" + " OR ".join(f"{rows}.{name} ILIKE %(search)s" for name in ("uuid", "hostname", "subscription")) + ")",
        {"search": f"%{escaped}%"},
    )


def streamed(statement: str, parameters: Mapping[str, Any]) -> Iterator[Sequence[Any]]:
    """The rows of a statement by a cursor on the server: memory stays flat."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, parameters)
        while rows := cursor.fetchmany(2000):
            yield from rows
