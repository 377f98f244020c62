"""The plugin's part of the demo data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone
from stages.models import Stage

from rota.models import Duty


def put_everyone_on_duty(say: Callable[[str], None]) -> None:
    """One duty per stage, from today for a week; run again on the same day it changes nothing."""
    today = timezone.localdate()
    for stage in Stage.objects.filter(retired_on=None):
        Duty.objects.get_or_create(
            stage_key=stage.key,
            starts_on=today,
            defaults={"person": f"{stage.key}-duty", "ends_on": today + timedelta(days=6)},
        )
    say(f"{Duty.objects.count()} duties")
