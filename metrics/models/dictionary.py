"""The metrics dictionary: what is counted, under which slot its readings are kept, and which figure it stands for."""

from __future__ import annotations

from typing import Any

import pghistory
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import reverse


class ValueType(models.TextChoices):
    """What a definition declares its value to be. What is really sent may differ."""

    NUMBER = "number"
    STRING = "string"
    BOOLEAN = "boolean"
    OBJECT = "object"


class Status(models.TextChoices):
    """The life of a metric: today's three words, and two of the old format that have no successor."""

    ACTIVE = "active"
    BROKEN = "broken"
    REMOVED = "removed"
    DEPRECATED = "deprecated"
    NOT_USED = "not_used"


class TimeFrame(models.TextChoices):
    """The window that a value covers."""

    WEEK = "7d", "7 days"
    MONTH = "28d", "28 days"
    ALL = "all", "since install"
    NONE = "none", "no window"


class Indicator(models.TextChoices):
    """The indicator types that make a metric the figure of a stage, a group or the product."""

    SMAU = "smau", "SMAU"
    GMAU = "gmau", "GMAU"
    PAID_GMAU = "paid_gmau", "paid GMAU"
    UMAU = "umau", "UMAU"


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    pghistory.DeleteEvent(),
    obj_field=pghistory.ObjForeignKey(related_name="history"),
)
class MetricDefinition(models.Model):
    """One metric of the dictionary. Never deleted: a metric that is gone has the status removed.

    ``slot`` is where readings of a numeric metric are kept (``metrics.definitions.slots``). ``version`` grows with
    each change, so that a figure can say by which wording it was counted. ``overrides`` are fields that a reviewer
    approved here and that stand above the file until the file says the same.
    """

    key_path = models.TextField(unique=True)
    name = models.TextField(blank=True)
    description = models.TextField(blank=True)
    product_group = models.TextField(blank=True, help_text="As written in the file.")
    group = models.ForeignKey(
        "stages.Group", null=True, blank=True, on_delete=models.SET_NULL, related_name="metric_definitions"
    )
    product_section = models.TextField(blank=True)
    product_stage = models.TextField(blank=True)
    product_categories = ArrayField(models.TextField(), default=list, blank=True)
    value_type = models.CharField(max_length=10, choices=ValueType.choices)
    value_json_schema = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=Status.choices)
    time_frame = models.CharField(max_length=4, choices=TimeFrame.choices)
    data_source = models.TextField(blank=True)
    data_category = models.CharField(max_length=20, blank=True)
    performance_indicator_type = ArrayField(models.TextField(), default=list, blank=True)
    tiers = ArrayField(models.TextField(), default=list, blank=True)
    distribution = ArrayField(models.TextField(), default=list, blank=True)
    milestone = models.TextField(blank=True)
    milestone_removed = models.TextField(blank=True)
    introduced_by_url = models.TextField(blank=True)
    removed_by_url = models.TextField(blank=True)
    repair_issue_url = models.TextField(blank=True)
    instrumentation_class = models.TextField(blank=True)
    options = models.JSONField(default=dict, blank=True)
    events = models.JSONField(default=list, blank=True)

    slot = models.PositiveIntegerField(null=True, unique=True, blank=True)
    version = models.PositiveIntegerField(default=1)
    overrides = models.JSONField(default=dict, blank=True)
    findings = models.JSONField(default=list, blank=True, help_text="What hygiene found when the file was read.")
    source_file = models.TextField(blank=True)
    raw = models.JSONField(default=dict, help_text="The definition as read, old field names included.")
    raw_text = models.TextField(blank=True, help_text="The YAML as it was written.")
    first_imported_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["key_path"]

    def __str__(self) -> str:
        return self.key_path

    def get_absolute_url(self) -> str:
        """The definition's page in the dictionary."""
        return reverse("metrics:definition", args=[self.key_path])

    @property
    def is_numeric(self) -> bool:
        """Whether the metric can have figures at all."""
        return self.value_type == ValueType.NUMBER

    @property
    def title(self) -> str:
        """The name where there is one, else the key path."""
        return self.name or self.key_path


class MetricSlot(models.Model):
    """A number under which readings of one metric are kept. Never handed to another metric, not even when retired.

    ``slot // 128`` is a page of readings, ``slot % 128`` the place on it. Odd pages hold all-time counters, even pages
    everything else, so that the roll-up knows by the page alone whether it needs last month's report.
    """

    slot = models.PositiveIntegerField(primary_key=True)
    definition = models.ForeignKey(MetricDefinition, on_delete=models.PROTECT, related_name="slots")
    allotted_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["slot"]

    def __str__(self) -> str:
        return f"slot {self.slot}"


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    pghistory.DeleteEvent(),
    obj_field=pghistory.ObjForeignKey(related_name="history"),
)
class IndicatorMapping(models.Model):
    """Which metric is the figure of a subject, from a month to a month (both included; null = without bound).

    ``subject_key`` is the stage's or group's key, empty for the product, and null while the product group as written
    (``product_group``) names no group that the catalog knows. Two rows of one (kind, subject) in force in the same
    month are a conflict, which is shown and solved, never added up.
    """

    class SubjectKind(models.TextChoices):
        """What a figure can be about."""

        STAGE = "stage"
        GROUP = "group"
        PRODUCT = "product"

    class Source(models.TextChoices):
        """Whether the row follows the definition, or a person decided it."""

        DEFINITION = "definition"
        PERSON = "person"

    kind = models.CharField(max_length=10, choices=Indicator.choices)
    subject_kind = models.CharField(max_length=10, choices=SubjectKind.choices)
    subject_key = models.CharField(max_length=200, null=True, blank=True)
    product_group = models.TextField(blank=True)
    metric = models.ForeignKey(MetricDefinition, on_delete=models.PROTECT, related_name="mappings")
    from_month = models.DateField(null=True, blank=True)
    to_month = models.DateField(null=True, blank=True, help_text="The last month in which the row holds.")
    source = models.CharField(max_length=10, choices=Source.choices, default=Source.DEFINITION)
    reason = models.TextField(blank=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["kind", "subject_kind", "subject_key", models.F("from_month").asc(nulls_first=True), "id"]
        indexes = [models.Index(fields=["kind", "subject_kind", "subject_key"], name="mapping_by_subject")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(from_month__isnull=True)
                | models.Q(to_month__isnull=True)
                | models.Q(from_month__lte=models.F("to_month")),
                name="mapping_ends_after_it_begins",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.subject_kind} {self.subject_key or self.product_group} is {self.metric_id}"


class ProposedChange(models.Model):
    """What an owner would like to change in a definition, until a reviewer approves or refuses it with a reason."""

    class State(models.TextChoices):
        """Where a proposal stands."""

        OPEN = "open"
        APPROVED = "approved"
        REFUSED = "refused"
        WITHDRAWN = "withdrawn"

    definition = models.ForeignKey(MetricDefinition, on_delete=models.CASCADE, related_name="proposals")
    changes = models.JSONField(help_text="The proposed value of each changed field.")
    base_version = models.PositiveIntegerField()
    from_month = models.DateField(null=True, blank=True, help_text="From when a changed mapping holds.")
    reason = models.TextField()
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    proposed_at = models.DateTimeField(auto_now_add=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision = models.TextField(blank=True)

    class Meta:
        ordering = ["-proposed_at"]

    def __str__(self) -> str:
        return f"proposal {self.pk} for {self.definition_id} ({self.state})"


class EventDefinition(models.Model):
    """An event that metrics count. Kept so that a definition's page can say what happens before it grows by one."""

    action = models.TextField(unique=True)
    description = models.TextField(blank=True)
    category = models.TextField(blank=True)
    product_group = models.TextField(blank=True)
    internal_events = models.BooleanField(default=False)
    source_file = models.TextField(blank=True)
    raw: models.JSONField[Any, Any] = models.JSONField(default=dict)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["action"]

    def __str__(self) -> str:
        return self.action


class DefinitionsVersion(models.Model):
    """One row whose number grows with every change to the dictionary: how a process knows that its plan is old."""

    number = models.PositiveBigIntegerField(default=0)
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"version {self.number}"
