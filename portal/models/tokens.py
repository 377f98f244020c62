"""Tokens by which people's scripts and CI jobs use the API."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from portal.models.accounts import User

PREFIX = "sbt_"


class TokenScope(models.TextChoices):
    """What a token may be used for; its owner's roles still limit it."""

    READ = "read", "Read what its owner may read"
    WRITE = "write", "Change what its owner may change (reading included)"
    SUBMIT = "submit", "Submit reports and pings, and see what was made of them"


def digest_of(secret: str) -> str:
    """What is stored of a token: a secret of 256 random bits needs no salt and no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_secret() -> str:
    """A fresh token as its owner sees it, once."""
    return PREFIX + secrets.token_urlsafe(32)


class ApiToken(models.Model):
    """A personal token, or one of a service account. Only its digest is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=12, editable=False)
    scopes = ArrayField(models.CharField(max_length=20, choices=TokenScope.choices))
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"

    def in_force(self, now: datetime | None = None) -> bool:
        """Whether it may be used: not revoked and not past its end."""
        moment = now or timezone.now()
        return self.revoked_at is None and (self.expires_at is None or moment < self.expires_at)

    def allows(self, scope: TokenScope) -> bool:
        """Whether it was made for this; writing includes reading."""
        return scope.value in self.scopes or (scope is TokenScope.READ and TokenScope.WRITE.value in self.scopes)
