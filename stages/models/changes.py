"""What happens to the catalog: revisions, drafts, suggestions, imports, link checks, successions, visits."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from stages.models.content import Block, BlockKind, Resource
from stages.models.structure import Stage

NOT_IN_THE_FILE = "No longer in the file."
"""Why an import of the structure files retires something."""


class BlockRevision(models.Model):
    """A version of a block's content, whole: what undo, restore, merge and the readable history are made from.

    The triggers' history says what happened to each row; this says what people saw.
    """

    block = models.ForeignKey(Block, on_delete=models.CASCADE, related_name="revisions")
    version = models.PositiveIntegerField()
    content = models.JSONField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    actor_name = models.CharField(max_length=200, blank=True)
    how = models.CharField(max_length=20, help_text="edit, import, restore, undo, suggestion, merge, api, decision")
    reason = models.CharField(max_length=1000, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-version"]
        constraints = [models.UniqueConstraint(fields=["block", "version"], name="one_revision_per_version")]
        indexes = [models.Index(fields=["block", "at"], name="revision_by_block_and_time")]

    def __str__(self) -> str:
        return f"{self.block_id} v{self.version}"


class Draft(models.Model):
    """Typed, not saved yet: one per person and thing, kept when the browser closes (see ``stages.drafts``)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    subject = models.CharField(max_length=600, help_text="What it is a draft of.")
    stage = models.ForeignKey(
        Stage,
        null=True,
        on_delete=models.CASCADE,
        related_name="drafts",
        help_text="The stage on whose page it is offered again.",
    )
    base_version = models.PositiveIntegerField(default=0)
    form = models.JSONField()
    saved_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "subject"], name="one_draft_per_person_and_thing")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.subject}"


class Suggestion(models.Model):
    """An edit that a viewer proposes; an editor of the stage accepts, changes or declines it."""

    class State(models.TextChoices):
        OPEN = "open"
        ACCEPTED = "accepted"
        CHANGED = "changed", "accepted with changes"
        DECLINED = "declined"

    stage = models.ForeignKey(Stage, on_delete=models.CASCADE, related_name="suggestions")
    kind = models.CharField(max_length=20, choices=BlockKind.choices)
    heading = models.CharField(max_length=500, blank=True)
    base_version = models.PositiveIntegerField(default=0)
    content = models.JSONField()
    reason = models.CharField(max_length=1000, blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    decided_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=1000, blank=True)

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return f"{self.stage_id} {self.kind}: {self.state}"

    def what_became(self, of: str = "it") -> str:
        """What an editor did with it, in words."""
        if self.state == self.State.CHANGED:
            return f"accepted {of} with changes"
        return f"{self.get_state_display().lower()} {of}"


class ImportRun(models.Model):
    """One import: what was read, when, by whom, and its report."""

    kind = models.CharField(max_length=20, help_text="structure, handbook or taken back")
    source = models.CharField(max_length=1000)
    digest = models.CharField(max_length=64)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    by = models.CharField(max_length=100, blank=True, help_text="What ran it where nobody did: the scheduled pull …")
    at = models.DateTimeField(auto_now_add=True)
    report = models.JSONField(default=dict)

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.kind} {self.source} {self.at:%Y-%m-%d}"

    @property
    def who(self) -> str:
        """Who ran it, in words."""
        return str(self.actor) if self.actor else self.by or "the system"


class ImportConflict(models.Model):
    """A block that both the portal and the source changed since the last import; the portal's text stands.

    What is in dispute is what merging ``agreed``, the block and ``source_content`` tells (``stages.settling``).
    """

    class State(models.TextChoices):
        OPEN = "open"
        PORTAL = "portal", "the portal's text was kept"
        SOURCE = "source", "the source's text was taken"
        MIXED = "mixed", "decided item by item"
        SETTLED = "settled", "nothing is in dispute any more"

    block = models.ForeignKey(Block, on_delete=models.CASCADE, related_name="conflicts")
    run = models.ForeignKey(ImportRun, null=True, on_delete=models.SET_NULL, related_name="conflicts")
    source_content = models.JSONField()
    agreed = models.JSONField(null=True, help_text="What both said before, with what was decided since.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    created_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["block"], condition=models.Q(state="open"), name="one_open_conflict_per_block"
            )
        ]

    def __str__(self) -> str:
        return f"{self.block_id} {self.state}"


class ConflictDecision(models.Model):
    """What somebody decided about a block in dispute, at one time: item by item, or all of it.

    ``told`` holds what was decided in words; ``agreed`` and ``version`` are what taking it back needs: what was agreed
    before, and the version of the block that it made, if it changed the block.
    """

    conflict = models.ForeignKey(ImportConflict, on_delete=models.CASCADE, related_name="decisions")
    at = models.DateTimeField(auto_now_add=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    actor_name = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=1000, blank=True)
    told = models.JSONField(default=list)
    agreed = models.JSONField(null=True)
    version = models.PositiveIntegerField(null=True)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.conflict_id} {self.at:%Y-%m-%d}"


class FieldConflict(models.Model):
    """A field that the portal and the source both changed since the last import, of a section, stage, group, category,
    starting point or text of the page. The portal's value stands until somebody decides.

    ``entry`` is the row of that ``kind``.
    """

    class State(models.TextChoices):
        OPEN = "open"
        PORTAL = "portal", "the portal's value was kept"
        SOURCE = "source", "the source's value was taken"

    kind = models.CharField(max_length=10)
    entry = models.PositiveBigIntegerField()
    field = models.CharField(max_length=50)
    portal_value = models.JSONField(null=True)
    file_value = models.JSONField(null=True)
    run = models.ForeignKey(ImportRun, null=True, on_delete=models.SET_NULL, related_name="field_conflicts")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    created_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    decided_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=1000, blank=True, help_text="Why it was decided so.")

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "entry", "field"],
                condition=models.Q(state="open"),
                name="one_open_conflict_per_field",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.entry} {self.field}: {self.state}"


class ImportPreview(models.Model):
    """Files that somebody looked at before importing them: what is imported is exactly what was shown.

    ``files`` are names and texts; kept for a day.
    """

    kind = models.CharField(max_length=20, help_text="structure or handbook")
    files = models.JSONField()
    partial = models.BooleanField(default=False, help_text="Only a part of the page: what it lacks is not missing.")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.kind} {', '.join(self.files)}"


class LinkCheck(models.Model):
    """What came of looking at a resource's link last time. Unreachable is not dead."""

    class State(models.TextChoices):
        OK = "ok", "works"
        MOVED = "moved", "moved"
        DEAD = "dead", "dead"
        UNREACHABLE = "unreachable", "unreachable from here"
        RESTRICTED = "restricted", "needs sign-in"
        REFUSED = "refused", "not checked"
        ROBOTS = "robots", "not checked: robots.txt"

    resource = models.OneToOneField(Resource, on_delete=models.CASCADE, related_name="link_check")
    state = models.CharField(max_length=12, choices=State.choices)
    status = models.PositiveSmallIntegerField(null=True)
    sentence = models.CharField(max_length=500)
    checked_url = models.TextField()
    moved_to = models.TextField(blank=True)
    checked_at = models.DateTimeField()
    failing_since = models.DateTimeField(null=True)
    checks = models.PositiveIntegerField(default=0, help_text="How often it was looked at.")
    failures = models.PositiveIntegerField(default=0, help_text="How often in a row it was dead or unreachable.")
    wanted = models.BooleanField(default=False, help_text="Somebody asked to look again.")

    def __str__(self) -> str:
        return f"{self.checked_url}: {self.state}"


class LinkRun(models.Model):
    """One run of the link check: how many links were looked at, and whether this network had a way out at all."""

    at = models.DateTimeField()
    checked = models.PositiveIntegerField(default=0)
    states = models.JSONField(default=dict)
    offline = models.BooleanField(default=False)
    offline_since = models.DateTimeField(null=True, help_text="The first of the runs without a way out, up to this.")
    left = models.JSONField(default=list, help_text="Why links were left for a later run, a sentence per host.")

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}: {'offline' if self.offline else self.checked}"


class LinkHost(models.Model):
    """When the link check last asked a host, so that no run and no worker asks it again too soon."""

    host = models.CharField(max_length=255, unique=True)
    asked_at = models.DateTimeField()
    delay = models.FloatField(default=0.0, help_text="Seconds between two requests that its robots.txt asks for.")

    def __str__(self) -> str:
        return f"{self.host}: {self.asked_at:%Y-%m-%d %H:%M:%S}"


class FormerKey(models.Model):
    """A key that a section, stage, group or category once had: old links lead on to where it is now."""

    kind = models.CharField(max_length=10)
    key = models.CharField(max_length=100)
    target_key = models.CharField(max_length=100)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="one_target_per_former_key")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key} → {self.target_key}"


class Succession(models.Model):
    """A change of the structure: made, renamed, moved, split, merged, retired; with its date and reason.

    ``entry`` is the row of that ``kind`` which changed, ``took`` what the change took along, by numbers of rows, so
    that it can be taken back exactly (``stages.restructuring.undoing``). Changes by an import have neither.
    """

    class How(models.TextChoices):
        CREATED = "created"
        RENAMED = "renamed"
        MOVED = "moved"
        SPLIT = "split"
        MERGED = "merged"
        RETIRED = "retired"
        RESTORED = "restored"
        DELETED = "deleted"

    kind = models.CharField(max_length=10)
    how = models.CharField(max_length=10, choices=How.choices)
    from_key = models.CharField(max_length=100)
    from_name = models.CharField(max_length=200)
    to_key = models.CharField(max_length=100, blank=True)
    to_name = models.CharField(max_length=200, blank=True)
    on = models.DateField()
    reason = models.CharField(max_length=1000, blank=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    entry = models.PositiveBigIntegerField(null=True)
    took = models.JSONField(default=dict)
    undoes = models.OneToOneField(
        "self", null=True, on_delete=models.SET_NULL, related_name="undone_by", help_text="What this took back."
    )

    class Meta:
        ordering = ["-on", "-id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.from_name} {self.how} {self.to_name}".strip()


class PlannedChange(models.Model):
    """A change of the structure that somebody wants on a day ahead. Before that day nothing else changes.

    What it is about is kept by numbers of rows, so that a rename in between does not matter: ``entry`` of that
    ``kind``, the ``parents`` that it goes to, the ``target`` that it is merged into, the parts that a split is
    ``taking`` along.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        CANCELLED = "cancelled"
        FAILED = "failed", "could not be done"

    kind = models.CharField(max_length=10)
    entry = models.PositiveBigIntegerField()
    action = models.CharField(max_length=10, help_text="rename, move, split, merge, retire")
    on = models.DateField()
    reason = models.CharField(max_length=1000, blank=True)
    name = models.CharField(max_length=200, blank=True)
    key = models.CharField(max_length=100, blank=True)
    parents = models.JSONField(default=list)
    target = models.PositiveBigIntegerField(null=True)
    taking = models.JSONField(default=list)
    kinds = models.JSONField(default=list)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    actor_name = models.CharField(max_length=200)
    made_at = models.DateTimeField(auto_now_add=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    sentence = models.CharField(max_length=1000, blank=True, help_text="Why it could not be done.")
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["on", "id"]
        indexes = [
            models.Index(
                fields=["kind", "entry"], name="planned_and_open", condition=models.Q(state__in=["waiting", "failed"])
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "entry", "action"], name="planned_once", condition=models.Q(state="waiting")
            )
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.kind} {self.entry} on {self.on}: {self.state}"


class Follow(models.Model):
    """Who wants to hear of changes to a stage."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="followed_stages")
    stage = models.ForeignKey(Stage, on_delete=models.CASCADE, related_name="followers")
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "stage"], name="followed_once")]

    def __str__(self) -> str:
        return f"{self.user_id} follows {self.stage_id}"


class Visit(models.Model):
    """When a person last looked at a stage's page, for "changes since your last visit"."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    stage = models.ForeignKey(Stage, on_delete=models.CASCADE, related_name="+")
    seen_at = models.DateTimeField()
    before_at = models.DateTimeField(null=True, help_text="The visit before this one.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "stage"], name="one_visit_per_person_and_stage")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.stage_id} {self.seen_at:%Y-%m-%d}"
