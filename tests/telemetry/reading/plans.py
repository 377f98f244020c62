"""A small dictionary for the tests of reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Facts:
    key_path: str
    slot: int | None = None
    value_type: str = "number"
    status: str = "active"
    data_category: str = "optional"


@dataclass(frozen=True)
class SmallPlan:
    by_key_path: Mapping[str, Facts]
    version: int = 1


def plan(*facts: Facts) -> SmallPlan:
    return SmallPlan({each.key_path: each for each in facts})
