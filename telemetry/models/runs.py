"""Runs over the stored pings: how far each has come, so that it goes on where it was."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models


class StoredRun(models.Model):
    """Stored pings are gone through in the order of their ids; ``next_id`` is where it goes on after a stop."""

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        RUNNING = "running", "running"
        DONE = "done", "done"
        CANCELLED = "cancelled", "cancelled"
        FAILED = "failed", "failed"

    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    created_at = models.DateTimeField(auto_now_add=True)
    next_id = models.BigIntegerField(default=0, help_text="The last ping that was looked at.")
    last_id = models.BigIntegerField(default=0)
    looked_at = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0, help_text="Pings that could not be read.")
    cause = models.TextField(blank=True, help_text="Why it failed, or why the last of the failed pings did.")
    job_id = models.BigIntegerField(null=True)

    class Meta:
        abstract = True


class Backfill(StoredRun):
    """Stored pings are read again for definitions that came later."""

    key_paths = ArrayField(models.TextField())
    filled = models.BigIntegerField(default=0)
    actor = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"back-fill of {len(self.key_paths)} keys"


class RereadRun(StoredRun):
    """Stored pings are read again with the present parser and dictionary."""

    class Scope(models.TextChoices):
        OLDER = "older", "pings that an older parser has read"
        ALL = "all", "all pings"

    scope = models.CharField(max_length=10, choices=Scope.choices)
    changed = models.BigIntegerField(default=0)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"reading again of {self.get_scope_display()}"
