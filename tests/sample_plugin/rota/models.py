"""What the plugin keeps."""

from __future__ import annotations

from django.db import models


class Duty(models.Model):
    """One person looks after one stage for some days.

    The stage is named by its key, without a foreign key: a constraint on a table of another app would stay behind in
    the database when the plugin is uninstalled.
    """

    stage_key = models.CharField(max_length=100)
    person = models.CharField(max_length=150)
    starts_on = models.DateField()
    ends_on = models.DateField()

    class Meta:
        ordering = ["-starts_on", "stage_key"]

    def __str__(self) -> str:
        return f"{self.person} for {self.stage_key} from {self.starts_on}"
