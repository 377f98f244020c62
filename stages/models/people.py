"""People of the structure files as contacts: shown, never mailed, removable on request."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import Q

from stages.models.structure import Group, Section, Stage


class Contact(models.Model):
    """A person or team named in the structure files.

    On request the name is removed: only its digest stays, so that the next import does not bring it back. For that
    reason contacts keep no history.
    """

    name = models.CharField(max_length=200, blank=True)
    digest = models.CharField(max_length=64, unique=True)
    removed_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name or "(removed on request)"


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(row=pghistory.Old), pghistory.DeleteEvent())
class Responsibility(models.Model):
    """What a contact does for a section, stage or group: the key of the file (``pm``, ``ux`` …).

    Its history holds no name, only which contact: one that was removed on request stays nameless there as well. Of a
    row that took another place in the order it holds the place before, so that the order comes back as well.
    """

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="responsibilities")
    role = models.CharField(max_length=100)
    order = models.PositiveSmallIntegerField(default=0)
    section = models.ForeignKey(Section, null=True, blank=True, on_delete=models.CASCADE, related_name="people")
    stage = models.ForeignKey(Stage, null=True, blank=True, on_delete=models.CASCADE, related_name="people")
    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.CASCADE, related_name="people")

    class Meta:
        ordering = ["role", "order"]
        verbose_name_plural = "responsibilities"
        constraints = [
            models.CheckConstraint(
                name="responsible_for_exactly_one",
                condition=Q(section__isnull=False, stage__isnull=True, group__isnull=True)
                | Q(section__isnull=True, stage__isnull=False, group__isnull=True)
                | Q(section__isnull=True, stage__isnull=True, group__isnull=False),
            ),
            models.UniqueConstraint(
                name="one_responsibility",
                fields=["contact", "role", "section", "stage", "group"],
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role}: {self.contact}"
