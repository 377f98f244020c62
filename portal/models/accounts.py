"""People and the roles they hold."""

from __future__ import annotations

import pghistory
from django.contrib.auth.models import AbstractUser
from django.db import models

from portal.roles import Role


class MailPreference(models.TextChoices):
    """When notifications are sent by e-mail. In the portal they are always listed."""

    AT_ONCE = "at_once", "At once"
    DAILY = "daily", "Once a day, at 7:00 UTC"
    NEVER = "never", "Never"


@pghistory.track(fields=["username", "is_active", "is_staff", "is_superuser", "is_service"], model_name="UserEvent")
class User(AbstractUser):
    """A person who signs in. Roles are granted by ``RoleGrant``; ``is_superuser`` counts as administrator."""

    display_name = models.CharField(max_length=200, blank=True)
    is_service = models.BooleanField(
        "service account",
        default=False,
        help_text="An account of a CI job or a script: it has no password, cannot sign in and works by tokens only.",
    )
    mail = models.CharField(
        "e-mail about notifications",
        max_length=10,
        choices=MailPreference.choices,
        default=MailPreference.AT_ONCE,
    )

    def check_password(self, raw_password: str | None) -> bool:
        """A service account has no password, not even one that someone has set."""
        return not self.is_service and super().check_password(raw_password)

    def __str__(self) -> str:
        return self.display_name or self.get_full_name() or self.username


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class RoleGrant(models.Model):
    """A role given to a person: for everything (empty scope) or within one scope such as ``stage:create``.

    The scope is an opaque word of the plugin that owns the subject; the host only compares it.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="role_grants")
    role = models.CharField(
        max_length=20, choices=[(role.value, role.value) for role in Role if role is not Role.ANONYMOUS]
    )
    scope = models.CharField(max_length=200, blank=True)
    granted_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    granted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "role", "scope"], name="one_grant_per_role_and_scope")]

    def __str__(self) -> str:
        return f"{self.user}: {self.role} {self.scope}".strip()

    @property
    def role_words(self) -> str:
        """The role as people read it."""
        return self.role.replace("_", " ")
