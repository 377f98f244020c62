"""What instances tell about pinging itself: seconds per metric, and errors instead of a ping."""

from __future__ import annotations

from django.db import models

from telemetry.models.pings import Ping


class MetadataReport(models.Model):
    """The seconds that each metric of a ping took, as received (zstd), linked to the ping where one is found."""

    uuid = models.CharField(max_length=255, blank=True)
    received_at = models.DateTimeField()
    ping = models.ForeignKey(Ping, null=True, on_delete=models.SET_NULL, related_name="metadata")
    metrics = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(default=0)
    body = models.BinaryField()
    counted = models.BooleanField(default=False)
    cause = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["id"], condition=models.Q(counted=False), name="telemetry_metadata_backlog"),
            models.Index(fields=["received_at"], name="telemetry_metadata_received"),
        ]

    def __str__(self) -> str:
        return f"metadata {self.pk} of {self.uuid or 'an unnamed instance'}"


class MetricTiming(models.Model):
    """What a metric costs and how often it fails, over the population of one version."""

    key_path = models.CharField(max_length=520)
    version = models.CharField(max_length=20, blank=True, default="", help_text="Such as 17.5; empty = unknown.")
    samples = models.BigIntegerField(default=0)
    seconds = models.FloatField(default=0, help_text="Sum over all samples.")
    slowest = models.FloatField(default=0)
    errors = models.BigIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True)
    last_seen_at = models.DateTimeField()

    class Meta:
        ordering = ["-seconds"]
        constraints = [models.UniqueConstraint(fields=["key_path", "version"], name="telemetry_one_timing_per_version")]

    def __str__(self) -> str:
        return self.key_path

    @property
    def mean(self) -> float:
        """Seconds in the mean."""
        return self.seconds / self.samples if self.samples else 0.0


class ErrorReport(models.Model):
    """An instance tried to ping and failed: its own words."""

    uuid = models.CharField(max_length=255, blank=True)
    hostname = models.CharField(max_length=255, blank=True)
    version = models.CharField(max_length=200, blank=True)
    message = models.TextField(blank=True)
    elapsed = models.FloatField(null=True)
    happened_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["uuid", "hostname"], name="telemetry_error_installation")]

    def __str__(self) -> str:
        return f"{self.hostname or self.uuid or 'unnamed'}: {self.message[:60]}"
