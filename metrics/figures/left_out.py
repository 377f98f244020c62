"""What a figure leaves out, and why: by the page, by reason, or as a stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from metrics.engine.pages import Missing
from metrics.figures import frozen
from metrics.figures.combined import stages
from metrics.figures.document import as_moment
from metrics.figures.load import HELD, WEEK_REPORTS
from metrics.figures.question import Question
from metrics.figures.scope import COUNTS, REASON, Scope, found_by, scope_of, streamed
from metrics.periods import Week

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
            "recorded_at": None if self.recorded_at is None else as_moment(self.recorded_at),
            "detail": self.detail,
            **({"subject": self.subject, "figure": self.figure} if self.figure else {}),
        }


def _missing_stages(question: Question, *, reason: str = "", search: str = "") -> list[LeftOut]:
    """The stages that a combined figure goes without, and why."""
    missing = [
        LeftOut(reason=part.figure.flags[0], subject=part.figure.question.subject, figure=part.figure.id)
        for part in stages(question)
        if part.figure.recorded is None
    ]
    return [one for one in missing if reason in ("", one.reason) and search.strip().lower() in one.subject]


def _held(row: str = "m") -> str:
    """SQL: whether a row of the month's reports holds at the revision of the figure."""
    return f"{row}.month = %(month)s AND " + HELD.format(row).replace("a.revision", "%(revision)s")


DELIVERY = "coalesce(nullif(l.delivery, ''), 'self_managed')"
"""SQL: how an installation with the labels ``l`` is delivered."""


def _wanted(question: Question) -> str:
    return f"{DELIVERY} = %(cut_delivery)s" if question.cut.delivery else "true"


def _without_value(scope: Scope) -> str:
    """SQL: reports that count for the month, but give this figure nothing."""
    return f"""
        SELECT {REASON} AS reason, c.installation_id, c.uuid, c.hostname, c.subscription, c.report_id, c.source,
               c.recorded_at, ''::text AS detail
        FROM ({scope.rows}) c WHERE NOT c.erased AND c.in_population AND NOT ({COUNTS})
    """


def _held_or_rejected(scope: Scope) -> str:
    """SQL: reports that would be the month's report of their installation, had they been counted."""
    return f"""
        SELECT CASE h.state WHEN 'rejected' THEN 'rejected' ELSE 'quarantined' END AS reason, h.installation_id, i.uuid,
               i.hostname, h.subscription, h.id AS report_id, h.source, h.recorded_at,
               CASE h.state WHEN 'rejected' THEN h.judged_reason ELSE h.held_reason END AS detail
        FROM metrics_report h JOIN metrics_installation i ON i.id = h.installation_id
        LEFT JOIN label l ON l.installation_id = h.installation_id
        WHERE h.month = %(month)s AND {_wanted(scope.question)}
          AND h.population = CASE WHEN %(paid)s AND {DELIVERY} = 'saas' THEN 'paid' ELSE 'all' END
          AND {frozen.not_counted(published=scope.published).format(held=_held())}
    """


def _silent(scope: Scope) -> str:
    """SQL: installations known by an earlier report or a label, but without a report of this month."""
    return f"""
        SELECT CASE WHEN coalesce(l.excluded, false) THEN 'excluded' ELSE 'no_report' END AS reason,
               i.id AS installation_id, i.uuid, i.hostname, '' AS subscription, NULL::bigint AS report_id, '' AS source,
               NULL::timestamptz AS recorded_at, coalesce(l.reason, '') AS detail
        FROM metrics_installation i LEFT JOIN label l ON l.installation_id = i.id
        WHERE i.erased_at IS NULL AND {_wanted(scope.question)}
          AND NOT EXISTS (SELECT 1 FROM metrics_monthreport m WHERE {_held()} AND m.installation_id = i.id)
          AND (coalesce(l.excluded, false) OR {frozen.known_before(published=scope.published)})
    """


def _excluded_unseen(scope: Scope) -> str:
    """SQL: installations that were excluded before they ever reported."""
    return f"""
        SELECT 'excluded' AS reason, NULL::bigint AS installation_id, n.uuid, n.hostname, '' AS subscription,
               NULL::bigint AS report_id, '' AS source, NULL::timestamptz AS recorded_at, n.reason AS detail
        FROM (
            SELECT DISTINCT ON (uuid, hostname) uuid, hostname, excluded, reason
            FROM {frozen.labels_made(published=scope.published)} made
            WHERE kind = 'exclusion' AND (from_month IS NULL OR from_month <= %(month)s)
              AND (to_month IS NULL OR to_month >= %(month)s)
            ORDER BY uuid, hostname, id DESC
        ) n
        WHERE n.excluded AND NOT EXISTS (
            SELECT 1 FROM metrics_installation i WHERE i.uuid = n.uuid AND i.hostname = n.hostname)
    """


def _silent_subscriptions(scope: Scope) -> str:
    """SQL: active subscriptions that no self-managed month's report names."""
    return f"""
        SELECT 'no_report' AS reason, NULL::bigint AS installation_id, '' AS uuid, '' AS hostname,
               s.subscription_id AS subscription, NULL::bigint AS report_id, '' AS source,
               NULL::timestamptz AS recorded_at, s.account AS detail
        FROM {frozen.subscriptions(published=scope.published)} s
        WHERE s.delivery = 'self_managed' AND s.starts_on <= %(last)s AND (s.ends_on IS NULL OR s.ends_on >= %(month)s)
          AND NOT EXISTS (SELECT 1 FROM metrics_monthreport m WHERE {_held()} AND m.subscription = s.subscription_id
            AND m.delivery = 'self_managed' AND m.population = 'all' AND NOT m.excluded)
    """


def _unmeasured(scope: Scope) -> str:
    """SQL: a SaaS that reported, but not of its paid users."""
    if isinstance(scope.question.period, Week):
        reports = f"({WEEK_REPORTS})"
        source, holds, other = f"{reports} m", "true", "true"
        columns = "m.id AS report_id, m.source, m.recorded_at"
    else:
        reports = "metrics_monthreport"
        source, holds, other = f"{reports} m JOIN metrics_report r ON r.id = m.report_id", _held(), _held("o")
        columns = "m.report_id, r.source, r.recorded_at"
    return f"""
        SELECT 'paid_not_measurable' AS reason, m.installation_id, i.uuid, i.hostname, m.subscription, {columns},
               '' AS detail
        FROM {source} JOIN metrics_installation i ON i.id = m.installation_id
        WHERE {holds} AND m.delivery = 'saas' AND m.population = 'all' AND NOT m.excluded AND NOT EXISTS (
            SELECT 1 FROM {reports} o
            WHERE {other} AND o.installation_id = m.installation_id AND o.population = 'paid')
    """


def _together(scope: Scope) -> tuple[str, dict[str, Any]]:
    """One statement of all that was left out, and its values."""
    question, labels = scope.question, ""
    parts = [_without_value(scope)]
    if not isinstance(question.period, Week):
        labels = f"WITH label AS MATERIALIZED ({frozen.labels(published=scope.published)})"
        parts += [_held_or_rejected(scope), _silent(scope), _excluded_unseen(scope)]
        if question.cut.delivery != "saas":
            parts.append(_silent_subscriptions(scope))
    if question.cut.paid and question.cut.delivery != "self_managed":
        parts.append(_unmeasured(scope))
    values = {**scope.parameters, "last": question.period.last, "paid": question.cut.paid}
    return f"{labels} {' UNION ALL '.join(parts)}", values


def left_out_counts(question: Question, scope: Scope | None) -> dict[str, int]:
    """How many were left out, by reason."""
    if question.is_combined:
        return dict(Counter(one.reason for one in _missing_stages(question)))
    if scope is None:
        return {}
    statement, values = _together(scope)
    with connection.cursor() as cursor:
        # Brought together before they are counted, so that the words are sorted, and not the readings behind them.
        cursor.execute(
            f"WITH o AS MATERIALIZED (SELECT reason FROM ({statement}) every)"
            " SELECT reason, count(*) FROM o GROUP BY 1 ORDER BY 1",
            values,
        )
        return dict(cursor.fetchall())


ORDERED = (
    "o.reason, o.installation_id, o.uuid, o.hostname, o.subscription, o.report_id, o.source, o.recorded_at, o.detail"
)


def left_out(
    question: Question, scope: Scope | None, *, reason: str = "", search: str = "", offset: int = 0, limit: int = 100
) -> list[LeftOut]:
    """A page of what was left out."""
    if question.is_combined:
        return _missing_stages(question, reason=reason, search=search)[offset : offset + limit]
    if scope is None:
        return []
    condition, values = found_by(search, "o")
    tests = [condition]
    if reason:
        tests.append("o.reason = %(reason)s")
    statement, bound = _together(scope)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {ORDERED} FROM ({statement}) o WHERE {' AND '.join(tests)}"
            " ORDER BY o.reason, o.hostname, o.uuid, o.subscription LIMIT %(limit)s OFFSET %(offset)s",
            {**bound, **values, "reason": reason, "limit": limit, "offset": offset},
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
    statement, values = _together(scope)
    yield from (LeftOut(*row) for row in streamed(f"SELECT {ORDERED} FROM ({statement}) o", values))
