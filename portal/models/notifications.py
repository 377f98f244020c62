"""What the portal tells a person: in the portal, and by e-mail as they prefer."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from portal.models.accounts import User


class Notification(models.Model):
    """One sentence for one person, with where to look. Written by ``portal.notify``."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notifications")
    sentence = models.CharField(max_length=500)
    url = models.CharField(max_length=500, blank=True)
    topic = models.CharField(max_length=100, blank=True)
    once_key = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True)
    mail_due_at = models.DateTimeField(null=True)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["user", "once_key"], condition=~Q(once_key=""), name="told_once_per_key")
        ]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="notifications_of_a_person"),
            models.Index(fields=["user"], condition=Q(read_at=None), name="notifications_unread"),
            models.Index(fields=["mail_due_at"], condition=Q(mailed_at=None), name="notifications_to_mail"),
        ]

    def __str__(self) -> str:
        return self.sentence
