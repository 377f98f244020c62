"""What the plugin says on the status page."""

from __future__ import annotations

from django.utils import timezone
from portal.plugin import Health, HealthState

from rota.queries import on_duty


def someone_is_on_duty() -> Health:
    """A warning when no one is."""
    count = len(on_duty(timezone.localdate()))
    if count == 0:
        return Health(state=HealthState.WARNING, sentence="No one is on duty today.")
    return Health(state=HealthState.OK, sentence=f"{count} on duty today.")
