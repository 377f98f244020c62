"""Long work with its progress, and the hints that wait in a queue."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from portal.models.accounts import User


class Job(models.Model):
    """Long work with its progress, found again under Tasks. Written by ``portal.jobs``."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    name = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(null=True)
    message = models.TextField(blank=True)
    error = models.TextField(blank=True)
    result = models.JSONField(default=dict, blank=True)
    retry = models.JSONField(default=dict, blank=True, help_text="The task that tries it again: queue, task, args.")
    cancel_requested = models.BooleanField(default=False)
    started_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.state})"


class Wakeup(models.Model):
    """A hint that waits in a queue of an outside broker. Written by ``portal.wakeups``."""

    hint = models.CharField(max_length=250, primary_key=True)
    sent_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.hint


class LifeSign(models.Model):
    """When a part of the portal was last seen at work, such as the task worker."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} at {self.at:%Y-%m-%d %H:%M:%S}"

    @classmethod
    def give(cls, name: str) -> None:
        """This part is at work now."""
        cls.objects.update_or_create(name=name, defaults={"at": timezone.now()})
