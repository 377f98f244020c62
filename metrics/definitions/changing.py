"""The one way in which a stored definition changes, be it by an import or by an approved proposal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from metrics.definitions.mapping import announce, follow_changed_definition, kinds_of, targets_of
from metrics.definitions.slots import allot_slots
from metrics.imports.readings import carry_readings
from metrics.models.dictionary import MetricDefinition
from portal.models import User


def change_definition(
    *,
    definition: MetricDefinition,
    values: Mapping[str, Any],
    aside: Mapping[str, Any],
    from_month: date,
    reason: str,
    actor: User | None,
) -> bool:
    """Give a definition new ``values``; says whether what it means changed. ``aside`` is what no version counts.

    The version grows, the slot follows the time frame, and the mapping changes from ``from_month`` on. Call it within
    a transaction that holds the dictionary's lock.
    """
    differs = any(getattr(definition, key) != value for key, value in values.items())
    if not differs and all(getattr(definition, key) == value for key, value in aside.items()):
        return False
    old = targets_of(kinds=kinds_of(definition), product_group=definition.product_group, group=definition.group)
    for key, value in (*values.items(), *aside.items()):
        setattr(definition, key, value)
    if differs:
        definition.version += 1
    allotment = allot_slots([definition])
    definition.save()
    if allotment.write():
        _carry_readings(definition, actor=actor)
        announce((None, None), reason=f"{definition.key_path} is kept elsewhere now", actor=actor)
    new = targets_of(kinds=kinds_of(definition), product_group=definition.product_group, group=definition.group)
    if follow_changed_definition(
        definition=definition, old=old, new=new, from_month=from_month, reason=reason, actor=actor
    ):
        announce((from_month, None), reason=reason, actor=actor)
    return differs


def _carry_readings(definition: MetricDefinition, *, actor: User | None) -> None:
    """A metric that got another slot takes the readings along that only stand in the old one."""
    before = definition.slots.filter(retired_at__isnull=False).order_by("-retired_at").first()
    if before is not None and definition.slot is not None:
        carry_readings(old=before.slot, new=definition.slot, actor=actor)
