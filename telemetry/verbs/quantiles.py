"""How large the metrics that a rule looks at are over the population: what one ping is measured against."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from metrics.definitions.catalogue import reading_plan
from metrics.past import spread_of
from telemetry import population
from telemetry.models import Quantile

LIVING = timedelta(days=183)
"""Installations that have sent nothing for so long say nothing about what is usual now."""


@transaction.atomic
def compute_quantiles() -> int:
    """From the newest counted report of each installation; returns how many metrics were measured."""
    now, plan = timezone.now(), reading_plan()
    watched = {path for rule in population.rules(plan) if rule.kind == "quantile" for path in rule.metrics}
    slots = {
        definition.slot: path
        for path in watched
        if (definition := plan.by_key_path.get(path)) is not None and definition.slot is not None
    }
    spreads = spread_of(slots, since=(now - LIVING).date())
    fresh = [
        Quantile(
            key_path=slots[slot],
            population=spread.installations,
            median=spread.median,
            high=spread.high,
            computed_at=now,
        )
        for slot, spread in spreads.items()
        if len(slots[slot]) <= 520
    ]
    Quantile.objects.exclude(key_path__in=[row.key_path for row in fresh]).delete()
    Quantile.objects.bulk_create(
        fresh,
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["key_path"],
        update_fields=["population", "median", "high", "computed_at"],
    )
    return len(fresh)
