"""Reads that the page, the panel and the search share."""

from __future__ import annotations

from datetime import date

from rota.models import Duty


def on_duty(day: date) -> list[Duty]:
    """Everyone who is on duty on a day."""
    return list(Duty.objects.filter(starts_on__lte=day, ends_on__gte=day))


def on_duty_for(stage_key: str, day: date) -> Duty | None:
    """Who looks after a stage on a day."""
    return Duty.objects.filter(stage_key=stage_key, starts_on__lte=day, ends_on__gte=day).first()
