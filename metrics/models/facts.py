"""The facts: installations, their labels, what they reported, and who is subscribed.

Nothing in here is computed from other rows. Everything that is (``metrics.models.figures``) can be deleted and
filled again from these.
"""

from __future__ import annotations

import pghistory
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import NoReverseMatch, reverse


class Delivery(models.TextChoices):
    """Who runs an installation."""

    SAAS = "saas", "SaaS"
    SELF_MANAGED = "self_managed", "self-managed"


class Population(models.TextChoices):
    """Whom the readings of a report count. ``paid`` exists for a SaaS whose paid users are counted elsewhere."""

    ALL = "all"
    PAID = "paid"


class Installation(models.Model):
    """A server that reports: the pair of its uuid and hostname. An erased one keeps its number and nothing else."""

    uuid = models.TextField()
    hostname = models.TextField()
    first_seen_at = models.DateTimeField(auto_now_add=True)
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["hostname", "uuid"]
        constraints = [models.UniqueConstraint(fields=["uuid", "hostname"], name="one_installation_per_uuid_and_host")]

    def __str__(self) -> str:
        return "erased" if self.erased_at else f"{self.hostname} ({self.uuid})"

    def get_absolute_url(self) -> str:
        """Its page, where the pages of figures are installed."""
        try:
            return reverse("metrics:installation", args=[self.pk])
        except NoReverseMatch:
            return ""


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class InstallationLabel(models.Model):
    """What an administrator says about an installation, also before its first report.

    Two kinds: its delivery, or whether it is excluded. Labels are looked up at roll-up. Of those of one kind that
    cover a month (null = without bound) the latest made decides, so a label is changed by making another.
    """

    class Kind(models.TextChoices):
        """What the label is about."""

        DELIVERY = "delivery"
        EXCLUSION = "exclusion"

    uuid = models.TextField()
    hostname = models.TextField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    delivery = models.CharField(max_length=12, choices=Delivery.choices, blank=True)
    excluded = models.BooleanField(default=False)
    reason = models.TextField(blank=True)
    from_month = models.DateField(null=True, blank=True)
    to_month = models.DateField(null=True, blank=True, help_text="The last month in which the label holds.")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["uuid", "hostname"], name="label_by_installation")]

    def __str__(self) -> str:
        what = self.delivery if self.kind == self.Kind.DELIVERY else ("excluded" if self.excluded else "included")
        return f"{self.hostname}: {what}"


class Report(models.Model):
    """One report of an installation. Identity: installation, instant and population; the first one stands.

    One whose source was read again, with another result, is ``replaced`` by a row that stands in its place, and stays
    for the snapshots that counted it: what was published is never changed.
    """

    class State(models.TextChoices):
        """``counted`` may be a month's report; the others never are."""

        COUNTED = "counted"
        HELD = "held"
        REJECTED = "rejected"
        REPLACED = "replaced"

    installation = models.ForeignKey(Installation, on_delete=models.PROTECT, related_name="reports")
    recorded_at = models.DateTimeField()
    month = models.DateField()
    iso_year = models.SmallIntegerField()
    iso_week = models.SmallIntegerField()
    population = models.CharField(max_length=4, choices=Population.choices, default=Population.ALL)
    state = models.CharField(max_length=8, choices=State.choices, default=State.COUNTED)
    held_reason = models.TextField(blank=True)
    judged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    judged_reason = models.TextField(blank=True)
    version = models.TextField(blank=True)
    version_number = models.IntegerField(null=True, blank=True)
    edition_raw = models.TextField(blank=True)
    edition = models.CharField(max_length=2)
    tier = models.CharField(max_length=8, blank=True)
    notes = ArrayField(models.TextField(), default=list, blank=True)
    license_plan = models.TextField(blank=True)
    license_expires_on = models.DateField(null=True, blank=True)
    subscription = models.TextField(blank=True)
    license_user_count = models.BigIntegerField(null=True, blank=True)
    categories = ArrayField(models.TextField(), null=True, blank=True)
    source = models.TextField(db_index=True)
    stored_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-recorded_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["installation", "recorded_at", "population"],
                condition=~models.Q(state="replaced"),
                name="one_standing_report_per_instant",
            )
        ]
        indexes = [
            models.Index(fields=["month", "population", "installation", "-recorded_at"], name="report_of_the_month"),
            models.Index(fields=["iso_year", "iso_week"], name="report_of_the_week"),
        ]

    def __str__(self) -> str:
        return f"{self.installation_id} at {self.recorded_at:%Y-%m-%d %H:%M:%S}"


class ReportPage(models.Model):
    """The readings of a report on one page of 128 slots, side by side, so that a roll-up reads nothing else.

    ``values`` holds a number for each slot, 0 where there is none; ``states`` says for each slot by one byte what it
    is: 0 a number, 1 to 8 a kind of missing (``metrics.facts.Missing``), 9 a number that is no 62-bit integer and
    stands in ``wide`` as text. Arrays without NULL are read by position; those with NULL must be walked.
    """

    pk = models.CompositePrimaryKey("report_id", "page")
    report = models.ForeignKey(
        Report, on_delete=models.CASCADE, related_name="pages", db_index=False, db_constraint=False
    )
    page = models.SmallIntegerField()
    values = ArrayField(models.BigIntegerField())
    states = models.BinaryField()
    wide = models.JSONField(null=True)

    class Meta:
        indexes = [
            # The few pages with such numbers are found without reading the others.
            models.Index(fields=["page", "report"], condition=models.Q(wide__isnull=False), name="report_page_wide"),
        ]

    def __str__(self) -> str:
        return f"page {self.page} of {self.report_id}"


class Refill(models.Model):
    """Slots that were filled into a report after it was recorded, and when: what a snapshot did not hold yet."""

    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="refills")
    slots = ArrayField(models.IntegerField())
    cause = models.TextField()
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{len(self.slots)} slots of {self.report_id}"


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class Subscription(models.Model):
    """A subscription as the list of subscriptions has it."""

    subscription_id = models.TextField(unique=True)
    account = models.TextField(blank=True)
    plan = models.TextField(blank=True)
    seats = models.PositiveBigIntegerField()
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True, help_text="The last day; empty = open.")
    delivery = models.CharField(max_length=12, choices=Delivery.choices)
    imported_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["subscription_id"]
        indexes = [models.Index(fields=["account"], name="subscription_by_account")]

    def __str__(self) -> str:
        return self.subscription_id


class DirtyMonth(models.Model):
    """A note that facts of a month changed and its figures have yet to follow, written with the change itself.

    With an installation, only that one has to be looked at; without, the whole month.
    """

    month = models.DateField()
    installation = models.ForeignKey(
        Installation, null=True, blank=True, on_delete=models.CASCADE, related_name="+", db_constraint=False
    )
    cause = models.TextField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    report = models.BigIntegerField(null=True, blank=True, help_text="The report responsible, where there is one.")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["month"], name="dirty_by_month")]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}: {self.cause}"
