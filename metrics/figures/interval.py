"""How far an estimate can be trusted: a bootstrap over subscriptions, with a fixed seed.

The active self-managed subscriptions are drawn anew, with replacement, 400 times. Each draw gives the p of each
edition and so an uplift, with the recorded figure held fixed; the interval spans the middle 95 % of the draws. It
says how much the estimate depends on who happened to report, and nothing about the assumptions. Draws in which p is
0 give no uplift and are left out. Beyond 1,000 subscriptions the two sums of an edition are drawn from the normal
distribution with the bootstrap's own means, deviations and correlation: the same to within a few thousandths, in a
time that does not grow with their number.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from django.db import connection

from metrics.engine.pages import PAGE_SIZE, is_all_time
from metrics.engine.subscriptions import ACTIVE
from metrics.exact import Number, half_up
from metrics.figures.queries import Figure
from metrics.periods import Week

SEED = 28
DRAWS = 400
MOST_DRAWN = 1_000


@dataclass(frozen=True, slots=True)
class Interval:
    """The middle 95 % of the estimates; ``draws`` of them had a p above 0."""

    low: Number
    high: Number
    draws: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """A subscription as a draw sees it: what it weighs, and in which editions' numerators it is."""

    weight: int
    within: tuple[bool, ...]


def interval(figure: Figure) -> Interval | None:
    """The interval of a live estimate; ``None`` where nothing is estimated."""
    question = figure.question
    if (
        figure.recorded is None
        or not figure.parts
        or question.published
        or question.is_combined
        or isinstance(question.period, Week)
        or all(part.cannot for part in figure.parts)
    ):
        return None
    recorded = Fraction(figure.recorded)
    totals = draws([Fraction(part.recorded) for part in figure.parts], subscriptions_of(figure))
    if not totals:
        return None
    low, high = totals[int(len(totals) * 0.025)], totals[min(int(len(totals) * 0.975), len(totals) - 1)]
    return Interval(half_up(recorded + low), half_up(recorded + high), len(totals))


def draws(recorded: Sequence[Fraction], subscriptions: Sequence[Drawn]) -> list[Fraction]:
    """The uplifts of all draws, least first."""
    chance = random.Random(SEED)
    if not subscriptions:
        return []
    editions = range(len(recorded))
    if len(subscriptions) <= MOST_DRAWN:
        rounds = (_drawn(chance, subscriptions, editions) for _ in range(DRAWS))
    else:
        shapes = [_shape(subscriptions, edition) for edition in editions]
        rounds = (_approximated(chance, shapes) for _ in range(DRAWS))
    found = []
    for pairs in rounds:
        if all(part > 0 for part, _ in pairs):
            uplifts = (value * rest / part for value, (part, rest) in zip(recorded, pairs, strict=True))
            found.append(sum(uplifts, Fraction(0)))
    return sorted(found)


def _drawn(chance: random.Random, subscriptions: Sequence[Drawn], editions: range) -> list[tuple[int, int]]:
    """By edition, what of a draw lies within the numerator and what outside."""
    drawn = chance.choices(subscriptions, k=len(subscriptions))
    whole = sum(one.weight for one in drawn)
    parts = [sum(one.weight for one in drawn if one.within[edition]) for edition in editions]
    return [(part, whole - part) for part in parts]


@dataclass(frozen=True, slots=True)
class Shape:
    """How the two sums of an edition are distributed over draws: means, deviations and their correlation."""

    part: float
    rest: float
    part_deviation: float
    rest_deviation: float
    correlation: float


def _shape(subscriptions: Sequence[Drawn], edition: int) -> Shape:
    number = len(subscriptions)
    part = [one.weight for one in subscriptions if one.within[edition]]
    rest = [one.weight for one in subscriptions if not one.within[edition]]
    means = sum(part) / number, sum(rest) / number
    variances = [
        max(sum(weight * weight for weight in weights) / number - mean * mean, 0.0)
        for weights, mean in zip((part, rest), means, strict=True)
    ]
    deviations = [(variance * number) ** 0.5 for variance in variances]
    both = (variances[0] * variances[1]) ** 0.5
    # A subscription is in one of the two and never in both, so they pull against each other.
    correlation = max(-means[0] * means[1] / both, -1.0) if both else 0.0
    return Shape(means[0] * number, means[1] * number, deviations[0], deviations[1], correlation)


def _approximated(chance: random.Random, shapes: Sequence[Shape]) -> list[tuple[int, int]]:
    one, other = chance.gauss(0, 1), chance.gauss(0, 1)
    pairs = []
    for shape in shapes:
        with_it = shape.correlation * one + (1 - shape.correlation**2) ** 0.5 * other
        pairs.append(
            (
                max(round(shape.part + shape.part_deviation * one), 0),
                max(round(shape.rest + shape.rest_deviation * with_it), 0),
            )
        )
    return pairs


def subscriptions_of(figure: Figure) -> list[Drawn]:
    """The active self-managed subscriptions of a figure's month, as its grain sees them."""
    question, metric = figure.question, figure.metric
    grain = question.grain
    if metric is None or metric.slot is None:
        return []
    page, index = divmod(metric.slot, PAGE_SIZE)
    has = f"get_byte(p.states, {index}) IN (0, 9)"
    if is_all_time(page):
        # Resets are rare, and an interval is no figure: a baseline that is there counts as a monthly value.
        has += f" AND get_byte(b.states, {index}) IN (0, 9)"
    reported = f"""
        SELECT m.subscription, bool_or({has}) AS reported FROM metrics_monthreport m
        JOIN metrics_reportpage p ON p.report_id = m.report_id AND p.page = {page}
        LEFT JOIN metrics_reportpage b ON b.report_id = m.baseline_id AND b.page = {page}
        WHERE m.month = %(month)s AND m.to_revision IS NULL AND NOT m.excluded AND m.subscription <> ''
          AND m.delivery = 'self_managed' AND m.population = 'all'
        GROUP BY m.subscription
    """
    join, said = ("", "false") if grain.by_version else (f"LEFT JOIN ({reported}) r USING (subscription)", "r.reported")
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH {ACTIVE} SELECT a.seats, a.top, coalesce({said}, false) FROM active a {join}"
            " ORDER BY a.subscription",
            {"month": question.month.first, "last": question.month.last},
        )
        rows = cursor.fetchall()
    return [
        Drawn(
            weight=int(seats) if grain.in_seats else 1,
            within=tuple(
                bool(said)
                if not grain.by_version
                else top is not None and part.first_version is not None and top >= part.first_version
                for part in figure.parts
            ),
        )
        for seats, top, said in rows
    ]


__all__ = ["DRAWS", "SEED", "Interval", "draws", "interval"]
