"""That data was handed out or erased."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class PrivacyRecord(models.Model):
    """All of one installation was exported or erased. Names are gone with it; a digest lets one ask whether it was."""

    class Kind(models.TextChoices):
        EXPORTED = "exported", "exported"
        ERASED = "erased", "erased"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    digest = models.CharField(max_length=64, help_text="sha256 of uuid, newline, host name.")
    at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    by_key = models.CharField(max_length=16, blank=True, help_text="Prefix of the ingest key that asked for it.")
    reason = models.TextField(blank=True)
    pings = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d}"
