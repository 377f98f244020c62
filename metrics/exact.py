"""Exact arithmetic on readings: integers of any size and decimals, never floats. No Django in here."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

Number = int | Decimal
"""What a reading or a figure is: an int where it is integral, else an exact decimal."""

LONGEST = 4000
"""Digits before or after the point that a reading may have. Nothing real comes near it; it bounds the arithmetic."""


def is_reasonable(value: Number) -> bool:
    """Whether a number is finite and within ``LONGEST`` digits on both sides of the point."""
    if isinstance(value, int):
        return value.bit_length() < LONGEST * 3.32
    if not value.is_finite():
        return False
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and value.adjusted() < LONGEST and exponent > -LONGEST


def plain(value: Number | Fraction) -> Number:
    """An int where the value is integral, else the shortest exact decimal."""
    if isinstance(value, int):
        return value
    if isinstance(value, Decimal):
        if value == value.to_integral_value():
            return int(value)
        value = Fraction(value)
    if value.denominator == 1:
        return value.numerator
    twos = fives = 0
    rest = value.denominator
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest != 1:
        raise ValueError(f"{value} has no exact decimal")
    places = max(twos, fives)
    digits = value.numerator * 10**places // value.denominator
    return Decimal((int(digits < 0), tuple(int(digit) for digit in str(abs(digits))), -places))


def total(*values: Number) -> Number:
    """The exact sum. (``Decimal`` addition rounds to the context's precision, so it is not used.)"""
    if all(isinstance(value, int) for value in values):
        return sum(values)
    return plain(sum((Fraction(value) for value in values), Fraction(0)))


def difference(left: Number, right: Number) -> Number:
    """``left - right``, exactly."""
    if isinstance(left, int) and isinstance(right, int):
        return left - right
    return plain(Fraction(left) - Fraction(right))


def half_up(value: Fraction | Number) -> int:
    """Rounded to the nearest integer, halves upwards (towards plus infinity)."""
    return (Fraction(value) + Fraction(1, 2)).__floor__()


def as_text(value: Number) -> str:
    """Digits without an exponent."""
    return str(value) if isinstance(value, int) else format(value, "f")


def as_json(value: Number | None) -> int | str | None:
    """Integers as numbers, other decimals as text, so that nothing is lost in a float."""
    if value is None:
        return None
    value = plain(value)
    return value if isinstance(value, int) else as_text(value)


def from_text(text: str) -> Number:
    """Read what ``as_text`` wrote."""
    return plain(Decimal(text))
