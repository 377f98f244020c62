"""A figure's passport: what it is made of, what was left out and why, its estimate, its restatements.

``passport(question)`` reads what is small. Contributions and those left out come by the page (``contributions``,
``left_out``) or as a stream (``stream_contributions``, ``stream_left_out``): there may be 300,000. The values of all
contributions, and of what was erased, add up to the recorded figure, to the unit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connection

from metrics.engine.estimates import OFFICIAL, Grain
from metrics.engine.mapping import mapping_rows
from metrics.engine.pages import PAGE_SIZE, Missing, is_all_time
from metrics.engine.rules import version_text
from metrics.exact import Number, as_json, difference, plain
from metrics.figures import frozen
from metrics.figures.interval import METHOD, SEED, Interval, interval
from metrics.figures.load import HELD, LIVE, WEEK_REPORTS, week_parameters
from metrics.figures.queries import Figure, figures, leaf_of, published_moment, stage_questions
from metrics.figures.question import Question
from metrics.figures.restatements import Restatement, restatements
from metrics.figures.sql import sql_of
from metrics.models.dictionary import MetricDefinition
from metrics.models.facts import Report
from metrics.models.figures import FigureMonth
from metrics.periods import Month, Week

ASSUMPTIONS = (
    "Installations that are silent behave like those that report, and upgrade as quickly.",
    "Free installations report as often as paid ones; free installations that never report are not in it at all.",
    "By subscriptions: all subscriptions are of equal size. By seats: all seats are used equally.",
    "Paid installations are known to upgrade sooner, which makes the estimate too low rather than too high.",
)

CHECKED_UP_TO = 100_000
"""Beyond so many installations a passport opens without going through all of them; the streams do."""

REASONS = (
    *(kind.word for kind in Missing),
    "no_baseline",
    "reset",
    "quarantined",
    "rejected",
    "excluded",
    "no_report",
    "not_in_cut",
    "paid_not_measurable",
    "no_metric_mapped",
    "conflict",
    "not_numeric",
    "no_monthly_value",
)
"""Why something was left out: frozen words."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """An installation that counts, with its monthly value and the report that it comes from."""

    installation_id: int
    uuid: str
    hostname: str
    value: Number
    report_id: int
    source: str
    recorded_at: datetime
    delivery: str
    edition: str
    tier: str
    version: str
    subscription: str
    reading: Number | None = None
    baseline: Number | None = None

    def as_row(self) -> dict[str, Any]:
        """As the API writes it."""
        return {
            "installation": {"uuid": self.uuid, "hostname": self.hostname},
            "value": as_json(self.value),
            "report": self.source,
            "recorded_at": _moment(self.recorded_at),
            "delivery": self.delivery,
            "edition": self.edition,
            "tier": self.tier,
            "version": self.version,
            "subscription": self.subscription,
            "reading": as_json(self.reading),
            "baseline": as_json(self.baseline),
        }


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What does not count, and why: an installation, a subscription without one, or a stage without a figure."""

    reason: str
    installation_id: int | None = None
    uuid: str = ""
    hostname: str = ""
    subscription: str = ""
    report_id: int | None = None
    source: str = ""
    recorded_at: datetime | None = None
    detail: str = ""
    subject: str = ""
    figure: str = ""

    def as_row(self) -> dict[str, Any]:
        """As the API writes it."""
        return {
            "installation": {"uuid": self.uuid, "hostname": self.hostname} if self.uuid else None,
            "reason": self.reason,
            "subscription": self.subscription,
            "report": self.source or None,
            "recorded_at": None if self.recorded_at is None else _moment(self.recorded_at),
            "detail": self.detail,
            **({"subject": self.subject, "figure": self.figure} if self.figure else {}),
        }


@dataclass(frozen=True, slots=True)
class Part:
    """A figure that a combined figure adds up."""

    figure: Figure

    def as_row(self) -> dict[str, Any]:
        """As the API writes it, among the contributions."""
        return {
            "installation": None,
            "figure": self.figure.id,
            "subject": self.figure.question.subject,
            "value": as_json(self.figure.recorded),
            "uplift": self.figure.uplift,
            "state": self.figure.state,
            "report": None,
            "recorded_at": None,
        }


@dataclass(frozen=True, slots=True)
class Erased:
    """What a published figure holds of installations that were erased since."""

    installations: int
    value: Number

    def words(self) -> str:
        """For people."""
        return f"erased: {self.installations} installations, {as_json(self.value)}"


@dataclass(frozen=True, slots=True)
class Passport:
    """All of a passport but its long lists."""

    question: Question
    figure: Figure
    definition: MetricDefinition | None
    mapping: Mapping[str, Any] | None
    grains: Mapping[str, Figure]
    restatements: tuple[Restatement, ...]
    parts: tuple[Part, ...]
    erased: Erased | None
    contributions_count: int
    contributions_sum: Number
    left_out_counts: Mapping[str, int] | None
    sql: str
    is_checked: bool = True
    """Whether contributions were added up and those left out counted while it was opened; else counts are ``None``."""

    @property
    def adds_up(self) -> bool:
        """Whether contributions and what was erased give the figure, to the unit."""
        whole = difference(self.figure.recorded or 0, self.contributions_sum)
        return difference(whole, self.erased.value if self.erased else 0) == 0

    def as_document(self) -> dict[str, Any]:
        """As the API writes it, without the long lists."""
        return {
            "figure": self.figure.as_row(),
            "definition": _definition(self.definition),
            "mapping": self.mapping,
            "estimate": self.estimate(),
            "restatements": [one.as_row() for one in self.restatements],
            "erased": None
            if self.erased is None
            else {
                "installations": self.erased.installations,
                "value": as_json(self.erased.value),
                "line": self.erased.words(),
            },
            "contributions_count": self.contributions_count,
            "contributions_sum": as_json(self.contributions_sum) if self.is_checked else None,
            "left_out_counts": None if self.left_out_counts is None else dict(self.left_out_counts),
            "adds_up": self.adds_up if self.is_checked else None,
            "sql": self.sql,
        }

    def interval(self) -> Interval | None:
        """How far the estimate can be trusted; drawn when it is asked for."""
        if isinstance(self.question.period, Week):
            return None
        of = [part.figure for part in self.parts] or [self.figure]
        scopes = [(one, _scope(one.question)) for one in of]
        return interval(self.figure, [(one, scope) for one, scope in scopes if scope is not None])

    def estimate(self) -> dict[str, Any] | None:
        """How the estimate came about, by every grain."""
        if not self.grains or self.figure.recorded is None:
            return None
        drawn = self.interval()
        return {
            "grain": self.question.grain.value,
            "official_grain": OFFICIAL.value,
            **_estimate(self.figure),
            "interval": None
            if drawn is None
            else {
                "low": as_json(drawn.low),
                "high": as_json(drawn.high),
                "level": "95 %",
                "draws": drawn.draws,
                "seed": SEED,
                "method": METHOD,
            },
            "grains": {name: _estimate(one) for name, one in self.grains.items()},
            "assumptions": list(ASSUMPTIONS),
        }


def _estimate(one: Figure) -> dict[str, Any]:
    return {
        "uplift": one.uplift,
        "estimated": as_json(one.estimated),
        "editions": [
            {
                "edition": part.edition,
                "recorded": as_json(part.recorded),
                "first_version": version_text(part.first_version) or None,
                "numerator": part.share.numerator,
                "denominator": part.share.denominator,
                "p": str(part.share.p),
                "uplift_exact": str(part.uplift),
                "cannot_be_estimated": part.cannot,
            }
            for part in one.parts
        ],
    }


def _definition(row: MetricDefinition | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "key_path": row.key_path,
        "name": row.name,
        "description": row.description,
        "version": row.version,
        "status": row.status,
        "time_frame": row.time_frame,
        "data_source": row.data_source,
        "data_category": row.data_category,
        "product_group": row.product_group,
        "performance_indicator_type": row.performance_indicator_type,
        "milestone": row.milestone,
    }


def passport(question: Question) -> Passport:
    """Open a figure."""
    grains = [] if isinstance(question.period, Week) else [replace(question, grain=grain) for grain in Grain]
    found = figures([question, *grains])
    figure, by_grain = found[0], found[1:]
    stages = _stages(question)
    parts = [part for part in stages if part.figure.recorded is not None]
    scope = None if question.is_combined else _scope(question)
    is_checked = (figure.coverage.pinging or 0) <= CHECKED_UP_TO
    count, erased_rows = 0, 0
    total: Number = 0
    if scope is not None and is_checked:
        count, total, erased_rows = _sums(scope)
    elif scope is not None:
        count, total = figure.coverage.reporting or 0, figure.recorded or 0
    if parts:
        from metrics.exact import total as add

        there = [part.figure.recorded for part in parts if part.figure.recorded is not None]
        count, total = len(there), add(*there) if there else 0
    erased = None
    if erased_rows and figure.recorded is not None:
        erased = Erased(erased_rows, difference(figure.recorded, total))
    return Passport(
        question=question,
        figure=figure,
        definition=MetricDefinition.objects.get(pk=figure.metric.id) if figure.metric else None,
        mapping=_mapping(question, figure),
        grains={one.question.grain.value: one for one in by_grain},
        restatements=() if isinstance(question.period, Week) else tuple(restatements(question)),
        parts=tuple(parts),
        erased=erased,
        contributions_count=count,
        contributions_sum=total,
        left_out_counts=_left_out_counts(question, scope) if is_checked else None,
        is_checked=is_checked,
        sql=sql_of(question, figure.metric, [part.figure for part in parts]),
    )


def parts(question: Question) -> list[Part]:
    """The figures that a combined one adds up, by stage; those without a value are left out of it."""
    return [part for part in _stages(question) if part.figure.recorded is not None]


def _stages(question: Question) -> list[Part]:
    if not question.is_combined:
        return []
    return [Part(one) for one in figures(stage_questions(question))]


def _missing_stages(question: Question, *, reason: str = "", search: str = "") -> list[LeftOut]:
    """The stages that a combined figure goes without, and why."""
    missing = [
        LeftOut(reason=part.figure.flags[0], subject=part.figure.question.subject, figure=part.figure.id)
        for part in _stages(question)
        if part.figure.recorded is None
    ]
    return [one for one in missing if reason in ("", one.reason) and search.strip().lower() in one.subject]


def _mapping(question: Question, figure: Figure) -> dict[str, Any] | None:
    if question.kind == "metric":
        return None
    if question.is_combined:
        return {"kind": "smau", "subject": question.subject or None, "metric": None, "combined": True}
    metrics = {figure.metric.id} if figure.metric else {metric.id for metric in figure.conflict}
    names = dict(MetricDefinition.objects.filter(pk__in=metrics).values_list("pk", "key_path"))
    rows = [
        row
        for row in mapping_rows(kinds=[question.indicator])
        if row.subject_key == question.subject and row.metric_id in metrics and row.holds_in(question.month)
    ]
    in_force = [
        {
            "metric": names.get(row.metric_id),
            "from_month": None if row.from_month is None else str(Month.of(row.from_month)),
            "to_month": None if row.to_month is None else str(Month.of(row.to_month)),
            "source": row.source,
            "reason": row.reason,
            "made_by": row.made_by or None,
            "made_at": _moment(row.made_at),
        }
        for row in rows
    ]
    return {
        "kind": question.indicator,
        "subject": question.subject or None,
        "metric": figure.metric.key_path if figure.metric else None,
        "in_force": in_force,
        "conflict": [metric.key_path for metric in figure.conflict],
    }


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


def _scope(question: Question) -> Scope | None:
    """The rows behind a figure: a month's reports at its revision, or a week's."""
    leaf = leaf_of(question)
    if leaf is None or leaf.slot is None:
        # Without a metric there are no values, but who sent a report can still be said.
        return None if leaf is None else _month_scope(question, None)
    if isinstance(question.period, Week):
        return _week_scope(question, leaf.slot)
    return _month_scope(question, leaf.slot)


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
        SELECT {COLUMNS}, m.excluded, r.id IS NULL AS erased,
               ({_in_cut(question)}) AS in_cut, {_population(question)} AS in_population,
               CASE WHEN {known} THEN {_number("p")} END AS reading,
               CASE WHEN {known} THEN {_number("b")} END AS baseline,
               coalesce(get_byte(p.states, %(index)s), 1) AS state
        FROM metrics_monthreport m
        JOIN metrics_installation i ON i.id = m.installation_id
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
               m.excluded, false AS erased, ({_in_cut(question)}) AS in_cut, {_population(question)} AS in_population,
               {_number("p")} AS reading, NULL::numeric AS baseline,
               coalesce(get_byte(p.states, %(index)s), 1) AS state
        FROM ({WEEK_REPORTS}) m
        JOIN metrics_installation i ON i.id = m.installation_id
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


COUNTS = "NOT c.excluded AND c.in_cut AND c.in_population AND c.value IS NOT NULL AND NOT c.erased"


def _sums(scope: Scope) -> tuple[int, Number, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FILTER (WHERE {COUNTS}), coalesce(sum(c.value) FILTER (WHERE {COUNTS}), 0),"
            " count(*) FILTER (WHERE c.erased AND NOT c.excluded AND c.in_cut AND c.in_population)"
            f" FROM ({scope.rows}) c",
            scope.parameters,
        )
        count, total, erased = cursor.fetchone()
    return count, plain(total), erased


def erased_rows(scope: Scope) -> int:
    """How many installations of a snapshot were erased since."""
    return _sums(scope)[2]


LIST = """
    c.installation_id, c.uuid, c.hostname, c.value, c.report_id, c.source, c.recorded_at, c.delivery, c.edition,
    c.tier, c.version_number, c.subscription, c.reading, c.baseline
"""


def _contribution(row: Sequence[Any]) -> Contribution:
    return Contribution(
        installation_id=row[0],
        uuid=row[1],
        hostname=row[2],
        value=plain(row[3]),
        report_id=row[4],
        source=row[5],
        recorded_at=row[6],
        delivery=row[7],
        edition=row[8],
        tier=row[9],
        version=version_text(row[10]),
        subscription=row[11],
        reading=None if row[12] is None else plain(row[12]),
        baseline=None if row[13] is None else plain(row[13]),
    )


def _found(search: str) -> tuple[str, dict[str, Any]]:
    if not search.strip():
        return "true", {}
    escaped = search.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return (
        "(c.uuid ILIKE %(search)s OR c.hostname ILIKE %(search)s OR c.subscription ILIKE %(search)s)",
        {"search": f"%{escaped}%"},
    )


def contributions(question: Question, *, search: str = "", offset: int = 0, limit: int = 100) -> list[Contribution]:
    """A page of the contributions, the largest first. Of combined figures there are none, only parts."""
    scope = scope_of(question)
    if scope is None:
        return []
    condition, values = _found(search)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {LIST} FROM ({scope.rows}) c WHERE {COUNTS} AND {condition}"
            " ORDER BY c.value DESC, c.hostname, c.uuid LIMIT %(limit)s OFFSET %(offset)s",
            {**scope.parameters, **values, "limit": limit, "offset": offset},
        )
        return [_contribution(row) for row in cursor.fetchall()]


def contributions_found(question: Question, *, search: str) -> int:
    """How many contributions a search finds."""
    scope = scope_of(question)
    if scope is None:
        return 0
    condition, values = _found(search)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM ({scope.rows}) c WHERE {COUNTS} AND {condition}", {**scope.parameters, **values}
        )
        return int(cursor.fetchone()[0])


def scope_of(question: Question) -> Scope | None:
    """Where the long lists of a question are read from; none for combined figures."""
    if question.is_combined:
        return None
    return _scope(question)


def stream_contributions(question: Question) -> Iterator[Contribution]:
    """All contributions, in the order of their installations, by a cursor on the server: memory stays flat."""
    scope = scope_of(question)
    if scope is None:
        return
    yield from (
        _contribution(row) for row in _streamed(f"SELECT {LIST} FROM ({scope.rows}) c WHERE {COUNTS}", scope.parameters)
    )


def _streamed(statement: str, parameters: Mapping[str, Any]) -> Iterator[Sequence[Any]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, parameters)
        while rows := cursor.fetchmany(2000):
            yield from rows


def _left_out_sql(scope: Scope) -> str:
    """One statement of all that was left out: reports that do not count, and those that are not there."""
    words = " ".join(f"WHEN {int(kind)} THEN '{kind.word}'" for kind in Missing)
    question = scope.question
    rows = f"""
        SELECT CASE WHEN c.excluded THEN 'excluded' WHEN NOT c.in_cut THEN 'not_in_cut'
                    WHEN c.reading IS NULL AND c.state IN (0, 9) THEN 'absent'
                    WHEN c.reading IS NULL THEN CASE c.state {words} ELSE 'absent' END
                    WHEN c.baseline IS NULL THEN 'no_baseline' ELSE 'reset' END AS reason,
               c.installation_id, c.uuid, c.hostname, c.subscription, c.report_id, c.source, c.recorded_at,
               ''::text AS detail
        FROM ({scope.rows}) c
        WHERE NOT c.erased AND c.in_population AND NOT ({COUNTS})
    """
    if isinstance(question.period, Week):
        return rows + _unmeasured_in_week(question)
    delivery = "coalesce(nullif(l.delivery, ''), 'self_managed')"
    wanted = f"{delivery} = %(cut_delivery)s" if question.cut.delivery else "true"
    population = "CASE WHEN %(paid)s AND " + delivery + " = 'saas' THEN 'paid' ELSE 'all' END"
    held = HELD.format("m").replace("a.revision", "%(revision)s")
    published = scope.published
    parts = [
        rows,
        # Held and rejected reports that would be the month's report of their installation.
        f"""
        SELECT CASE h.state WHEN 'rejected' THEN 'rejected' ELSE 'quarantined' END, h.installation_id, i.uuid,
               i.hostname, h.subscription, h.id, h.source, h.recorded_at, CASE h.state WHEN 'rejected'
               THEN h.judged_reason ELSE h.held_reason END
        FROM metrics_report h JOIN metrics_installation i ON i.id = h.installation_id
        LEFT JOIN label l ON l.installation_id = h.installation_id
        WHERE h.month = %(month)s AND h.population = {population} AND {wanted}
          AND {frozen.not_counted(published=published).format(held=held)}
        """,
        # Known by an earlier report or a label, but without a report of this month.
        f"""
        SELECT CASE WHEN coalesce(l.excluded, false) THEN 'excluded' ELSE 'no_report' END, i.id, i.uuid, i.hostname,
               '', NULL, '', NULL, coalesce(l.reason, '')
        FROM metrics_installation i LEFT JOIN label l ON l.installation_id = i.id
        WHERE i.erased_at IS NULL AND {wanted}
          AND NOT EXISTS (SELECT 1 FROM metrics_monthreport m WHERE m.month = %(month)s AND {held}
              AND m.installation_id = i.id)
          AND (coalesce(l.excluded, false) OR {frozen.known_before(published=published)})
        """,
        # Excluded before it ever reported.
        f"""
        SELECT 'excluded', NULL, n.uuid, n.hostname, '', NULL, '', NULL, n.reason FROM (
            SELECT DISTINCT ON (uuid, hostname) uuid, hostname, excluded, reason
            FROM {frozen.labels_made(published=published)} made
            WHERE kind = 'exclusion' AND (from_month IS NULL OR from_month <= %(month)s)
              AND (to_month IS NULL OR to_month >= %(month)s)
            ORDER BY uuid, hostname, id DESC) n
        WHERE n.excluded AND NOT EXISTS (
            SELECT 1 FROM metrics_installation i WHERE i.uuid = n.uuid AND i.hostname = n.hostname)
        """,
    ]
    if question.cut.delivery != "saas":
        parts.append(
            f"""
            SELECT 'no_report', NULL, '', '', s.subscription_id, NULL, '', NULL, s.account
            FROM {frozen.subscriptions(published=published)} s
            WHERE s.delivery = 'self_managed' AND s.starts_on <= %(last)s
              AND (s.ends_on IS NULL OR s.ends_on >= %(month)s)
              AND NOT EXISTS (SELECT 1 FROM metrics_monthreport m WHERE m.month = %(month)s AND {held}
                AND m.subscription = s.subscription_id AND m.delivery = 'self_managed' AND m.population = 'all'
                AND NOT m.excluded)
            """
        )
    if question.cut.paid and question.cut.delivery != "self_managed":
        parts.append(
            f"""
            SELECT 'paid_not_measurable', m.installation_id, i.uuid, i.hostname, m.subscription, m.report_id, r.source,
                   r.recorded_at, ''
            FROM metrics_monthreport m JOIN metrics_installation i ON i.id = m.installation_id
            JOIN metrics_report r ON r.id = m.report_id
            WHERE m.month = %(month)s AND {held} AND m.delivery = 'saas' AND m.population = 'all' AND NOT m.excluded
              AND NOT EXISTS (SELECT 1 FROM metrics_monthreport o WHERE o.month = m.month
                AND {held.replace("m.", "o.")} AND o.installation_id = m.installation_id AND o.population = 'paid')
            """
        )
    return f"WITH label AS MATERIALIZED ({frozen.labels(published=published)}) " + " UNION ALL ".join(parts)


def _unmeasured_in_week(question: Question) -> str:
    """A SaaS that reported in the week, but not of its paid users."""
    if not question.cut.paid or question.cut.delivery == "self_managed":
        return ""
    return f"""
        UNION ALL
        SELECT 'paid_not_measurable', m.installation_id, i.uuid, i.hostname, m.subscription, m.id, m.source,
               m.recorded_at, ''
        FROM ({WEEK_REPORTS}) m JOIN metrics_installation i ON i.id = m.installation_id
        WHERE m.delivery = 'saas' AND m.population = 'all' AND NOT m.excluded AND NOT EXISTS (
            SELECT 1 FROM ({WEEK_REPORTS}) o WHERE o.installation_id = m.installation_id AND o.population = 'paid')
    """


def _left_out_parameters(scope: Scope) -> dict[str, Any]:
    period = scope.question.period
    last = period.last
    return {**scope.parameters, "last": last, "paid": scope.question.cut.paid}


def _left_out_counts(question: Question, scope: Scope | None) -> dict[str, int]:
    """How many were left out, by reason."""
    if question.is_combined:
        return dict(Counter(one.reason for one in _missing_stages(question)))
    if scope is None:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT o.reason, count(*) FROM ({_left_out_sql(scope)}) o GROUP BY 1 ORDER BY 1",
            _left_out_parameters(scope),
        )
        return dict(cursor.fetchall())


ORDERED = (
    "o.reason, o.installation_id, o.uuid, o.hostname, o.subscription, o.report_id, o.source, o.recorded_at, o.detail"
)


def left_out(
    question: Question, *, reason: str = "", search: str = "", offset: int = 0, limit: int = 100
) -> list[LeftOut]:
    """A page of what was left out."""
    if question.is_combined:
        return _missing_stages(question, reason=reason, search=search)[offset : offset + limit]
    scope = scope_of(question)
    if scope is None:
        return []
    condition, values = _found(search)
    tests = [condition.replace("c.", "o.")]
    if reason:
        tests.append("o.reason = %(reason)s")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {ORDERED} FROM ({_left_out_sql(scope)}) o WHERE {' AND '.join(tests)}"
            " ORDER BY o.reason, o.hostname, o.uuid, o.subscription LIMIT %(limit)s OFFSET %(offset)s",
            {**_left_out_parameters(scope), **values, "reason": reason, "limit": limit, "offset": offset},
        )
        return [LeftOut(*row) for row in cursor.fetchall()]


def stream_left_out(question: Question) -> Iterator[LeftOut]:
    """All that was left out, by a cursor on the server."""
    if question.is_combined:
        yield from _missing_stages(question)
        return
    scope = scope_of(question)
    if scope is None:
        return
    statement = f"SELECT {ORDERED} FROM ({_left_out_sql(scope)}) o"
    yield from (LeftOut(*row) for row in _streamed(statement, _left_out_parameters(scope)))


def report_of(report_id: int) -> Report | None:
    """The report behind a contribution."""
    return Report.objects.filter(pk=report_id).select_related("installation").first()


def month_row(month: Month) -> FigureMonth | None:
    """What is kept about a month."""
    return FigureMonth.objects.filter(month=month.first).first()


def _moment(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")
