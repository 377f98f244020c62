"""Values of the structure files in the fields of their rows; the opposite of ``Structural.written``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stages.facts import taken
from stages.models.structure import Structural


def assign(row: Structural, name: str, value: Any, parents: Mapping[str, Mapping[str, Any]]) -> None:
    """Give a field the value that the reader read: a parent by its key, dates and decimals from text."""
    setattr(row, name, parents[name].get(value) if name in parents else taken(name, value))
