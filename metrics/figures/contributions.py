"""The installations that a figure adds up: by the page, the largest first, or as a stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from metrics.engine.rules import version_text
from metrics.exact import Number, as_json, plain
from metrics.figures.document import as_moment
from metrics.figures.question import Question
from metrics.figures.scope import COUNTS, Scope, found_by, scope_of, streamed


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
            "recorded_at": as_moment(self.recorded_at),
            "delivery": self.delivery,
            "edition": self.edition,
            "tier": self.tier,
            "version": self.version,
            "subscription": self.subscription,
            "reading": as_json(self.reading),
            "baseline": as_json(self.baseline),
        }


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


def contributions(scope: Scope | None, *, search: str = "", offset: int = 0, limit: int = 100) -> list[Contribution]:
    """A page of the contributions, the largest first. Of combined figures there are none, only parts."""
    if scope is None:
        return []
    condition, values = found_by(search, "c")
    largest = "ORDER BY c.value DESC, c.installation_id"
    with connection.cursor() as cursor:
        # The page is chosen by what is narrow; names and reports are read of its rows only.
        cursor.execute(
            f"""
            SELECT {LIST} FROM ({scope.rows}) c WHERE c.report_id IN (
                SELECT c.report_id FROM ({scope.rows}) c WHERE {COUNTS} AND {condition}
                {largest} LIMIT %(limit)s OFFSET %(offset)s
            ) {largest}
            """,
            {**scope.parameters, **values, "limit": limit, "offset": offset},
        )
        return [_contribution(row) for row in cursor.fetchall()]


def contributions_found(scope: Scope | None, *, search: str) -> int:
    """How many contributions a search finds."""
    if scope is None:
        return 0
    condition, values = found_by(search, "c")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM ({scope.rows}) c WHERE {COUNTS} AND {condition}", {**scope.parameters, **values}
        )
        return int(cursor.fetchone()[0])


def stream_contributions(question: Question) -> Iterator[Contribution]:
    """All contributions, in the order of their installations, by a cursor on the server: memory stays flat."""
    scope = scope_of(question)
    if scope is None:
        return
    yield from (
        _contribution(row) for row in streamed(f"SELECT {LIST} FROM ({scope.rows}) c WHERE {COUNTS}", scope.parameters)
    )
