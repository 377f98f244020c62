"""How far an estimate can be trusted: a bootstrap over subscriptions, with a fixed seed.

The active self-managed subscriptions are drawn anew, with replacement, 400 times. Each draw gives the p of each
edition and so an uplift, with the recorded figure held fixed; the interval spans the middle 95 % of the draws. It
says how much the estimate depends on who happened to report, and nothing about the assumptions. Draws in which a p
falls to 0 give no uplift and are left out.

A draw need not go through subscriptions one by one. Those of equal weight that lie within the same numerators cannot
be told apart, so a draw is a draw of how many of each kind come up: a multinomial one, made of binomial ones. For
subscriptions that is two or three kinds, however many there are. For seats there is a kind for each number of seats;
where that makes very many, seats count to three (then two) leading digits here.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from metrics.engine.estimates import Grain
from metrics.exact import Number, half_up
from metrics.figures import frozen
from metrics.figures.queries import Figure
from metrics.figures.wide import wide_cursor

if TYPE_CHECKING:
    from metrics.figures.scope import Scope

SEED = 28
DRAWS = 400
METHOD = "bootstrap over subscriptions"
MOST_KINDS = 500
FEW = 10
"""Where fewer hits are expected, they are found one after the other."""

Kind = tuple[int, tuple[bool, ...]]
"""What a subscription weighs, and in which numerators it is."""


@dataclass(frozen=True, slots=True)
class Interval:
    """The middle 95 % of the estimates; in ``draws`` of them every p was above 0."""

    low: Number
    high: Number
    draws: int


def interval(figure: Figure, of: Sequence[tuple[Figure, Scope]]) -> Interval | None:
    """The interval of an estimate; ``None`` where nothing is estimated.

    ``of``: the figures that it is made of (itself, or the figures of its stages), with where their rows are read.
    """
    estimable = [(one, scope) for one, scope in of if any(not part.cannot for part in one.parts)]
    if figure.recorded is None or not estimable:
        return None
    recorded = [Fraction(part.recorded) for one, _ in estimable for part in one.parts if not part.cannot]
    uplifts = draws(recorded, _kinds(estimable, figure.question.grain))
    if not uplifts:
        return None
    low, high = uplifts[int(len(uplifts) * 0.025)], uplifts[min(int(len(uplifts) * 0.975), len(uplifts) - 1)]
    whole = Fraction(figure.recorded)
    return Interval(half_up(whole + low), half_up(whole + high), len(uplifts))


def draws(recorded: Sequence[Fraction], kinds: Mapping[Kind, int]) -> list[Fraction]:
    """The uplifts of all draws, least first. ``kinds``: how many subscriptions there are of each."""
    chance = random.Random(SEED)
    ordered = sorted(kinds)
    numbers = [kinds[kind] for kind in ordered]
    within = [[place for place, kind in enumerate(ordered) if kind[1][part]] for part in range(len(recorded))]
    found = []
    for _ in range(DRAWS):
        times = multinomial(chance, numbers)
        weights = [kind[0] * number for kind, number in zip(ordered, times, strict=True)]
        whole = sum(weights)
        parts = [sum(weights[place] for place in places) for places in within]
        if all(parts):
            pairs = zip(recorded, parts, strict=True)
            found.append(sum((value * (whole - part) / part for value, part in pairs), Fraction(0)))
    return sorted(found)


def multinomial(chance: random.Random, numbers: Sequence[int]) -> list[int]:
    """As many as there are, drawn with replacement: how often each kind came up."""
    left = rest = sum(numbers)
    times = []
    for number in numbers:
        drawn = left if number == rest else binomial(chance, left, number / rest)
        times.append(drawn)
        left, rest = left - drawn, rest - number
    return times


def binomial(chance: random.Random, number: int, p: float) -> int:
    """How many of so many tries hit, each with probability ``p``: exactly distributed, however many there are."""
    if p > 0.5:
        return number - binomial(chance, number, 1 - p)
    if number * p < FEW:
        return _hit_by_hit(chance, number, p)
    # Hörmann's transformed rejection (BTRS, 1993), which the standard library has from Python 3.12 on.
    deviation = math.sqrt(number * p * (1 - p))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * p
    while True:
        u = chance.random() - 0.5
        edge = 0.5 - abs(u)
        hits = math.floor((2 * a / edge + b) * u + number * p + 0.5) if edge else -1
        if not 0 <= hits <= number:
            continue
        v = chance.random()
        if edge >= 0.07 and v <= 0.92 - 4.2 / b:
            return hits
        middle = math.floor((number + 1) * p)
        v *= (2.83 + 5.1 / b) * deviation / (a / (edge * edge) + b)
        likelier = _log_ways(number, hits) - _log_ways(number, middle) + (hits - middle) * math.log(p / (1 - p))
        if v <= 0 or math.log(v) <= likelier:
            return hits


def _log_ways(number: int, hits: int) -> float:
    """The logarithm of the number of ways to choose so many, less what is the same for all."""
    return -math.lgamma(hits + 1) - math.lgamma(number - hits + 1)


def _hit_by_hit(chance: random.Random, number: int, p: float) -> int:
    if p <= 0 or not number:
        return 0
    hits, place, scale = 0, 0, math.log1p(-p)
    # From hit to hit: how many misses lie between is geometrically distributed.
    while (place := place + int(math.log(1 - chance.random()) / scale) + 1) <= number:
        hits += 1
    return hits


def _kinds(of: Sequence[tuple[Figure, Scope]], grain: Grain) -> Mapping[Kind, int]:
    """The active self-managed subscriptions of the month, as the grain sees them."""
    # By version it does not matter what was reported, so one metric's rows say all.
    rows = _subscriptions(of[:1] if grain.by_version else of, in_seats=grain.in_seats)
    for digits in (None, 3, 2):
        kinds: Counter[Kind] = Counter()
        for seats, top, reported, number in rows:
            within = tuple(
                _is_new_enough(top, part.first_version) if grain.by_version else reported[place]
                for place, (one, _) in enumerate(of)
                for part in one.parts
                if not part.cannot
            )
            kinds[_to_digits(seats, digits), within] += number
        if len(kinds) <= MOST_KINDS:
            break
    return kinds


def _is_new_enough(top: int | None, first: int | None) -> bool:
    return top is not None and first is not None and top >= first


def _to_digits(seats: int, digits: int | None) -> int:
    return seats if digits is None else round(seats, digits - len(str(seats)))


def _subscriptions(
    of: Sequence[tuple[Figure, Scope]], *, in_seats: bool
) -> Iterable[tuple[int, int | None, list[bool], int]]:
    """By seats (1 where they do not matter), highest version and metrics reported, how many there are."""
    parameters: dict[str, Any] = {}
    linked = []
    for number, (_, scope) in enumerate(of):
        text, values = scope.prefixed(f"f{number}_")
        parameters |= values
        linked.append(
            f"""
            l{number} AS MATERIALIZED (
                SELECT c.subscription, max(c.version_number) AS top, max(c.license_user_count) AS users,
                       bool_or(c.value IS NOT NULL) AS reported
                FROM ({text}) c WHERE NOT c.excluded AND c.delivery = 'self_managed' AND c.population = 'all'
                  AND c.subscription <> '' GROUP BY c.subscription)
            """
        )
    month, scope = of[0][0].question.month, of[0][1]
    listed = frozen.subscriptions(published=scope.published).replace("%(published_at)s", "%(f0_published_at)s")
    reported = ", ".join(f"coalesce(l{number}.reported, false)" for number in range(len(of)))
    joined = " ".join(
        f"LEFT JOIN l{number} ON l{number}.subscription = l0.subscription" for number in range(1, len(of))
    )
    seats = "coalesce(s.seats, greatest(l0.users, 0), 0)" if in_seats else "1"
    statement = f"""
        WITH {", ".join(linked)}
        SELECT {seats}, l0.top, ARRAY[{reported}], count(*)
        FROM l0 FULL JOIN {listed} s ON s.subscription_id = l0.subscription {joined}
        WHERE l0.subscription IS NOT NULL OR (s.delivery = 'self_managed' AND s.starts_on <= %(last)s
            AND (s.ends_on IS NULL OR s.ends_on >= %(first)s))
        GROUP BY 1, 2, 3
    """
    with wide_cursor() as cursor:
        cursor.execute(statement, {**parameters, "first": month.first, "last": month.last})
        return [(int(seats), top, said, number) for seats, top, said, number in cursor.fetchall()]


__all__ = ["DRAWS", "METHOD", "SEED", "Interval", "binomial", "draws", "interval", "multinomial"]
