"""What is computed from the facts: which report counts, sums by cut, subscriptions, and the log of months.

Rows carry the revisions from which and to which they hold (``to_revision`` null = now). A month that was never
published only has rows that hold now. Once it is published, what it was at any revision can still be read, which is
how snapshots and restatements of any figure are answered without storing figures.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from metrics.models.facts import Delivery, Installation, Population

NOT_CHECKED = -1
"""The checked revision of a month whose figures changed without a revision of their own."""


class NumericField(models.Field):  # type: ignore[type-arg]  # Django has no type parameter when it runs
    """PostgreSQL's ``numeric`` without bounds: Django's own decimal field wants the digits named."""

    def db_type(self, connection: Any) -> str:
        """The column type."""
        return "numeric"


class FigureMonthQuerySet(models.QuerySet["FigureMonth"]):
    """Months by state."""

    def published(self) -> FigureMonthQuerySet:
        """Those of which a snapshot was ever taken."""
        return self.filter(first_published_revision__isnull=False)


class FigureMonth(models.Model):
    """A month as the portal knows it: its state, its newest revision and, once closed, its published one."""

    class State(models.TextChoices):
        """From collecting to closed."""

        OPEN = "open"
        PROVISIONAL = "provisional"
        FINAL = "final"

    month = models.DateField(primary_key=True)
    state = models.CharField(max_length=11, choices=State.choices, default=State.OPEN)
    revision = models.BigIntegerField(default=0)
    computed_at = models.DateTimeField(null=True, blank=True)
    first_published_revision = models.BigIntegerField(null=True, blank=True)
    published_revision = models.BigIntegerField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    reopened_at = models.DateTimeField(null=True, blank=True, help_text="Set while it is open again.")
    findings = models.JSONField(default=list, blank=True, help_text="What plausibility found, with the numbers.")
    checked_revision = models.BigIntegerField(default=0, help_text="The revision that plausibility looked at last.")

    objects = FigureMonthQuerySet.as_manager()

    class Meta:
        ordering = ["-month"]
        verbose_name = "month"

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class MonthEvent(models.Model):
    """A closing or re-opening of a month: who, when and why."""

    class What(models.TextChoices):
        """Published (closed) or re-opened."""

        PUBLISHED = "published"
        REOPENED = "reopened"

    month = models.ForeignKey(FigureMonth, on_delete=models.CASCADE, related_name="events")
    what = models.CharField(max_length=10, choices=What.choices)
    revision = models.BigIntegerField()
    reason = models.TextField(blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.month_id:%Y-%m} {self.what}"


class MonthRevision(models.Model):
    """One change of a month's figures. Ids grow over all months, so that a moment in the past is one number.

    ``mapping`` is what was in force: ``{"smau:create": [metric ids]}``. ``firsts_changed``: the first versions seen
    in this month changed too, which moves the estimates of later months.
    """

    month = models.DateField()
    causes = ArrayField(models.TextField(), default=list)
    actors = ArrayField(models.TextField(), default=list, help_text="Names of the people who caused it.")
    task = models.TextField(blank=True)
    reports = ArrayField(models.BigIntegerField(), default=list)
    mapping = models.JSONField(default=dict)
    firsts_changed = models.BooleanField(default=False)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["month", "id"], name="revision_by_month")]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} revision {self.pk}"


class Held(models.Model):
    """From and to which revision a derived row holds."""

    from_revision = models.BigIntegerField()
    to_revision = models.BigIntegerField(null=True)

    class Meta:
        abstract = True


class MonthReport(Held):
    """The report that counts for an installation in a month, with the cut it falls into.

    Labels are looked up here, when it is computed. Excluded ones are kept, and counted nowhere. ``baseline_id`` is
    the report of the month before, for counters since install.
    """

    month = models.DateField()
    installation = models.ForeignKey(
        Installation, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    population = models.CharField(max_length=4, choices=Population.choices)
    report_id = models.BigIntegerField()
    baseline_id = models.BigIntegerField(null=True)
    delivery = models.CharField(max_length=12, choices=Delivery.choices)
    edition = models.CharField(max_length=2)
    tier = models.CharField(max_length=8)
    version_number = models.IntegerField(null=True)
    subscription = models.TextField(blank=True)
    license_user_count = models.BigIntegerField(null=True)
    edition_noted = models.BooleanField(default=False, help_text="The edition was missing or unknown.")
    starter = models.BooleanField(default=False)
    excluded = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["month", "installation"], name="month_report_of"),
            models.Index(
                fields=["month", "subscription"], condition=~models.Q(subscription=""), name="month_report_linked"
            ),
            models.Index(fields=["installation"], name="month_report_by_installation"),
            models.Index(fields=["report_id"], name="month_report_by_report"),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}: report {self.report_id}"


class CutRow(Held):
    """The finest cut: sums of these give any other."""

    month = models.DateField()
    population = models.CharField(max_length=4, choices=Population.choices)
    delivery = models.CharField(max_length=12, choices=Delivery.choices)
    edition = models.CharField(max_length=2)
    tier = models.CharField(max_length=8)
    version_number = models.IntegerField(null=True)

    class Meta:
        abstract = True


class CellCount(CutRow):
    """How many installations with a month's report lie in a cut, and of how many something had to be assumed."""

    pinging = models.IntegerField()
    edition_noted = models.IntegerField(default=0)
    starter = models.IntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["month"], name="cell_count_by_month")]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.delivery} {self.edition} {self.tier}: {self.pinging}"


class Cell(CutRow):
    """Sums of the monthly values of a page of metrics over the installations of a cut.

    ``counts``: installations with a monthly value. Only on pages of counters since install: ``oks``, installations
    with a number in the report itself, and ``resets``, those whose counter went down (null elsewhere: oks = counts).
    """

    page = models.SmallIntegerField()
    sums = ArrayField(NumericField())
    counts = ArrayField(models.IntegerField())
    oks = ArrayField(models.IntegerField(), null=True)
    resets = ArrayField(models.IntegerField(), null=True)

    class Meta:
        indexes = [models.Index(fields=["month", "page"], name="cell_by_month_and_page")]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} page {self.page} {self.delivery} {self.edition} {self.tier}"


class SubscriptionMonth(Held):
    """The active self-managed subscriptions of a month.

    ``silent``: those without a month's report. ``versions``: by the highest version among a subscription's
    installations, ``{"13012": [subscriptions, seats]}``.
    """

    month = models.DateField()
    active = models.BigIntegerField()
    seats = NumericField()
    silent = models.BigIntegerField()
    versions = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["month"], name="subscription_month")]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}: {self.active}"


class ReportedMonth(Held):
    """By metric of a page: the subscriptions (and their seats) with an installation that has a monthly value."""

    month = models.DateField()
    page = models.SmallIntegerField()
    subscriptions = ArrayField(models.IntegerField())
    seats = ArrayField(NumericField())

    class Meta:
        indexes = [models.Index(fields=["month", "page"], name="reported_month")]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} page {self.page}"


class FirstVersions(Held):
    """By metric of a page: the lowest version seen with a number among a month's self-managed reports of an edition.

    The first version of a metric in a month is the least of this over that month and all before.
    """

    month = models.DateField()
    edition = models.CharField(max_length=2)
    page = models.SmallIntegerField()
    versions = ArrayField(models.IntegerField(null=True))

    class Meta:
        indexes = [models.Index(fields=["page", "month"], name="first_versions")]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.edition} page {self.page}"
