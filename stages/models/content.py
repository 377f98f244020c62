"""What a stage's page says: blocks of nine kinds and others, and the resources that they place.

A block's content is a value (``stages.content.BlockContent``) that is written whole by ``stages.editing.save_block``,
under an optimistic ``version``. A resource is shared: one dashboard, many placements.
"""

from __future__ import annotations

import pghistory
from django.conf import settings
from django.contrib.postgres.indexes import HashIndex
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from stages.handbook.marks import markdown_link
from stages.models.structure import Group, Section, Stage

REVIEW_EVERY_DAYS = 180
REVIEW_LIMITS = [
    MinValueValidator(1, "A review is due after a day at the earliest."),
    MaxValueValidator(3650, "A review is due after ten years at the latest."),
]


class BlockKind(models.TextChoices):
    """The kinds of blocks in reading order. ``description`` is the stage's own text, ``other`` keeps the unforeseen."""

    DESCRIPTION = "description", "Description"
    DASHBOARDS = "dashboards", "Top dashboards"
    DATA_DOCS = "data_docs", "Data documentation"
    RESEARCH = "research", "User research and demos"
    ROADMAP = "roadmap", "Product roadmap"
    OKRS = "okrs", "OKRs"
    INDICATORS = "indicators", "Performance indicators"
    KEY_PAGES = "key_pages", "Key handbook pages"
    SLACK = "slack", "Slack channels"
    TEAM = "team", "Team"
    OTHER = "other", "Other"


class DocLabel(models.TextChoices):
    """What a query computes."""

    NONE = "", "No label"
    SMAU = "smau", "SMAU"
    GMAU = "gmau", "GMAU"
    OTHER = "other", "Other"


class Dialect(models.TextChoices):
    """The language of a data documentation: a SQL dialect, or prose (Markdown)."""

    SQL = "sql", "SQL"
    SNOWFLAKE = "snowflake", "Snowflake SQL"
    POSTGRESQL = "postgresql", "PostgreSQL"
    CLICKHOUSE = "clickhouse", "ClickHouse SQL"
    BIGQUERY = "bigquery", "BigQuery SQL"
    PROSE = "prose", "Prose"


class AccessLevel(models.TextChoices):
    """Who can open a resource."""

    UNKNOWN = "", "Not stated"
    PUBLIC = "public", "Public"
    INTERNAL = "internal", "All team members"
    RESTRICTED = "restricted", "Needs special access"


@pghistory.track(exclude=["imported"])
class Block(models.Model):
    """One block of a stage's page. Its items are placements in order; its text is kept as written."""

    stage = models.ForeignKey(Stage, on_delete=models.PROTECT, related_name="blocks")
    kind = models.CharField(max_length=20, choices=BlockKind.choices)
    heading = models.CharField(max_length=500, blank=True, help_text="As written, where it is not the usual one.")
    order = models.PositiveIntegerField(default=0)
    note = models.TextField(blank=True, help_text="A line under the heading.")
    body = models.TextField(blank=True, help_text="Markdown.")
    placeholders = models.JSONField(default=list, blank=True, help_text="Labels of the template items not filled yet.")
    not_applicable = models.TextField(blank=True, help_text="Why this stage has none of these.")
    imported = models.JSONField(null=True, blank=True, help_text="The content as last read from a handbook page.")
    missing_from_source = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(auto_now=True)
    reviewed_on = models.DateField(null=True, blank=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    review_every_days = models.PositiveIntegerField(default=REVIEW_EVERY_DAYS, validators=REVIEW_LIMITS)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="owned_blocks"
    )

    class Meta:
        ordering = ["order", "id"]
        constraints = [
            models.UniqueConstraint(
                name="one_block_per_kind", fields=["stage", "kind"], condition=~Q(kind=BlockKind.OTHER)
            ),
            models.UniqueConstraint(
                name="one_other_block_per_heading", fields=["stage", "heading"], condition=Q(kind=BlockKind.OTHER)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stage_id} {self.heading or self.get_kind_display()}"

    @property
    def anchor(self) -> str:
        """Where the stage's page has it."""
        return f"other-{self.pk}" if self.kind == BlockKind.OTHER else self.kind.replace("_", "-")


@pghistory.track()
class Resource(models.Model):
    """A dashboard, page, query or channel that stages refer to. Links are one resource per kind and URL (and query)."""

    kind = models.CharField(max_length=20, choices=BlockKind.choices)
    label = models.TextField(blank=True)
    url = models.TextField(blank=True)
    text = models.TextField(blank=True, help_text="The query or prose, byte for byte.")
    dialect = models.CharField(max_length=20, choices=Dialect.choices, blank=True)
    doc_label = models.CharField(max_length=10, choices=DocLabel.choices, blank=True)
    access = models.CharField(max_length=20, choices=AccessLevel.choices, blank=True)
    official = models.BooleanField(default=False)
    owner_name = models.CharField(max_length=200, blank=True, help_text="Person or team that keeps it up to date.")
    reviewed_on = models.DateField(null=True, blank=True)
    review_every_days = models.PositiveIntegerField(default=REVIEW_EVERY_DAYS, validators=REVIEW_LIMITS)
    source_updated_on = models.DateField(null=True, blank=True, help_text="When the resource itself last changed.")
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["label", "id"]
        # A hash, as an address may be longer than an ordered index holds.
        indexes = [HashIndex(fields=["url"], name="resource_by_url", condition=~Q(url=""))]

    def __str__(self) -> str:
        return self.label or self.url or self.text[:60]


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class Placement(models.Model):
    """A resource in a block, with what this stage says about it."""

    block = models.ForeignKey(Block, on_delete=models.CASCADE, related_name="placements")
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="placements")
    order = models.PositiveIntegerField(default=0)
    label = models.TextField(blank=True, help_text="Where this stage calls it otherwise.")
    description = models.TextField(blank=True)
    group = models.ForeignKey(
        Group,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="placements",
        help_text="The group that its name or description names, as in “Create : Code Review”; follows renames.",
    )
    from_source = models.BooleanField(default=False, help_text="Read from a handbook page.")
    missing_from_source = models.BooleanField(default=False)

    class Meta:
        ordering = ["order", "id"]

    def __str__(self) -> str:
        return self.label or str(self.resource)


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent(), exclude=["imported"])
class StartingPoint(models.Model):
    """One of the helpful places to start: a text in Markdown, with the link that leads it if there is one."""

    order = models.PositiveIntegerField(default=0)
    label = models.TextField(blank=True)
    url = models.TextField(blank=True)
    text = models.TextField(blank=True, help_text="The whole line as Markdown.")
    imported = models.TextField(blank=True)
    missing_from_source = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["order", "id"]

    def __str__(self) -> str:
        return self.label or self.text[:60]

    def take(self, field: str, value: str) -> None:
        """Take the source's text, with the link that leads it."""
        setattr(self, field, value)
        link = markdown_link(value)
        self.label, self.url = (link.label, link.url) if link else ("", "")


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent(), exclude=["imported"])
class PageText(models.Model):
    """A text of the handbook page itself, outside its stages: its objectives, an introduction of a section, its title.

    ``place`` says where it stands; of the ``front`` the heading is the title and the body the other front matter.
    """

    class Place(models.TextChoices):
        FRONT = "front", "title"
        TOP = "top", "before the starting points"
        START = "start", "after the starting points"
        SECTION = "section", "in a section"
        END = "end", "after the stages"

    place = models.CharField(max_length=10, choices=Place.choices)
    section = models.ForeignKey(Section, null=True, blank=True, on_delete=models.SET_NULL, related_name="texts")
    order = models.PositiveIntegerField(default=0)
    depth = models.PositiveSmallIntegerField(default=2, help_text="Level of the heading.")
    heading = models.TextField(blank=True)
    body = models.TextField(blank=True, help_text="Markdown.")
    imported = models.JSONField(null=True, blank=True, help_text="Heading and body as last read.")
    missing_from_source = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["order", "id"]

    def __str__(self) -> str:
        return self.heading or self.body[:60]

    def take(self, field: str, value: str) -> None:
        """Take the source's heading or body."""
        setattr(self, field, value)
