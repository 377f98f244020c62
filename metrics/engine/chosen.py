"""Which report counts for an installation in a month, and under which labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from metrics.engine.held import closing, follow
from metrics.periods import Month

COLUMNS = (
    "installation_id",
    "population",
    "report_id",
    "baseline_id",
    "delivery",
    "edition",
    "tier",
    "version_number",
    "subscription",
    "license_user_count",
    "edition_noted",
    "starter",
    "excluded",
)
_LIST = ", ".join(COLUMNS)

LABELS = """
    SELECT i.id AS installation_id,
           max(l.delivery) FILTER (WHERE l.kind = 'delivery') AS delivery,
           bool_or(l.excluded) FILTER (WHERE l.kind = 'exclusion') AS excluded,
           max(l.reason) FILTER (WHERE l.kind = 'exclusion') AS reason
    FROM (
        SELECT DISTINCT ON (uuid, hostname, kind) uuid, hostname, kind, delivery, excluded, reason
        FROM metrics_installationlabel
        WHERE (from_month IS NULL OR from_month <= %(month)s) AND (to_month IS NULL OR to_month >= %(month)s)
        ORDER BY uuid, hostname, kind, id DESC
    ) l JOIN metrics_installation i ON i.uuid = l.uuid AND i.hostname = l.hostname
    GROUP BY i.id
"""
"""The labels in force in a month: of each kind the latest made that covers it."""


def _fresh(narrowed: str) -> str:
    """The month's reports as the facts have them now. ``narrowed`` limits the reports looked at.

    The baseline is the month's report of the month before, whatever the labels were then: it is a reading of the
    same installation, and only today's labels say whether that installation counts.
    """
    return f"""
        WITH label AS MATERIALIZED ({LABELS}), latest AS (
            SELECT DISTINCT ON (population, installation_id) id, population, installation_id, edition, tier,
                   version_number, subscription, license_user_count, notes
            FROM metrics_report WHERE month = %(month)s AND state = 'counted' {narrowed}
            ORDER BY population, installation_id, recorded_at DESC
        ), before AS (
            SELECT DISTINCT ON (population, installation_id) id, population, installation_id
            FROM metrics_report WHERE month = %(before)s AND state = 'counted' {narrowed}
            ORDER BY population, installation_id, recorded_at DESC
        )
        SELECT r.installation_id, r.population, r.id AS report_id, b.id AS baseline_id,
               coalesce(nullif(l.delivery, ''), 'self_managed') AS delivery, r.edition, r.tier, r.version_number,
               r.subscription, r.license_user_count,
               r.notes && ARRAY['edition_missing', 'edition_unknown'] AS edition_noted,
               'starter_as_premium' = ANY(r.notes) AS starter,
               coalesce(l.excluded, false) AS excluded
        FROM latest r
        LEFT JOIN before b USING (population, installation_id)
        LEFT JOIN label l ON l.installation_id = r.installation_id
    """


@dataclass(frozen=True, slots=True)
class Chosen:
    """A row of ``MonthReport``."""

    installation_id: int
    population: str
    report_id: int
    baseline_id: int | None
    delivery: str
    edition: str
    tier: str
    version_number: int | None
    subscription: str
    license_user_count: int | None
    edition_noted: bool
    starter: bool
    excluded: bool

    @property
    def cut(self) -> tuple[str, str, str, str, int | None]:
        """The finest cut that it falls into."""
        return (self.population, self.delivery, self.edition, self.tier, self.version_number)

    @property
    def links(self) -> bool:
        """Whether it makes its subscription an active self-managed one."""
        return (
            self.subscription != ""
            and self.delivery == "self_managed"
            and self.population == "all"
            and not self.excluded
        )


def _parameters(month: Month) -> dict[str, Any]:
    before: date | None = month.previous.first if month.index > 12 else None
    return {"month": month.first, "before": before}


def chosen_now(month: Month, installations: Sequence[int]) -> list[Chosen]:
    """What the rows of these installations should be."""
    with connection.cursor() as cursor:
        cursor.execute(
            _fresh("AND installation_id = ANY(%(installations)s)"),
            {**_parameters(month), "installations": list(installations)},
        )
        return [Chosen(*row) for row in cursor.fetchall()]


def chosen_before(month: Month, installations: Sequence[int]) -> list[Chosen]:
    """What the rows of these installations are."""
    return _stored("installation_id = ANY(%s)", month, [list(installations)])


def linked_to(month: Month, subscriptions: Sequence[str]) -> list[Chosen]:
    """The rows that name one of these subscriptions."""
    return _stored("subscription <> '' AND subscription = ANY(%s)", month, [list(subscriptions)])


def _stored(condition: str, month: Month, values: list[Any]) -> list[Chosen]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_LIST} FROM metrics_monthreport WHERE month = %s AND to_revision IS NULL AND {condition}",
            [month.first, *values],
        )
        return [Chosen(*row) for row in cursor.fetchall()]


def choose(month: Month, *, revision: int, keeping: bool) -> int:
    """Bring all rows of a month up to the facts; returns how many changed."""
    return follow(
        "metrics_monthreport",
        _fresh(""),
        within={"month": month.first},
        keys=COLUMNS[:2],
        values=COLUMNS[2:],
        parameters=_parameters(month),
        revision=revision,
        keeping=keeping,
    )


def replace(month: Month, old: Sequence[Chosen], new: Sequence[Chosen], *, revision: int, keeping: bool) -> None:
    """Write the few rows that changed."""
    with connection.cursor() as cursor:
        if old:
            cursor.execute(
                closing(keeping=keeping).format(table="metrics_monthreport")
                + " WHERE month = %(month)s AND to_revision IS NULL AND (installation_id, population) IN"
                " (SELECT * FROM unnest(%(installations)s::bigint[], %(populations)s::text[]))",
                {
                    "revision": revision,
                    "month": month.first,
                    "installations": [row.installation_id for row in old],
                    "populations": [row.population for row in old],
                },
            )
        if new:
            cursor.executemany(
                f"INSERT INTO metrics_monthreport (month, from_revision, {_LIST}) VALUES"
                f" (%s, %s, {', '.join(['%s'] * len(COLUMNS))})",
                [[month.first, revision, *(getattr(row, column) for column in COLUMNS)] for row in new],
            )
