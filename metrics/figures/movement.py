"""Why a figure moved between two months: by installation, adding up to the change, to the unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection

from metrics.engine.rules import version_text
from metrics.exact import Number, as_json, difference, plain
from metrics.figures.passport import COUNTS, Scope, scope_of
from metrics.figures.queries import Figure, figures
from metrics.figures.question import Question, QuestionError
from metrics.periods import Month, Week

CLASSES = ("increased", "decreased", "unchanged", "newly_reporting", "no_data_received", "relabelled")
"""What can have become of an installation. The first three report in both months."""

WORDS = {
    "increased": "increased",
    "decreased": "decreased",
    "unchanged": "unchanged",
    "newly_reporting": "newly reporting",
    "no_data_received": "no data received",
    "relabelled": "re-labelled",
}
TOP = 20


@dataclass(frozen=True, slots=True)
class Group:
    """The installations of one class: how many, and what they add to the change."""

    kind: str
    installations: int
    change: Number

    @property
    def words(self) -> str:
        """For people."""
        return WORDS[self.kind]


@dataclass(frozen=True, slots=True)
class Mover:
    """An installation or an account, with its values in both months; ``None`` = no value."""

    name: str
    uuid: str
    installation_id: int | None
    kind: str
    before: Number | None
    now: Number | None
    change: Number

    def as_row(self) -> dict[str, Any]:
        """As the API writes it."""
        return {
            "name": self.name,
            "uuid": self.uuid or None,
            "kind": self.kind,
            "before": as_json(self.before),
            "now": as_json(self.now),
            "change": as_json(self.change),
        }


@dataclass(frozen=True, slots=True)
class Adoption:
    """Of the installations that report a metric, how many have more than 0; of one value of a cut."""

    cut: str
    value: str
    using: int
    reporting: int


@dataclass(frozen=True, slots=True)
class Movement:
    """Why it moved."""

    now: Figure
    before: Figure
    groups: tuple[Group, ...]
    top: tuple[Mover, ...]
    risers: tuple[Mover, ...]
    fallers: tuple[Mover, ...]
    top_accounts: tuple[Mover, ...]
    rising_accounts: tuple[Mover, ...]
    falling_accounts: tuple[Mover, ...]
    adoption: tuple[Adoption, ...]

    @property
    def change(self) -> Number:
        """The change of the recorded figure; a figure that does not exist counts as nothing here."""
        return difference(self.now.recorded or 0, self.before.recorded or 0)

    @property
    def adds_up(self) -> bool:
        """Whether the classes give the change."""
        rest: Number = self.change
        for group in self.groups:
            rest = difference(rest, group.change)
        return rest == 0

    def as_document(self) -> dict[str, Any]:
        """As the API writes it."""
        lists = ("top", "risers", "fallers", "top_accounts", "rising_accounts", "falling_accounts")
        return {
            "now": self.now.as_row(),
            "before": self.before.as_row(),
            "change": as_json(self.change),
            "adds_up": self.adds_up,
            "classes": {
                group.kind: {"installations": group.installations, "change": as_json(group.change)}
                for group in self.groups
            },
            **{name: [one.as_row() for one in getattr(self, name)] for name in lists},
            "adoption": [
                {"cut": one.cut, "value": one.value, "using": one.using, "reporting": one.reporting}
                for one in self.adoption
            ],
        }


def movement(question: Question, *, since: Month | None = None) -> Movement:
    """Compare a figure with that of another month, by default the one before."""
    if isinstance(question.period, Week) or question.is_combined:
        raise QuestionError("id", "id: why it moved is told for months and for figures of one metric.")
    earlier = replace(question, period=since or question.month.previous)
    now, before = figures([question, earlier])
    scopes = scope_of(question), scope_of(earlier)
    if scopes[0] is None or scopes[1] is None:
        return Movement(now, before, (), (), (), (), (), (), (), ())
    statement, parameters = _pairs(scopes[0], scopes[1])
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH pair AS MATERIALIZED ({statement}) SELECT kind, count(*), sum(change) FROM pair GROUP BY kind",
            parameters,
        )
        groups = {row[0]: Group(row[0], row[1], plain(row[2])) for row in cursor.fetchall()}
        lists = {
            "top": _movers(cursor, statement, parameters, "now IS NOT NULL", "now DESC"),
            "risers": _movers(cursor, statement, parameters, "change > 0", "change DESC"),
            "fallers": _movers(cursor, statement, parameters, "change < 0", "change"),
            "top_accounts": _accounts(cursor, statement, parameters, "now IS NOT NULL", "now DESC"),
            "rising_accounts": _accounts(cursor, statement, parameters, "change > 0", "change DESC"),
            "falling_accounts": _accounts(cursor, statement, parameters, "change < 0", "change"),
        }
    return Movement(
        now=now,
        before=before,
        groups=tuple(groups[kind] for kind in CLASSES if kind in groups),
        adoption=tuple(adoption(question, scopes[0])),
        **lists,
    )


def _renamed(scope: Scope, prefix: str) -> tuple[str, dict[str, Any]]:
    rows = scope.rows
    for name in sorted(scope.parameters, key=len, reverse=True):
        rows = rows.replace(f"%({name})s", f"%({prefix}{name})s")
    return rows, {f"{prefix}{name}": value for name, value in scope.parameters.items()}


def _pairs(now: Scope, before: Scope) -> tuple[str, dict[str, Any]]:
    """SQL: each installation with its values in both months, and what became of it.

    Re-labelled is who has a value in one of the months only because of its labels or its cut: it reported in both,
    and in the other was excluded, or lay outside the cut. That moves a figure without anybody doing more or less.
    """
    rows_now, parameters = _renamed(now, "n_")
    rows_before, more = _renamed(before, "b_")
    parameters.update(more)
    one_row = """
        SELECT c.installation_id, max(c.uuid) AS uuid, max(c.hostname) AS hostname, max(c.subscription) AS subscription,
               sum(c.value) FILTER (WHERE {counts}) AS counted,
               bool_or(c.value IS NOT NULL) FILTER (WHERE NOT ({counts})) AS elsewhere
        FROM ({rows}) c WHERE NOT c.erased GROUP BY c.installation_id
    """
    return (
        f"""
        SELECT coalesce(n.installation_id, b.installation_id) AS installation_id,
               coalesce(n.uuid, b.uuid) AS uuid, coalesce(n.hostname, b.hostname) AS hostname,
               coalesce(nullif(n.subscription, ''), b.subscription, '') AS subscription,
               n.counted AS now, b.counted AS before, coalesce(n.counted, 0) - coalesce(b.counted, 0) AS change,
               CASE WHEN n.counted IS NOT NULL AND b.counted IS NOT NULL THEN
                        CASE WHEN n.counted > b.counted THEN 'increased' WHEN n.counted < b.counted THEN 'decreased'
                        ELSE 'unchanged' END
                    WHEN n.counted IS NOT NULL THEN
                        CASE WHEN b.elsewhere THEN 'relabelled' ELSE 'newly_reporting' END
                    WHEN n.elsewhere THEN 'relabelled' ELSE 'no_data_received' END AS kind
        FROM ({one_row.format(counts=COUNTS, rows=rows_now)}) n
        FULL JOIN ({one_row.format(counts=COUNTS, rows=rows_before)}) b ON b.installation_id = n.installation_id
        WHERE n.counted IS NOT NULL OR b.counted IS NOT NULL
        """,
        parameters,
    )


def _movers(cursor: Any, statement: str, parameters: dict[str, Any], condition: str, order: str) -> tuple[Mover, ...]:
    cursor.execute(
        f"SELECT hostname, uuid, installation_id, kind, before, now, change FROM ({statement}) pair"
        f" WHERE {condition} ORDER BY {order}, hostname, uuid LIMIT {TOP}",
        parameters,
    )
    return tuple(_mover(row) for row in cursor.fetchall())


def _accounts(cursor: Any, statement: str, parameters: dict[str, Any], condition: str, order: str) -> tuple[Mover, ...]:
    cursor.execute(
        f"""
        SELECT account, '', NULL, '', before, now, change FROM (
            SELECT coalesce(nullif(s.account, ''), pair.subscription) AS account, sum(before) AS before,
                   sum(now) AS now, sum(change) AS change
            FROM ({statement}) pair LEFT JOIN metrics_subscription s ON s.subscription_id = pair.subscription
            WHERE pair.subscription <> '' GROUP BY 1
        ) a WHERE {condition} ORDER BY {order}, account LIMIT {TOP}
        """,
        parameters,
    )
    return tuple(_mover(row) for row in cursor.fetchall())


def _mover(row: Sequence[Any]) -> Mover:
    before, now = (None if value is None else plain(value) for value in row[4:6])
    return Mover(row[0], row[1], row[2], row[3], before, now, plain(row[6]))


def adoption(question: Question, scope: Scope | None = None) -> list[Adoption]:
    """Installations with more than 0 over those reporting, by edition, tier and version."""
    scope = scope or scope_of(question)
    if scope is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT CASE WHEN grouping(c.edition) = 0 THEN 'edition' WHEN grouping(c.tier) = 0 THEN 'tier'
                   ELSE 'version' END, c.edition, c.tier, c.version_number,
                   count(*) FILTER (WHERE c.value > 0), count(*)
            FROM ({scope.rows}) c WHERE {COUNTS}
            GROUP BY GROUPING SETS ((c.edition), (c.tier), (c.version_number))
            ORDER BY 1, 2, 3, 4
            """,
            scope.parameters,
        )
        return [
            Adoption(cut, edition or tier or version_text(version), using, reporting)
            for cut, edition, tier, version, using, reporting in cursor.fetchall()
        ]
