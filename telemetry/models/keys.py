"""Who may send: organisations, ingest keys, and the public keys of those who sign offline bundles."""

from __future__ import annotations

from datetime import datetime

import pghistory
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q


@pghistory.track()
class Organisation(models.Model):
    """One that runs several installations and sends for all of them with one key."""

    name = models.CharField(max_length=200, unique=True)
    note = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


@pghistory.track(exclude=["digest", "last_used_at"])
class IngestKey(models.Model):
    """The right to send pings, for one installation or for an organisation. Only its digest is kept."""

    label = models.CharField(max_length=200)
    prefix = models.CharField(max_length=16, help_text="The beginning of the key, by which people recognise it.")
    digest = models.BinaryField(unique=True, editable=False)
    uuid = models.CharField(max_length=255, blank=True, help_text="Empty where the key is an organisation's.")
    hostname = models.CharField(max_length=255, blank=True)
    organisation = models.ForeignKey(
        Organisation, null=True, blank=True, on_delete=models.PROTECT, related_name="ingest_keys"
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    replaced_by = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="replaces")
    last_used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["uuid", "hostname"], name="telemetry_key_installation")]
        constraints = [
            models.CheckConstraint(
                condition=(Q(uuid="") & Q(hostname="") & Q(organisation__isnull=False))
                | (~Q(uuid="") & ~Q(hostname="")),
                name="telemetry_key_has_one_scope",
                violation_error_message="A key belongs to an installation (uuid and host name) or to an organisation.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.prefix}… {self.label}"

    @property
    def is_installation(self) -> bool:
        """Whether it is good for one installation only."""
        return bool(self.uuid)

    @property
    def scope(self) -> str:
        """What it is good for, in words."""
        return f"{self.hostname} ({self.uuid})" if self.uuid else str(self.organisation)

    def in_force(self, now: datetime) -> bool:
        """Whether it opens the door at ``now``."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


class KeyHolder(models.Model):
    """An installation for which pings come with a key: written when its key is made, or by the first keyed ping."""

    uuid = models.CharField(max_length=255)
    hostname = models.CharField(max_length=255)
    organisation = models.ForeignKey(Organisation, null=True, on_delete=models.CASCADE, related_name="holders")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["uuid", "hostname"], name="telemetry_one_holder")]

    def __str__(self) -> str:
        return f"{self.hostname} ({self.uuid})"


class IdempotentAnswer(models.Model):
    """The answer given to a request with an ``Idempotency-Key``, to be given again."""

    key = models.ForeignKey(IngestKey, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=255)
    sha256 = models.BinaryField()
    status = models.PositiveSmallIntegerField()
    answer = models.JSONField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "name"], name="telemetry_one_answer_per_name")]

    def __str__(self) -> str:
        return self.name


def is_public_key(text: str) -> None:
    """An Ed25519 public key as 64 hexadecimal digits."""
    try:
        good = len(bytes.fromhex(text)) == 32
    except ValueError:
        good = False
    if not good:
        raise ValidationError("An Ed25519 public key has 64 hexadecimal digits, as the tool prints it.")


@pghistory.track()
class SigningKey(models.Model):
    """The public key of an administrator who signs bundles for offline delivery."""

    label = models.CharField(max_length=200)
    public_key = models.CharField(max_length=64, unique=True, validators=[is_public_key])
    uuid = models.CharField(max_length=255, blank=True, help_text="Empty = any installation.")
    hostname = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["label"]

    def __str__(self) -> str:
        return self.label
