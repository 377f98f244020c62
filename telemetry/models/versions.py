"""Releases of the product, and how often instances ask whether theirs is current."""

from __future__ import annotations

import pghistory
from django.core.validators import RegexValidator
from django.db import models


@pghistory.track()
class Release(models.Model):
    """A released version: until when it is supported, and whether it must be left."""

    version = models.CharField(
        max_length=40, unique=True, validators=[RegexValidator(r"^\d+\.\d+(\.\d+)?\Z", "A version looks like 16.2.1.")]
    )
    released_on = models.DateField()
    supported_until = models.DateField(null=True, blank=True)
    security = models.BooleanField(default=False, help_text="The release mends a security hole of earlier ones.")
    vulnerable = models.BooleanField(default=False, help_text="This version has a known hole.")
    critical_vulnerability = models.BooleanField(default=False, help_text="The hole is critical.")
    details = models.TextField(blank=True, help_text="Shown to administrators of instances with this version.")

    class Meta:
        ordering = ["-released_on", "-version"]

    def __str__(self) -> str:
        return self.version


class VersionCheck(models.Model):
    """How many checks of a day named a version. Nothing else of a check is kept."""

    day = models.DateField()
    version = models.CharField(max_length=40, blank=True)
    checks = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["-day", "version"]
        constraints = [models.UniqueConstraint(fields=["day", "version"], name="telemetry_one_check_count")]

    def __str__(self) -> str:
        return f"{self.day} {self.version or 'unreadable'}"
