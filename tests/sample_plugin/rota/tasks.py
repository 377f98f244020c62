"""The plugin's periodic work."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from rota.models import Duty


@shared_task
def forget_old() -> int:
    """Delete duties that ended more than a year ago; says how many."""
    deleted, _ = Duty.objects.filter(ends_on__lt=timezone.localdate() - timedelta(days=365)).delete()
    return deleted
