"""Shares, uplifts, predictions and intervals."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.engine.estimates import Grain, Subscribed, estimate, predicted, rounded, share, uplift
from metrics.exact import half_up
from metrics.figures.interval import DRAWS, Kind, binomial, draws, multinomial

SUBSCRIBED = Subscribed(active=10, seats=100, silent=3, versions={13002: (2, 10), 13003: (4, 70), None: (1, 5)})


@pytest.mark.parametrize(
    ("grain", "first", "numerator", "denominator"),
    [
        (Grain.VERSION_SUBSCRIPTION, 13003, 4, 10),
        (Grain.VERSION_SUBSCRIPTION, 13002, 6, 10),
        (Grain.VERSION_SEAT, 13002, 80, 100),
        (Grain.VERSION_SUBSCRIPTION, None, 0, 10),
        (Grain.REPORTED_SUBSCRIPTION, None, 5, 10),
        (Grain.REPORTED_SEAT, 13003, 42, 100),
    ],
)
def test_p_counts_by_its_grain(grain: Grain, first: int | None, numerator: int, denominator: int) -> None:
    found = share(grain, subscribed=SUBSCRIBED, first_version=first, reported=(5, 42))
    assert (found.numerator, found.denominator) == (numerator, denominator)


def test_without_subscriptions_p_is_0_and_nothing_is_added() -> None:
    [part] = estimate(
        Grain.VERSION_SUBSCRIPTION, recorded={"EE": 5}, firsts={}, subscribed=Subscribed(), reported=(0, 0)
    )
    assert (part.share.p, part.uplift, part.cannot) == (Fraction(0), Fraction(0), True)


def test_editions_are_rounded_together_and_once() -> None:
    parts = estimate(
        Grain.VERSION_SUBSCRIPTION,
        recorded={"CE": 1, "EE": 1},
        firsts={"CE": 13003, "EE": 13003},
        subscribed=Subscribed(active=5, seats=5, silent=1, versions={13003: (4, 4)}),
        reported=(0, 0),
    )
    assert [part.uplift for part in parts] == [Fraction(1, 4), Fraction(1, 4)]
    assert rounded(parts) == 1


@given(st.integers(0, 10**12), st.integers(1, 1000), st.integers(0, 1000))
def test_recorded_and_uplift_are_recorded_over_p(recorded: int, inside: int, outside: int) -> None:
    p = Fraction(inside, inside + outside)
    assert recorded + uplift(recorded, p) == recorded / p


def test_predictions_go_on_in_a_straight_line() -> None:
    series: dict[str, list[int | Decimal | Fraction | None]] = {"EE": [94, 95, Decimal("97.5"), 100]}
    assert predicted(series, 12) == 124
    assert predicted(series, 1) == 102


def test_predictions_add_parts_before_rounding_and_follow_falls() -> None:
    assert predicted({"a": [0, 0, 0, Fraction(1, 4)], "b": [0, 0, 0, Fraction(1, 4)]}, 1) == half_up(Fraction(2, 3))
    assert predicted({"a": [40, 30, 20, 10]}, 3) == -20


def test_a_part_without_four_months_predicts_nothing_and_one_that_never_was_does_not_matter() -> None:
    assert predicted({"a": [None, 1, 2, 3]}, 1) is None
    assert predicted({"a": [1, 2, 3, None]}, 1) is None
    assert predicted({"a": [1, 2, 3, 4], "b": [None] * 4}, 1) == 5
    assert predicted({}, 1) is None


@pytest.mark.parametrize("months", [0, 13])
def test_predictions_reach_12_months(months: int) -> None:
    with pytest.raises(ValueError, match="12 months"):
        predicted({"a": [1, 2, 3, 4]}, months)


def test_the_interval_is_the_same_each_time_and_holds_the_estimate() -> None:
    spreads = []
    for times in (1, 50, 5000):
        kinds: dict[Kind, int] = {(1, (True,)): 60 * times, (1, (False,)): 40 * times}
        found = draws([Fraction(600)], kinds)
        assert found == draws([Fraction(600)], kinds)
        assert found[0] < 400 < found[-1]
        spreads.append(found[-11] - found[10])
    # The more subscriptions, the narrower: by the root of their number.
    assert spreads[0] > 5 * spreads[1] > 25 * spreads[2] > 0


def test_editions_are_drawn_together() -> None:
    """A subscription that is new enough for both editions is drawn once, not once for each."""
    both: dict[Kind, int] = {(1, (True, True)): 60, (1, (False, False)): 40}
    together = draws([Fraction(300), Fraction(300)], both)
    assert together == draws([Fraction(600)], {(1, (True,)): 60, (1, (False,)): 40})


def test_draws_without_anybody_who_could_report_are_left_out() -> None:
    found = draws([Fraction(600)], {(1, (True,)): 1, (1, (False,)): 1})
    assert 0 < len(found) < DRAWS
    assert set(found) == {Fraction(0), Fraction(600)}
    assert draws([Fraction(600)], {}) == []


@pytest.mark.parametrize(("number", "p"), [(0, 0.5), (7, 0.4), (100, 0.02), (100, 0.3), (5000, 0.6), (50_000, 0.999)])
def test_binomial_numbers_have_the_mean_and_the_spread_of_the_distribution(number: int, p: float) -> None:
    chance = random.Random(5)
    tries = 4000
    found = [binomial(chance, number, p) for _ in range(tries)]
    mean, variance = number * p, number * p * (1 - p)
    assert all(0 <= one <= number for one in found)
    assert abs(sum(found) / tries - mean) <= 4 * (variance / tries) ** 0.5
    spread = sum((one - mean) ** 2 for one in found) / tries
    assert spread == pytest.approx(variance, rel=0.12)


def test_a_multinomial_draw_draws_as_many_as_there_are() -> None:
    chance = random.Random(5)
    for _ in range(100):
        times = multinomial(chance, [3, 0, 500, 1])
        assert sum(times) == 504
        assert times[1] == 0
