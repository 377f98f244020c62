"""A figure's passport: what it is made of, what was left out and why, its estimate, its restatements.

``passport(question)`` reads what is small. The long lists are in ``contributions`` and ``left_out``: there may be
300,000. The values of all contributions, and of what was erased, add up to the recorded figure, to the unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from metrics.engine.estimates import OFFICIAL, Grain
from metrics.engine.rules import version_text
from metrics.exact import Number, as_json, difference, total
from metrics.figures.combined import Part, stages
from metrics.figures.dictionary import definition_of, mapping_of
from metrics.figures.document import as_moment
from metrics.figures.interval import METHOD, SEED, Interval, interval
from metrics.figures.left_out import left_out_counts
from metrics.figures.queries import Figure, figures
from metrics.figures.question import Question
from metrics.figures.restatements import Restatement, restatements
from metrics.figures.scope import Scope, scope_behind, sums
from metrics.figures.sql import sql_of
from metrics.models.dictionary import MetricDefinition
from metrics.periods import Month, Week

ASSUMPTIONS = (
    "Installations that are silent behave like those that report, and upgrade as quickly.",
    "Free installations report as often as paid ones; free installations that never report are not in it at all.",
    "By subscriptions: all subscriptions are of equal size. By seats: all seats are used equally.",
    "Paid installations are known to upgrade sooner, which makes the estimate too low rather than too high.",
)

CHECKED_UP_TO = 100_000
"""Beyond so many installations a passport opens without going through all of them; the streams do."""


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
    scope: Scope | None
    """Where its long lists are read from."""
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
        scopes = [(one, scope_behind(one)) for one in of]
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


def passport(question: Question, *, with_left_out: bool = True) -> Passport:
    """Open a figure. Without ``with_left_out`` nobody looks for those that sent no report that counts."""
    grains = [] if isinstance(question.period, Week) else [replace(question, grain=grain) for grain in Grain]
    found = figures([question, *grains])
    figure, by_grain = found[0], found[1:]
    parts = [part for part in stages(question) if part.figure.recorded is not None]
    scope = scope_behind(figure)
    is_checked = (figure.coverage.pinging or 0) <= CHECKED_UP_TO
    added = sums(scope) if scope is not None and is_checked else None
    if added is not None:
        count, whole_sum = added.count, added.total
    elif scope is not None:
        count, whole_sum = figure.coverage.reporting or 0, figure.recorded or 0
    else:
        there = [part.figure.recorded for part in parts if part.figure.recorded is not None]
        count, whole_sum = len(there), total(*there)
    erased = None
    if added is not None and added.erased and figure.recorded is not None:
        erased = Erased(added.erased, difference(figure.recorded, whole_sum))
    return Passport(
        question=question,
        figure=figure,
        definition=definition_of(figure),
        mapping=_mapping(question, figure),
        grains={one.question.grain.value: one for one in by_grain},
        restatements=() if isinstance(question.period, Week) else tuple(restatements(question)),
        parts=tuple(parts),
        erased=erased,
        contributions_count=count,
        contributions_sum=whole_sum,
        left_out_counts=left_out_counts(question, scope) if is_checked and with_left_out else None,
        scope=scope,
        is_checked=is_checked,
        sql=sql_of(question, figure.metric, [part.figure for part in parts]),
    )


def _mapping(question: Question, figure: Figure) -> dict[str, Any] | None:
    if question.kind == "metric":
        return None
    if question.is_combined:
        return {"kind": "smau", "subject": question.subject or None, "metric": None, "combined": True}
    in_force = [
        {
            "metric": row.metric.key_path,
            "from_month": None if row.from_month is None else str(Month.of(row.from_month)),
            "to_month": None if row.to_month is None else str(Month.of(row.to_month)),
            "source": row.source,
            "reason": row.reason,
            "made_by": str(row.made_by) if row.made_by else None,
            "made_at": as_moment(row.made_at),
        }
        for row in mapping_of(figure)
    ]
    return {
        "kind": question.indicator,
        "subject": question.subject or None,
        "metric": figure.metric.key_path if figure.metric else None,
        "in_force": in_force,
        "conflict": [metric.key_path for metric in figure.conflict],
    }
