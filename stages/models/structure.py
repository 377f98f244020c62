"""Section, stage, group and category: the structure of the product.

Each has an identity of its own (the primary key); ``key``, ``name`` and parent may all change. ``imported`` holds the
values as last read from the structure files: a field that equals it is imported, one that differs was edited in the
portal and is kept by the next import (see ``stages.structure.sync``).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pghistory
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.urls import reverse

KEY_PATTERN = r"^[a-z0-9][a-z0-9_-]*\Z"
KEY = RegexValidator(KEY_PATTERN, "A key is made of small letters, digits, hyphens and underscores.")


def score() -> Any:
    """A driver score from 1 to 5; null where nobody gave one."""
    return models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(0), MaxValueValidator(5)]
    )


class Structural(models.Model):
    """What section, stage, group and category share."""

    key = models.CharField(max_length=100, unique=True, validators=[KEY])
    name = models.CharField(max_length=200)
    order = models.PositiveIntegerField(default=0)
    description = models.TextField(blank=True, help_text="One sentence from the structure files or the portal.")
    direction = models.CharField(max_length=1000, blank=True, help_text="Where the plan for it is written.")
    handbook = models.CharField(max_length=1000, blank=True)
    in_structure = models.BooleanField(default=True, help_text="Whether the current structure files name it.")
    retired_on = models.DateField(null=True, blank=True)
    imported = models.JSONField(default=dict, blank=True)
    version = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
        ordering = ["order", "key"]

    def __str__(self) -> str:
        return self.name

    def written(self, field: str) -> Any:
        """The value of a field as the structure files write it: parents by key, dates and decimals as text."""
        value = getattr(self, field, None)  # A group that is being made has no stage yet.
        if isinstance(value, Structural):
            return value.key
        if value is None and field in ("section", "stage"):
            return ""
        if isinstance(value, Decimal):
            return str(float(value))
        if isinstance(value, date):
            return value.isoformat()
        return value

    def origin(self, field: str) -> str:
        """Where the value of a field comes from: ``imported`` or ``edited``; empty when there is none."""
        value = self.written(field)
        if field in self.imported and self.imported[field] == value:
            return "imported" if value not in ("", None, []) else ""
        return "edited" if value not in ("", None, []) or self.imported.get(field) else ""


@pghistory.track(exclude=["imported"])
class Section(Structural):
    """A section follows a reporting line and holds stages."""

    slack_channel = models.CharField(max_length=100, blank=True)
    tags = models.JSONField(default=dict, blank=True, help_text="Team tags, as in the file.")

    class Meta(Structural.Meta):
        pass

    def get_absolute_url(self) -> str:
        return reverse("stages:section", args=[self.key])

    @property
    def scopes(self) -> tuple[str, ...]:
        """The role scopes that cover it."""
        return (f"section:{self.key}",)


@pghistory.track(exclude=["imported"])
class Stage(Structural):
    """A stage: a team's product area and the page that its people keep about it."""

    section = models.ForeignKey(Section, null=True, blank=True, on_delete=models.PROTECT, related_name="stages")
    body = models.TextField(blank=True)
    roadmap = models.CharField(max_length=1000, blank=True)
    slack_channel = models.CharField(max_length=100, blank=True)
    established = models.PositiveSmallIntegerField(null=True, blank=True)
    lifecycle = models.PositiveSmallIntegerField(null=True, blank=True)
    marketing = models.BooleanField(default=False)
    usage_driver_score = score()
    revenue_driver_score = score()
    sam_driver_score = score()
    spend_percent = models.DecimalField(max_digits=6, decimal_places=3, null=True, blank=True)
    related_keys = models.JSONField(default=list, blank=True, help_text="Keys of related stages, as written.")
    extra = models.JSONField(default=dict, blank=True, help_text="Keys of the file without a field here.")

    class Meta(Structural.Meta):
        pass

    def get_absolute_url(self) -> str:
        return reverse("stages:stage", args=[self.key])

    @property
    def scopes(self) -> tuple[str, ...]:
        """The role scopes that cover it: its own and its section's."""
        return (f"stage:{self.key}", *(self.section.scopes if self.section else ()))


@pghistory.track(exclude=["imported"])
class Group(Structural):
    """A group of a stage: the people who build some categories."""

    stage = models.ForeignKey(Stage, on_delete=models.PROTECT, related_name="groups")
    body = models.TextField(blank=True)
    roadmap = models.CharField(max_length=1000, blank=True)
    slack_channel = models.CharField(max_length=100, blank=True)
    focus = models.CharField(max_length=500, blank=True, help_text="Free text naming the group's leading indicator.")
    label = models.CharField(max_length=200, blank=True, help_text="Overrides the derived label group::<name>.")
    group_link = models.CharField(max_length=1000, blank=True)
    pi_gmau = models.CharField(max_length=1000, blank=True)
    pi_pgmau = models.CharField(max_length=1000, blank=True)
    usage_driver_score = score()
    asp_driver_score = score()
    sam_driver_score = score()
    extra = models.JSONField(default=dict, blank=True, help_text="Keys of the file without a field here.")

    class Meta(Structural.Meta):
        pass

    def get_absolute_url(self) -> str:
        return reverse("stages:group", args=[self.key])

    @property
    def scopes(self) -> tuple[str, ...]:
        """The role scopes that cover it: its own, its stage's and its section's."""
        return (f"group:{self.key}", *self.stage.scopes)

    @property
    def full_name(self) -> str:
        """As people write it: Stage:Group."""
        return f"{self.stage.name}:{self.name}"


class Maturity(models.TextChoices):
    """How far a category has come, from an idea to loved."""

    NONE = "", "Not stated"
    PLANNED = "planned", "Planned"
    MINIMAL = "minimal", "Minimal"
    VIABLE = "viable", "Viable"
    COMPLETE = "complete", "Complete"
    LOVABLE = "lovable", "Lovable"


@pghistory.track(exclude=["imported"])
class Category(Structural):
    """A category of features. It may belong to several groups; the group wins over the category's own stage."""

    stage = models.ForeignKey(
        Stage, null=True, blank=True, on_delete=models.PROTECT, related_name="own_categories", help_text="As written."
    )
    groups = models.ManyToManyField(Group, blank=True, related_name="categories")
    documentation = models.CharField(max_length=1000, blank=True)
    marketing = models.BooleanField(default=False)
    maturity = models.CharField(max_length=20, blank=True, choices=Maturity.choices)
    maturity_reason = models.TextField(blank=True, help_text="Why the maturity was last lowered.")
    available = models.DateField(null=True, blank=True)
    viable = models.DateField(null=True, blank=True)
    complete = models.DateField(null=True, blank=True)
    lovable = models.DateField(null=True, blank=True)
    priority_level = models.CharField(max_length=50, blank=True)
    dogfooding_status = models.CharField(max_length=50, blank=True)
    label = models.CharField(max_length=200, blank=True)
    extra = models.JSONField(default=dict, blank=True, help_text="Keys of the file without a field here.")

    class Meta(Structural.Meta):
        verbose_name_plural = "categories"

    def get_absolute_url(self) -> str:
        return reverse("stages:category", args=[self.key])

    @property
    def scopes(self) -> tuple[str, ...]:
        """The role scopes that cover it: those of the groups that build it, else of its own stage."""
        scopes = [scope for group in self.groups.all() for scope in group.scopes]
        return tuple(dict.fromkeys(scopes)) or (self.stage.scopes if self.stage else ())


@pghistory.track(pghistory.InsertEvent(), pghistory.DeleteEvent(), obj_field=None)
class CategoryGroup(Category.groups.through):  # type: ignore[name-defined, misc]  # Django makes this model when it runs
    """Which group builds which category, with a history: so that a page of an earlier day can name them."""

    class Meta:
        proxy = True
