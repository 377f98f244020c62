"""What the catalog adds to pages of the host: home, health, what needs me, scopes of roles."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from portal.models import User
from portal.permissions import has_role, has_role_anywhere
from portal.plugin import Health, HealthState, PanelContent
from portal.roles import Role
from stages import disputes, pull
from stages.models import (
    Block,
    BlockRevision,
    Group,
    ImportConflict,
    LinkCheck,
    PlannedChange,
    Section,
    Stage,
    Suggestion,
)


def home(request: HttpRequest) -> PanelContent | None:
    """How complete the catalog is, and what changed last."""
    from stages.queries import completeness_board

    rows = completeness_board()
    if not rows:
        return None
    latest = BlockRevision.objects.select_related("block__stage").order_by("-at")[:5]
    return PanelContent(
        template="stages/panel_home.html",
        context={
            "rows": [row for row in rows if row.score.percent < 100][:5],
            "complete": sum(row.score.percent == 100 for row in rows),
            "number": len(rows),
            "average": round(sum(row.score.percent for row in rows) / len(rows)),
            "latest": latest,
        },
        menu=(("Completeness of all stages", reverse("stages:board")),),
    )


def health() -> Health:
    """Whether the catalog is there, and whether its links were found dead."""
    stages = Stage.objects.filter(retired_on=None).count()
    if not stages:
        return Health(state=HealthState.OK, sentence="The catalog is empty; import the structure files to begin.")
    dead = LinkCheck.objects.filter(state=LinkCheck.State.DEAD).count()
    undecided = ImportConflict.objects.filter(state="open").count()
    undecided += len(disputes.disagreements())
    pulled = pull.state()
    said = [f"{dead} dead links"] if dead else []
    said += [f"{undecided} import conflicts to decide"] if undecided else []
    failed = PlannedChange.objects.filter(state=PlannedChange.State.FAILED).count()
    said += [f"{failed} planned changes could not be done"] if failed else []
    said += [f"the last pull failed: {pulled.sentence}"] if pulled and pulled.failed else []
    if said:
        return Health(state=HealthState.WARNING, sentence=f"{stages} stages; {'; '.join(said)}.")
    return Health(state=HealthState.OK, sentence=f"{stages} stages, no dead link is known.")


def attention(user: User) -> Sequence[tuple[str, str]]:
    """Suggestions, import conflicts and reviews that wait for this editor."""
    if not has_role_anywhere(user, Role.EDITOR):
        return []
    items: list[tuple[str, str]] = []
    for suggestion in Suggestion.objects.filter(state="open").select_related("stage__section", "author"):
        if has_role(user, Role.EDITOR, suggestion.stage.scopes):
            sentence = f"{suggestion.author or 'Somebody'} suggests a change to {suggestion.stage.name}."
            items.append((sentence, reverse("stages:suggestion", args=[suggestion.pk])))
    for conflict in ImportConflict.objects.filter(state="open").select_related("block__stage__section"):
        stage = conflict.block.stage
        if has_role(user, Role.EDITOR, stage.scopes):
            sentence = f"The last import and an edit disagree about {stage.name}."
            items.append((sentence, reverse("stages:conflict", args=[conflict.pk])))
    for one in disputes.disagreements():
        if has_role(user, Role.EDITOR, one.scopes):
            items.append((one.sentence, reverse("stages:dispute", args=[one.conflict.pk])))
    today = timezone.now().date()
    owned = Block.objects.filter(owner=user, stage__retired_on=None).filter(
        ~Q(note="") | ~Q(body="") | Q(placements__isnull=False)
    )
    for block in owned.select_related("stage").distinct():
        known = block.reviewed_on or block.updated_at.date()
        if (today - known).days > block.review_every_days:
            sentence = f"Your part {block.get_kind_display()} of {block.stage.name} is due for review."
            items.append((sentence, block.stage.get_absolute_url()))
    return items


def section_scopes() -> Sequence[tuple[str, str]]:
    """Sections within which roles can be given."""
    return [(f"section:{one.key}", f"{one.name} section") for one in Section.objects.filter(retired_on=None)]


def stage_scopes() -> Sequence[tuple[str, str]]:
    """Stages within which roles can be given."""
    return [(f"stage:{one.key}", one.name) for one in Stage.objects.filter(retired_on=None)]


def group_scopes() -> Sequence[tuple[str, str]]:
    """Groups within which roles can be given."""
    groups = Group.objects.filter(retired_on=None).select_related("stage")
    return [(f"group:{one.key}", one.full_name) for one in groups]
