"""Why a figure moved between two months: by installation, adding up to the change, to the unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from metrics.engine.rules import version_text
from metrics.exact import Number, as_json, difference, plain
from metrics.figures.queries import Figure, figures, stage_questions
from metrics.figures.question import Question, QuestionError
from metrics.figures.scope import COUNTS, Scope, erased_rows, scope_of
from metrics.figures.wide import wide_cursor
from metrics.periods import Month, Week

CLASSES = ("increased", "decreased", "unchanged", "newly_reporting", "no_data_received", "relabelled", "erased")
"""What can have become of an installation. The first three report in both months."""

WORDS = {
    "increased": "increased",
    "decreased": "decreased",
    "unchanged": "unchanged",
    "newly_reporting": "newly reporting",
    "no_data_received": "no data received",
    "relabelled": "re-labelled",
    "erased": "erased since, known only as a sum",
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
    """Why it moved. ``stages``: of a combined figure, what each of its stages adds to the change."""

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
    stages: tuple[Mover, ...] = ()

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
        return {
            "now": self.now.as_row(),
            "before": self.before.as_row(),
            "change": as_json(self.change),
            "adds_up": self.adds_up,
            "classes": {
                group.kind: {"installations": group.installations, "change": as_json(group.change)}
                for group in self.groups
            },
            "stages": [
                {
                    "stage": one.name,
                    "before": as_json(one.before),
                    "now": as_json(one.now),
                    "change": as_json(one.change),
                }
                for one in self.stages
            ],
            **{name: [one.as_row() for one in getattr(self, name)] for name in LISTS},
            "adoption": [
                {"cut": one.cut, "value": one.value, "using": one.using, "reporting": one.reporting}
                for one in self.adoption
            ],
        }


def movement(question: Question, *, since: Month | None = None) -> Movement:
    """Compare a figure with that of another month, by default the one before.

    A combined figure moves with the figures of its stages: an installation is then in as many places as stages, and
    its values are added up where it is named.
    """
    if isinstance(question.period, Week):
        raise QuestionError("id", "id: why it moved is told for months, not for weeks.")
    earlier = replace(question, period=since or question.month.previous)
    now, before = figures([question, earlier])
    pairs = _pairs(question, earlier)
    for one in (now, before):
        if "not_published" in one.flags:
            raise QuestionError("since", f"since: {one.period} was not published, so there is nothing to compare.")
    rows = _rows(pairs, is_combined=question.is_combined)
    groups = {row.kind: Group(row.kind, row.number, row.change) for row in rows.pop("kinds", [])}
    stages = rows.pop("stages", [])
    moved = Movement(
        now=now,
        before=before,
        groups=tuple(groups[kind] for kind in CLASSES if kind in groups),
        stages=tuple(_mover(row) for row in stages) if question.is_combined else (),
        adoption=() if question.is_combined else tuple(adoption(question)),
        **{name: tuple(_mover(row) for row in rows.get(name, [])) for name in LISTS},
    )
    return moved if moved.adds_up else _with_erased(moved, pairs)


def _with_erased(moved: Movement, pairs: Sequence[Pair]) -> Movement:
    """What snapshots hold of installations that were erased since is known only as a sum: the rest of the change."""
    number = sum(erased_rows(scope) for pair in pairs for scope in (pair.now, pair.before))
    if not number:
        return moved
    rest = moved.change
    for group in moved.groups:
        rest = difference(rest, group.change)
    return replace(moved, groups=(*moved.groups, Group("erased", number, rest)))


@dataclass(frozen=True, slots=True)
class Pair:
    """A figure of one metric in both months; ``subject`` is the stage where it is part of a combined one."""

    subject: str
    now: Scope
    before: Scope


def _pairs(question: Question, earlier: Question) -> list[Pair]:
    asked = [("", question, earlier)]
    if question.is_combined:
        keys = {one.subject for of in (question, earlier) for one in stage_questions(of)}
        asked = [
            (key, replace(question, indicator="smau", subject=key), replace(earlier, indicator="smau", subject=key))
            for key in sorted(keys)
        ]
    scopes = [(key, scope_of(one), scope_of(other)) for key, one, other in asked]
    return [Pair(key, now, before) for key, now, before in scopes if now is not None and before is not None]


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of what ``_rows`` reads, whatever its list."""

    name: str
    uuid: str
    installation_id: int | None
    kind: str
    before: Number | None
    now: Number | None
    change: Number
    number: int


ONE_ROW = """
    SELECT c.installation_id, max(c.subscription) AS subscription, sum(c.value) FILTER (WHERE {counts}) AS counted,
           bool_or(c.value IS NOT NULL) FILTER (WHERE NOT ({counts})) AS elsewhere
    FROM ({rows}) c WHERE NOT c.erased GROUP BY c.installation_id
"""


def _pair_sql(pair: Pair, number: int) -> tuple[str, dict[str, Any]]:
    """SQL: each installation with its values in both months, and what became of it.

    Re-labelled is who has a value in one of the months only because of its labels or its cut: it reported in both,
    and in the other was excluded, or lay outside the cut. That moves a figure without anybody doing more or less.
    """
    rows_now, parameters = pair.now.prefixed(f"n{number}_")
    rows_before, more = pair.before.prefixed(f"b{number}_")
    subject = f"subject_{number}"
    return (
        f"""
        SELECT %({subject})s AS subject, coalesce(n.installation_id, b.installation_id) AS installation_id,
               coalesce(nullif(n.subscription, ''), b.subscription, '') AS subscription,
               n.counted AS now, b.counted AS before, coalesce(n.counted, 0) - coalesce(b.counted, 0) AS change,
               CASE WHEN n.counted IS NOT NULL AND b.counted IS NOT NULL THEN
                        CASE WHEN n.counted > b.counted THEN 'increased' WHEN n.counted < b.counted THEN 'decreased'
                        ELSE 'unchanged' END
                    WHEN n.counted IS NOT NULL THEN
                        CASE WHEN b.elsewhere THEN 'relabelled' ELSE 'newly_reporting' END
                    WHEN n.elsewhere THEN 'relabelled' ELSE 'no_data_received' END AS kind
        FROM ({ONE_ROW.format(counts=COUNTS, rows=rows_now)}) n
        FULL JOIN ({ONE_ROW.format(counts=COUNTS, rows=rows_before)}) b ON b.installation_id = n.installation_id
        WHERE n.counted IS NOT NULL OR b.counted IS NOT NULL
        """,
        {**parameters, **more, subject: pair.subject},
    )


BY_INSTALLATION = """
    SELECT installation_id, sum(now) AS now, sum(before) AS before, sum(change) AS change,
           CASE WHEN min(kind) = max(kind) THEN min(kind) WHEN sum(change) > 0 THEN 'increased'
           WHEN sum(change) < 0 THEN 'decreased' ELSE 'unchanged' END AS kind
    FROM pair GROUP BY installation_id
"""
BY_ACCOUNT = """
    SELECT coalesce(nullif(s.account, ''), pair.subscription) AS account, sum(before) AS before, sum(now) AS now,
           sum(change) AS change
    FROM pair LEFT JOIN metrics_subscription s ON s.subscription_id = pair.subscription
    WHERE pair.subscription <> '' GROUP BY 1
"""
LISTS = {
    "top": ("installation", "now IS NOT NULL", "now DESC"),
    "risers": ("installation", "change > 0", "change DESC"),
    "fallers": ("installation", "change < 0", "change"),
    "top_accounts": ("account", "now IS NOT NULL", "now DESC"),
    "rising_accounts": ("account", "change > 0", "change DESC"),
    "falling_accounts": ("account", "change < 0", "change"),
}
"""By list what it names, whom, and who comes first."""

SHAPE = {
    "installation": "'' AS name, installation_id, kind",
    "account": "account AS name, NULL::bigint AS installation_id, '' AS kind",
}


def _rows(pairs: Sequence[Pair], *, is_combined: bool) -> dict[str, list[_Row]]:
    """All lists in one statement, so that the values of the two months are brought together once."""
    if not pairs:
        return {}
    texts, parameters = [], {}
    for number, pair in enumerate(pairs):
        text, values = _pair_sql(pair, number)
        texts.append(text)
        parameters.update(values)
    # Of one metric an installation has one line already.
    installations = BY_INSTALLATION if is_combined else "SELECT * FROM pair"
    number_of = "count(DISTINCT installation_id)" if is_combined else "count(*)"
    lists = [
        f"(SELECT '{name}' AS list, {SHAPE[of]}, before, now, change, 0::bigint AS number,"
        f" row_number() OVER (ORDER BY {order}, {'installation_id' if of == 'installation' else 'account'}) AS place"
        f" FROM by_{of} WHERE {condition} ORDER BY place LIMIT {TOP})"
        for name, (of, condition, order) in LISTS.items()
    ]
    statement = f"""
        WITH pair AS MATERIALIZED ({" UNION ALL ".join(texts)}),
             by_installation AS MATERIALIZED ({installations}), by_account AS MATERIALIZED ({BY_ACCOUNT})
        SELECT u.list, coalesce(i.hostname, u.name), coalesce(i.uuid, ''), u.installation_id, u.kind, u.before, u.now,
               u.change, u.number
        FROM (
        SELECT 'kinds' AS list, '' AS name, NULL::bigint AS installation_id, kind, NULL::numeric AS before,
               NULL::numeric AS now, sum(change) AS change, {number_of} AS number, 0::bigint AS place
        FROM pair GROUP BY kind
        UNION ALL
        SELECT 'stages', subject, NULL, '', sum(before), sum(now), sum(change), {number_of},
               row_number() OVER (ORDER BY abs(sum(change)) DESC, subject)
        FROM pair GROUP BY subject
        UNION ALL {" UNION ALL ".join(lists)}
        ) u LEFT JOIN metrics_installation i ON i.id = u.installation_id
        ORDER BY u.list, u.place
    """
    found: dict[str, list[_Row]] = {}
    with wide_cursor() as cursor:
        cursor.execute(statement, parameters)
        for row in cursor.fetchall():
            before, now, change = (None if value is None else plain(value) for value in row[5:8])
            found.setdefault(row[0], []).append(_Row(row[1], row[2], row[3], row[4], before, now, change or 0, row[8]))
    return found


def _mover(row: _Row) -> Mover:
    return Mover(row.name, row.uuid, row.installation_id, row.kind, row.before, row.now, row.change)


def adoption(question: Question, scope: Scope | None = None) -> list[Adoption]:
    """Installations with more than 0 over those reporting, by edition, tier and version."""
    scope = scope or scope_of(question)
    if scope is None:
        return []
    with wide_cursor() as cursor:
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
