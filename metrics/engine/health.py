"""What ``/status/`` says of the figures: whether they follow the facts."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Count, Min
from django.utils import timezone

from metrics.models.facts import DirtyMonth
from portal.plugin import Health, HealthState

LATE = timedelta(minutes=5)
"""A change that waits longer was missed by several sweeps."""


def figures() -> Health:
    """How long the oldest change has been waiting for its figures."""
    found = DirtyMonth.objects.aggregate(number=Count("id"), oldest=Min("at"))
    if not found["number"]:
        return Health(state=HealthState.OK, sentence="All figures follow their facts.")
    waited = timezone.now() - found["oldest"]
    sentence = (
        f"{found['number']:,} changes wait for the roll-up, the oldest for {int(waited.total_seconds())} seconds."
    )
    if waited > LATE:
        return Health(state=HealthState.FAILED, sentence=f"{sentence} Does a worker run?")
    return Health(state=HealthState.OK, sentence=sentence)
