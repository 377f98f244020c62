"""How complete the pages of all stages are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db.models import Count, DateField, ExpressionWrapper, F, Min, OuterRef, Subquery
from django.utils import timezone

from stages.completeness import Filled, Score, score
from stages.derived import derived_blocks
from stages.models import Block, BlockRevision, Group, Responsibility, Stage
from stages.stage_page.blocks import READING_ORDER, is_due, looked_at_on


def stages_complete() -> dict[int, Score]:
    """The score of every stage in use, in a handful of queries."""
    stages = list(Stage.objects.filter(retired_on=None))
    people: dict[int, list[Responsibility]] = defaultdict(list)
    named = Responsibility.objects.filter(stage__in=stages).select_related("contact").exclude(contact__name="")
    for one in named.order_by("order", "pk"):
        people[one.stage_id or 0].append(one)
    groups: dict[int, list[Group]] = defaultdict(list)
    for group in Group.objects.filter(retired_on=None).select_related("stage"):
        groups[group.stage_id].append(group)
    latest = BlockRevision.objects.filter(block=OuterRef("pk")).order_by("-version").values("at")[:1]
    blocks: dict[int, list[Any]] = defaultdict(list)
    today = timezone.now().date()
    run_out = ExpressionWrapper(
        F("placements__resource__reviewed_on") + F("placements__resource__review_every_days"), output_field=DateField()
    )
    annotated = Block.objects.filter(stage__in=stages).select_related("owner").annotate(
        run_out=Min(run_out), number=Count("placements"), changed_at=Subquery(latest)
    )  # fmt: skip
    for row in annotated:
        blocks[row.stage_id].append(row)
    return {stage.pk: _score(stage, blocks[stage.pk], groups[stage.pk], people[stage.pk], today) for stage in stages}


def _score(
    stage: Stage, rows: Sequence[Any], groups: Sequence[Group], people: Sequence[Responsibility], today: date
) -> Score:
    filled = dict.fromkeys(derived_blocks(stage, groups, people), Filled.DERIVED)
    owners = dict.fromkeys(READING_ORDER, people[0].contact.name if people else "")
    for row in rows:
        if row.owner:
            owners[row.kind] = str(row.owner)
        if row.not_applicable:
            filled[row.kind] = Filled.NOT_APPLICABLE
        elif row.number or row.note.strip() or row.body.strip():
            of_resource = row.run_out is not None and row.run_out < today
            due = of_resource or is_due(looked_at_on(row), row.review_every_days, today)
            filled[row.kind] = Filled.EXPIRED if due else Filled.OWN
    return score({kind: state for kind, state in filled.items() if kind != "other"}, owners)
