"""What a chart is made of: points, series, the spec with its table twin. Frozen values without Django."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

Kind = Literal["recorded", "estimated", "predicted", "neutral"]
Number = int | Decimal
Cell = str | int | Decimal | None

WIDTHS: Mapping[str, int] = {"full": 980, "wide": 640, "medium": 460, "narrow": 320}
"""The widths that charts are drawn at on the server; a page shows the one that fits its column."""


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
    """One bar: its label, its value, and why there is none or what is special about it."""

    label: str
    value: Number | None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class ChartTable:
    """The chart as a table, for screen readers, for CSV, and for those who prefer numbers. ``None`` is no figure."""

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, kw_only=True)
class KeyEntry:
    """One line of a chart's key: the series, its line style and which colour of the palette it has (0: grey)."""

    name: str
    kind: Kind
    colour: int


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A drawing as data: a Vega-Lite spec for each width of column, the table twin, and notes under it.

    ``empty``: there is not one value to draw; the page then says so instead of drawing axes. ``stretch``: the places
    of the axis from which readers may choose a part, where there are so many that it helps.
    """

    title: str
    specs: Mapping[str, Mapping[str, Any]]
    table: ChartTable
    unit: str = ""
    notes: tuple[str, ...] = ()
    key: tuple[KeyEntry, ...] = ()
    empty: bool = False
    stretch: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Names this very chart: equal charts have equal digests, in every process."""
        parts = [self.title, self.unit, self.specs, self.table.head, self.table.rows]
        text = json.dumps(parts, sort_keys=True, default=str, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def spec(self) -> Mapping[str, Any]:
        """The widest spec, for pictures that stand alone."""
        return self.specs["wide"]

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Which columns of the table hold numbers."""
        columns = range(len(self.table.head))
        return tuple(all(not isinstance(row[column], str) for row in self.table.rows) for column in columns)

    @property
    def direct(self) -> bool:
        """Whether the lines are labelled where they end, so that a wide column needs no key."""
        return len(self.key) <= 4
