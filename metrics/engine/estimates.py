"""Estimates, in exact rational arithmetic: shares, uplifts, predictions. No Django in here.

An estimate is the recorded figure plus an uplift for those self-managed installations that do not report. The uplift
of an edition is ``recorded * (1 - p) / p``, where p is the share of active self-managed subscriptions (or their
seats) that could report the metric (version grains) or did (reported grains).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction

from metrics.exact import Number, half_up

MOST_MONTHS_AHEAD = 12
"""A straight line says nothing about a time further away."""


class Grain(Enum):
    """How p is counted: on what condition, in what measure. The first is the official one."""

    VERSION_SUBSCRIPTION = "version-subscription"
    VERSION_SEAT = "version-seat"
    REPORTED_SUBSCRIPTION = "reported-subscription"
    REPORTED_SEAT = "reported-seat"

    @property
    def by_version(self) -> bool:
        """Whether a new enough version is enough; else the metric has to be in the report."""
        return self in (Grain.VERSION_SUBSCRIPTION, Grain.VERSION_SEAT)

    @property
    def in_seats(self) -> bool:
        """Whether seats are counted, not subscriptions."""
        return self in (Grain.VERSION_SEAT, Grain.REPORTED_SEAT)


OFFICIAL = Grain.VERSION_SUBSCRIPTION


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The active self-managed subscriptions of a month.

    ``versions``: by the highest version among a subscription's installations (``None`` = names none), how many
    subscriptions and seats. ``silent`` have no month's report.
    """

    active: int = 0
    seats: int = 0
    silent: int = 0
    versions: Mapping[int | None, tuple[int, int]] = field(default_factory=dict)

    def from_version(self, first: int | None, *, in_seats: bool) -> int:
        """How many have a report from this version or a later one."""
        if first is None:
            return 0
        return sum(
            pair[1] if in_seats else pair[0]
            for version, pair in self.versions.items()
            if version is not None and version >= first
        )


@dataclass(frozen=True, slots=True)
class Share:
    """p as it came about."""

    numerator: int
    denominator: int

    @property
    def p(self) -> Fraction:
        """The share; 0 where there is nobody to have a share of."""
        return Fraction(self.numerator, self.denominator) if self.denominator else Fraction(0)


def share(grain: Grain, *, subscribed: Subscribed, first_version: int | None, reported: tuple[int, int]) -> Share:
    """The share for an edition. ``reported``: subscriptions and seats with a monthly value of the metric."""
    denominator = subscribed.seats if grain.in_seats else subscribed.active
    if grain.by_version:
        return Share(subscribed.from_version(first_version, in_seats=grain.in_seats), denominator)
    return Share(reported[1] if grain.in_seats else reported[0], denominator)


def uplift(recorded: Number, p: Fraction) -> Fraction:
    """What is missing to the recorded figure if those who are silent are like those who talk; 0 when p is 0."""
    if p == 0:
        return Fraction(0)
    return Fraction(recorded) * (1 - p) / p


@dataclass(frozen=True, slots=True)
class EditionEstimate:
    """One edition's part of an estimate. ``uplift`` is exact; ``cannot`` says that p is 0."""

    edition: str
    recorded: Number
    first_version: int | None
    share: Share
    uplift: Fraction

    @property
    def cannot(self) -> bool:
        """Whether nothing can be said about those who are silent."""
        return self.share.p == 0


def estimate(
    grain: Grain,
    *,
    recorded: Mapping[str, Number],
    firsts: Mapping[str, int],
    subscribed: Subscribed,
    reported: tuple[int, int],
) -> list[EditionEstimate]:
    """The parts of an estimate by edition, from the self-managed recorded figures that exist."""
    parts = []
    for edition, value in sorted(recorded.items()):
        first = firsts.get(edition)
        of = share(grain, subscribed=subscribed, first_version=first, reported=reported)
        parts.append(EditionEstimate(edition, value, first, of, uplift(value, of.p)))
    return parts


def rounded(parts: Sequence[EditionEstimate]) -> int:
    """The uplift of all editions, rounded half up, once."""
    return half_up(sum((part.uplift for part in parts), Fraction(0)))


def predicted(series: Mapping[str, Sequence[Number | Fraction | None]], months: int) -> int | None:
    """The figure so many months ahead, on a straight line: the last estimate plus the mean monthly change of three.

    ``series`` holds by part (a delivery and edition) the last four months' estimates, oldest first. Parts without
    any value are left out; where one that lives in the last month lacks an earlier one, nothing is predicted.
    """
    if not 1 <= months <= MOST_MONTHS_AHEAD:
        raise ValueError(f"predictions reach 1 to {MOST_MONTHS_AHEAD} months ahead, not {months}")
    whole = Fraction(0)
    lives = False
    for values in series.values():
        last_four = list(values)[-4:]
        if len(last_four) < 4 or last_four[-1] is None:
            if any(value is not None for value in last_four):
                return None
            continue
        exact = [Fraction(value) for value in last_four if value is not None]
        if len(exact) < 4:
            return None
        first, last = exact[0], exact[-1]
        # The mean of the three changes: all but the ends cancel out.
        whole += last + months * (last - first) / 3
        lives = True
    return half_up(whole) if lives else None
