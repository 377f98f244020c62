"""Reading a stage's page in few queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, Exists, F, Func, OuterRef, Prefetch, Subquery, prefetch_related_objects
from django.db.models.functions import JSONObject

from portal.permissions import has_role
from portal.roles import Role
from stages import drafts
from stages.completeness import score
from stages.derived import derived_blocks, role_in_words
from stages.models import Category, Follow, Group, Responsibility, Stage, Visit
from stages.planned import plans_in, with_plans
from stages.stage_page.blocks import block_views
from stages.stage_page.values import GroupView, StagePage
from stages.visits import last_visit

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.models import User


def stage_named(key: str, user: User | AnonymousUser | None = None) -> Stage:
    """The stage of a page with the stages that it names as related (``related_stages``, by key and name) and what the
    page needs of this reader; raises ``Stage.DoesNotExist``.
    """
    related = (
        Stage.objects.filter(
            Func(OuterRef("related_keys"), F("key"), function="jsonb_exists", output_field=BooleanField())
        )
        .filter(retired_on=None)
        .exclude(pk=OuterRef("pk"))
    )
    stages = Stage.objects.select_related("section").annotate(
        related_stages=ArraySubquery(related.values(one=JSONObject(key="key", name="name"))),
        plans=with_plans("stage"),
    )
    if user is not None and user.is_authenticated:
        visits = Visit.objects.filter(user=user.pk, stage=OuterRef("pk"))
        stages = stages.annotate(
            seen_at=Subquery(visits.values("seen_at")),
            seen_before_at=Subquery(visits.values("before_at")),
            follows=Exists(Follow.objects.filter(user=user.pk, stage=OuterRef("pk"))),
            own_drafts=drafts.on_page_of_stage(user.pk),
        )
    return stages.get(key=key)


def stage_page(stage: Stage, user: User | AnonymousUser) -> StagePage:
    """Read the page of a stage: four queries beside the stage's own."""
    can_edit = has_role(user, Role.EDITOR, stage.scopes)
    groups = groups_of(stage)
    people = list(
        Responsibility.objects.filter(stage=stage)
        .select_related("contact")
        .exclude(contact__name="")
        .order_by("order", "pk")
    )
    derived = derived_blocks(stage, [view.group for view in groups], people)
    seen = last_visit(stage)
    blocks = block_views(stage, derived, since=seen, reader=user.pk, groups=[view.group for view in groups])
    typed = drafts_of(stage)
    blocks = tuple(
        replace(block, draft_at=typed.get(drafts.of_block(stage, block.kind, block.heading).name)) for block in blocks
    )
    changed = [(block.changed_at, block) for block in blocks if block.changed_at is not None]
    _, last = max(changed, key=lambda one: one[0], default=(None, None))
    owners = {block.kind: block.owner or _owner_of_gap(people) for block in blocks}
    return StagePage(
        stage=stage,
        blocks=blocks,
        groups=groups,
        people=tuple((role_in_words(one.role), one.contact.name) for one in people),
        score=score({block.kind: block.filled for block in blocks if block.kind != "other"}, owners),
        can_edit=can_edit,
        follows=bool(getattr(stage, "follows", False)),
        plans=plans_in(getattr(stage, "plans", ())),
        last_visit=seen,
        last_change=last,
        facts_draft_at=typed.get(drafts.of_facts(stage).name),
        people_draft_at=typed.get(drafts.of_people(stage).name),
    )


def drafts_of(stage: Stage) -> dict[str, datetime]:
    """When the reader's drafts on this page were kept, by the name of the subject; read with the stage."""
    return {one["subject"]: datetime.fromisoformat(one["at"]) for one in getattr(stage, "own_drafts", None) or ()}


def _owner_of_gap(people: Sequence[Responsibility]) -> str:
    return people[0].contact.name if people else ""


def groups_of(stage: Stage) -> tuple[GroupView, ...]:
    """The groups of a stage with their categories; one query. All its groups stay with ``stage`` for its panels."""
    own = Category.objects.filter(groups=OuterRef("pk"), retired_on=None).order_by("name")
    shown = own.values(one=JSONObject(key="key", name="name", maturity="maturity"))
    rows = Group.objects.annotate(own=ArraySubquery(shown), plans=with_plans("group"))
    prefetch_related_objects([stage], Prefetch("groups", queryset=rows))
    groups: list[Any] = [group for group in stage.groups.all() if group.retired_on is None]
    return tuple(
        GroupView(group=group, categories=tuple(Category(**one) for one in group.own), plans=plans_in(group.plans))
        for group in groups
    )
