"""Exact numbers."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from metrics.exact import as_json, as_text, difference, from_text, half_up, is_reasonable, plain, total

numbers = st.integers(-(2**80), 2**80) | st.decimals(
    allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30
)


@given(st.lists(numbers, max_size=8))
def test_sums_are_exact(values: list[int | Decimal]) -> None:
    assert Fraction(total(*values)) == sum((Fraction(value) for value in values), Fraction(0))


@given(numbers, numbers)
def test_differences_are_exact(left: int | Decimal, right: int | Decimal) -> None:
    assert Fraction(difference(left, right)) == Fraction(left) - Fraction(right)


@given(numbers)
def test_text_keeps_the_number(value: int | Decimal) -> None:
    assert from_text(as_text(value)) == value
    assert isinstance(plain(value), int) == (value == int(value))


def test_halves_round_up() -> None:
    assert [half_up(Fraction(n, 2)) for n in (-3, -1, 1, 3, 5)] == [-1, 0, 1, 2, 3]
    assert half_up(Fraction(1333333, 2)) == 666667


def test_json_has_integers_as_numbers_and_decimals_as_text() -> None:
    assert as_json(Decimal("2.50")) == "2.5"
    assert as_json(Decimal("2.00")) == 2
    assert as_json(2**70) == 2**70
    assert as_json(None) is None


def test_absurd_numbers_are_told_apart() -> None:
    assert not is_reasonable(Decimal("NaN"))
    assert not is_reasonable(Decimal("1e999999"))
    assert not is_reasonable(10**5000)
    assert is_reasonable(2**63)
    assert is_reasonable(Decimal("0.001"))
