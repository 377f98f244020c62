"""What a chart is made of: points, series, the spec with its table twin. Frozen values without Django."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal

Kind = Literal["recorded", "estimated", "predicted", "neutral"]
Number = int | Decimal


@dataclass(frozen=True, kw_only=True)
class Point:
    """One month of a series. ``y`` is ``None`` where there is no figure; ``note`` then says why.

    ``unfinished``: the month is not over. ``restated_from``: the value published before the present one.
    """

    x: date
    y: Number | None
    unfinished: bool = False
    restated_from: Number | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Series:
    """A named line of points. The kind decides the line: recorded solid, estimated dashed, predicted dotted."""

    name: str
    points: Sequence[Point]
    kind: Kind = "neutral"


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One bar: its label, its value, and where a click on the label leads."""

    label: str
    value: Number | None
    note: str = ""
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class ChartTable:
    """The chart as a table, for screen readers, for CSV, and for those who prefer numbers."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A drawing as data: a Vega-Lite spec with its title, its table twin and the notes under it."""

    title: str
    spec: Mapping[str, Any]
    table: ChartTable
    unit: str = ""
    notes: tuple[str, ...] = ()
    key: tuple[tuple[str, str, int], ...] = field(default=())
    empty: bool = False
