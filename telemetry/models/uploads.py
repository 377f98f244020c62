"""Offline reports between their upload and the decision to store them."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from telemetry.models.pings import Ping


class Upload(models.Model):
    """Some files that a person handed in, looked at first and stored on a second word."""

    at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    stored_at = models.DateTimeField(null=True)
    signer = models.CharField(max_length=200, blank=True)
    signature = models.CharField(max_length=20, blank=True, help_text="unsigned, valid, unknown, invalid")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"upload {self.pk}"


class UploadItem(models.Model):
    """One ping found in an upload, or one file that is none. Personal values are already cut out."""

    class State(models.TextChoices):
        WAITING = "waiting", "ready to store"
        STORED = "stored", "stored"
        DUPLICATE = "duplicate", "known already"
        REFUSED = "refused", "refused"

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="items")
    name = models.CharField(max_length=300)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    sentence = models.TextField(blank=True)
    uuid = models.CharField(max_length=255, blank=True)
    hostname = models.CharField(max_length=255, blank=True)
    recorded_at = models.DateTimeField(null=True)
    version = models.CharField(max_length=200, blank=True)
    values_ok = models.PositiveIntegerField(default=0)
    issues = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0)
    signature = models.CharField(max_length=20, blank=True)
    sha256 = models.BinaryField(null=True)
    size = models.PositiveIntegerField(default=0)
    cut = ArrayField(models.TextField(), default=list)
    body = models.BinaryField(null=True)
    ping = models.ForeignKey(Ping, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name
