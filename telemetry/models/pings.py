"""Pings: their identity and fate in one table, their bytes in another that is partitioned by month."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.urls import reverse

from telemetry.reading.issues import Issue, IssueKind


class Ping(models.Model):
    """One ping: whose, of when, how it came, what became of it. Written by the function ``telemetry_accept``."""

    class State(models.TextChoices):
        ACCEPTED = "accepted", "accepted, not read yet"
        READ = "read", "read"
        QUARANTINED = "quarantined", "in quarantine"
        REJECTED = "rejected", "rejected"
        FAILED = "failed", "reading failed"

    class Channel(models.TextChoices):
        HTTP = "http", "unchanged sender (/usage_data)"
        API = "api", "API with an ingest key"
        UPLOAD = "upload", "uploaded by hand"
        IMPORT = "import", "imported on the command line"

    class Proof(models.TextChoices):
        NONE = "", "anonymous"
        KEY = "key", "ingest key"
        SIGNATURE = "signature", "signature"
        BAD_SIGNATURE = "bad_signature", "a signature that does not fit"
        UNVERIFIED = "unverified", "unverified: this installation holds a key, the ping came without"

    uuid = models.CharField(max_length=255)
    hostname = models.CharField(max_length=255)
    recorded_at = models.DateTimeField()
    channel = models.CharField(max_length=10, choices=Channel.choices)
    state = models.CharField(max_length=12, choices=State.choices, db_default=State.ACCEPTED)
    received_at = models.DateTimeField()
    sha256 = models.BinaryField(max_length=32, help_text="Of the bytes as received (after inflating).")
    size = models.PositiveIntegerField(help_text="Bytes as received (after inflating).")
    cut = ArrayField(models.TextField(), db_default=[], help_text="Keys whose personal values were cut out.")
    address = models.CharField(max_length=45, blank=True, db_default="")
    # Its index is the partial one below: most pings are anonymous, and every index is paid at each acceptance. So is
    # every foreign key; the function that writes this one has just found the key.
    key = models.ForeignKey(
        "telemetry.IngestKey",
        null=True,
        on_delete=models.SET_NULL,
        related_name="pings",
        db_index=False,
        db_constraint=False,
    )
    proof = models.CharField(max_length=16, choices=Proof.choices, blank=True, db_default="")
    trusted = models.BooleanField(db_default=False, help_text="Not to be quarantined, said whoever brought it.")
    version = models.CharField(max_length=200, blank=True, db_default="")
    edition = models.CharField(max_length=200, blank=True, db_default="")
    installation_type = models.CharField(max_length=200, blank=True, db_default="")
    unique_instance_id = models.CharField(max_length=200, blank=True, db_default="")
    categories = ArrayField(models.TextField(), null=True, help_text="Permitted data categories; null = unknown.")
    parser_version = models.PositiveSmallIntegerField(null=True)
    plan_version = models.BigIntegerField(null=True, help_text="Version of the dictionary it was read with.")
    values_ok = models.PositiveIntegerField(null=True)
    issue_counts = models.JSONField(db_default={})
    issues = models.JSONField(db_default=[])
    # Beside the issues and not among them: those are replaced whenever the ping is read.
    other_body = models.BooleanField(db_default=False, help_text="A later body for the same report differed.")
    held = models.TextField(blank=True, db_default="", help_text="Why it is or was in quarantine.")
    notes = ArrayField(models.TextField(), db_default=[], help_text="What the plausibility rules only remark.")
    cause = models.TextField(blank=True, db_default="", help_text="Why reading failed.")
    attempts = models.PositiveSmallIntegerField(db_default=0)
    read_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["uuid", "hostname", "recorded_at"], name="telemetry_one_ping_per_moment")
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(state="accepted"), name="telemetry_ping_backlog"),
            models.Index(
                fields=["state", "-id"],
                condition=Q(state__in=["quarantined", "failed", "rejected"]),
                name="telemetry_ping_odd",
            ),
            BrinIndex(fields=["received_at"], name="telemetry_ping_received"),
            models.Index(fields=["key", "-id"], condition=Q(key__isnull=False), name="telemetry_ping_key"),
        ]

    def __str__(self) -> str:
        return f"{self.hostname} at {self.recorded_at:%Y-%m-%d %H:%M:%S} UTC"

    def get_absolute_url(self) -> str:
        return reverse("telemetry:ping", args=[self.pk])

    @property
    def source(self) -> str:
        """The opaque reference under which metrics knows it."""
        return f"telemetry:{self.pk}"

    @property
    def told(self) -> list[Issue]:
        """The issues that were kept, as objects with sentences."""
        noted = [Issue(IssueKind.OTHER_BODY)] if self.other_body else []
        return noted + [Issue.from_json(kept) for kept in self.issues]

    @property
    def told_counts(self) -> dict[str, int]:
        """How often there was which kind of issue, what came after reading included."""
        noted = {IssueKind.OTHER_BODY.value: 1} if self.other_body else {}
        return {**self.issue_counts, **noted}

    @property
    def issue_total(self) -> int:
        """How many issues there were, without unknown keys, which are no fault of the sender."""
        return sum(count for kind, count in self.told_counts.items() if kind != IssueKind.UNKNOWN)

    @property
    def sha256_hex(self) -> str:
        """The digest as people compare it."""
        return bytes(self.sha256).hex()


class RawBody(models.Model):
    """The bytes of a ping, zstd-compressed, personal values cut out. Partitioned by month of ``recorded_at``.

    A unique key would have to hold the partition key, so there is none here: ``Ping`` keeps identity, and its id is
    the only row's ``ping_id``. The table is made in SQL (migration 0002).
    """

    ping_id = models.BigIntegerField(primary_key=True)
    recorded_at = models.DateTimeField()
    body = models.BinaryField()

    class Meta:
        managed = False
        db_table = "telemetry_rawbody"
        verbose_name_plural = "raw bodies"

    def __str__(self) -> str:
        return f"body of ping {self.ping_id}"


class Sender(models.Model):
    """What is remembered of an installation between pings: its heartbeat, its version, its seats."""

    uuid = models.CharField(max_length=255)
    hostname = models.CharField(max_length=255)
    pings = models.PositiveIntegerField(default=0)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    last_ping = models.ForeignKey(Ping, null=True, on_delete=models.SET_NULL, related_name="+")
    version = models.CharField(max_length=200, blank=True)
    edition = models.CharField(max_length=200, blank=True)
    unique_instance_id = models.CharField(max_length=200, blank=True)
    seats = models.BigIntegerField(null=True)
    back_at = models.DateTimeField(null=True, help_text="When it came back after a silence.")
    silence_days = models.PositiveIntegerField(default=0, help_text="How long that silence was.")

    class Meta:
        ordering = ["-last_at"]
        constraints = [models.UniqueConstraint(fields=["uuid", "hostname"], name="telemetry_one_sender")]
        indexes = [
            models.Index(fields=["last_at"], name="telemetry_sender_last"),
            models.Index(fields=["unique_instance_id"], name="telemetry_sender_instance"),
        ]

    def __str__(self) -> str:
        return f"{self.hostname} ({self.uuid})"


class UnknownKey(models.Model):
    """A key that no definition describes, counted over all trusted pings and offered for definition."""

    class State(models.TextChoices):
        OPEN = "open", "waits for a definition"
        IGNORED = "ignored", "ignored"

    key_path = models.CharField(max_length=520, unique=True)
    value_kind = models.CharField(max_length=10)
    pings = models.BigIntegerField(default=0)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    example = models.ForeignKey(Ping, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)

    class Meta:
        ordering = ["-pings", "key_path"]

    def __str__(self) -> str:
        return self.key_path


class UnknownKeySet(models.Model):
    """Unknown keys that came together, counted as one: thousands of keys cost a ping one row (``KeySet``).

    ``folded`` of its ``pings`` have been carried into the keys (``verbs.unknown``).
    """

    digest = models.BinaryField(max_length=32, unique=True)
    key_paths = ArrayField(models.TextField())
    kinds = ArrayField(models.TextField())
    pings = models.BigIntegerField()
    folded = models.BigIntegerField()
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    # Without an index, so that counting changes none.
    example = models.ForeignKey(Ping, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)

    def __str__(self) -> str:
        return f"{len(self.key_paths)} unknown keys"


class IssueCount(models.Model):
    """How many trusted pings of a month had one kind of issue at one key."""

    month = models.DateField()
    kind = models.CharField(max_length=20)
    key_path = models.CharField(max_length=520, blank=True)
    pings = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["month", "kind", "key_path"], name="telemetry_one_issue_count")]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.kind} {self.key_path}"


class Reread(models.Model):
    """A ping was read again, with another parser or dictionary: what changed."""

    ping = models.ForeignKey(Ping, on_delete=models.CASCADE, related_name="rereads")
    at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    from_parser = models.PositiveSmallIntegerField(null=True)
    to_parser = models.PositiveSmallIntegerField()
    from_plan = models.BigIntegerField(null=True)
    to_plan = models.BigIntegerField()
    changes = models.JSONField(default=dict)

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.ping} read again"
