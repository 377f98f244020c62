"""A chart's title as a finding: what happened, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from portal import words
from portal.charts.values import Point


def finding(name: str, points: Sequence[Point]) -> str:
    """``Create grew 3.1 % in Oct 2026``: the last finished month against the one before; the name where none is."""
    finished = [point for point in points if not point.unfinished and point.y is not None]
    if not finished:
        return name
    last = finished[-1]
    months = [point for point in points if point.x < last.x]
    before = months[-1] if months else None
    if before is None or before.y is None or last.y is None:
        return f"{name}: {words.compact(last.y)} in {words.month(last.x)}"
    if last.y == before.y:
        return f"{name} stood still in {words.month(last.x)}"
    verb = "grew" if last.y > before.y else "fell"
    if before.y == 0:
        return f"{name} rose from zero to {words.compact(last.y)} in {words.month(last.x)}"
    share = abs(Decimal(last.y) - before.y) * 100 / abs(Decimal(before.y))
    return f"{name} {verb} {words.number(share, 0 if share >= 100 else 1)} % in {words.month(last.x)}"
