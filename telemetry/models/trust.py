"""What makes a ping suspicious, as data, and what reviewers decided."""

from __future__ import annotations

import pghistory
from django.conf import settings
from django.db import models

from telemetry.models.pings import Ping


@pghistory.track()
class PlausibilityRule(models.Model):
    """One question asked of every ping that nobody vouches for."""

    class Kind(models.TextChoices):
        FUTURE = "future", "recorded in the future"
        OLD = "old", "recorded long before it came"
        VERSION = "version", "version that was never released"
        GROWTH = "growth", "grew beyond its own history"
        SEATS = "seats", "more users than seats"
        QUANTILE = "quantile", "far beyond the population"
        CEILING = "ceiling", "beyond any installation"
        SHARED_UUID = "shared_uuid", "uuid known under other host names"
        SHARED_INSTANCE = "shared_instance", "unique_instance_id known elsewhere"
        CHANGED_INSTANCE = "changed_instance", "unique_instance_id changed"
        ALTERNATING = "alternating", "two instances ping in turns under the same names"
        RESTORED = "restored", "all-time counters fell"
        UNVERIFIED = "unverified", "came without the installation's key"
        SIGNATURE = "signature", "signature does not fit"

    class Action(models.TextChoices):
        HOLD = "hold", "quarantine"
        NOTE = "note", "only remark"
        OFF = "off", "do nothing"

    code = models.SlugField(max_length=60, unique=True)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    action = models.CharField(max_length=5, choices=Action.choices, default=Action.HOLD)
    metrics = models.CharField(
        max_length=300,
        blank=True,
        help_text="The metrics it looks at: indicators, all, stage:create, group:source_code, or key paths with * as"
        " wildcard; | between several. Empty = every indicator metric.",
    )
    parameters = models.JSONField(default=dict, blank=True, help_text='Such as {"factor": 20, "floor": 10000}.')
    reason = models.TextField(blank=True, help_text="Why the rule exists.")
    order = models.PositiveSmallIntegerField(default=100)

    class Meta:
        ordering = ["order", "code"]

    def __str__(self) -> str:
        return self.code


class Quantile(models.Model):
    """How large a metric is over the population of trusted senders, computed at night."""

    key_path = models.CharField(max_length=520, unique=True)
    population = models.PositiveIntegerField()
    median = models.FloatField()
    high = models.FloatField(help_text="999 of 1,000 installations lie below.")
    computed_at = models.DateTimeField()

    class Meta:
        ordering = ["key_path"]

    def __str__(self) -> str:
        return self.key_path


class Review(models.Model):
    """A decision about a ping, with its reason. Never changed, never deleted while the ping lives."""

    class Decision(models.TextChoices):
        RELEASED = "released", "released"
        REJECTED = "rejected", "rejected"
        HELD = "held", "put into quarantine"

    ping = models.ForeignKey(Ping, on_delete=models.CASCADE, related_name="reviews")
    decision = models.CharField(max_length=10, choices=Decision.choices)
    reason = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.ping}: {self.decision}"
