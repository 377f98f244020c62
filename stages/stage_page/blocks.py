"""The blocks of a stage's page with their items."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Case, CharField, Count, F, OuterRef, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from stages.conf import handbook_url
from stages.content import BlockContent, Item
from stages.editing import content_of
from stages.handbook.template import BY_KIND, DESCRIPTION_HELP
from stages.links import target_of, visible
from stages.models import BlockKind, BlockRevision, Group, ImportConflict, Placement, Stage, Suggestion
from stages.names import named_in
from stages.stage_page.values import BlockView, ItemView

READING_ORDER = (
    "description", "dashboards", "data_docs", "research", "roadmap", "okrs", "indicators", "key_pages", "slack", "team",
)  # fmt: skip


def block_views(
    stage: Stage,
    derived: dict[str, BlockContent],
    *,
    since: datetime | None = None,
    reader: int | None = None,
    groups: Iterable[Group] = (),
) -> tuple[BlockView, ...]:
    """The blocks in reading order, also those that nobody made yet; two queries.

    New are those that somebody other than the ``reader`` changed after ``since``.
    """
    rows = _rows(stage, reader)
    base = handbook_url()
    names = [(group.full_name, group) for group in groups]
    by_kind: dict[str, Any] = {row.kind: row for row in rows if row.kind != BlockKind.OTHER}
    placements = _placements(stage)
    views = []
    for kind in READING_ORDER:
        row = by_kind.get(kind)
        views.append(_view(stage, kind, row, placements[row.pk] if row else [], derived, since, base, names))
    for row in rows:
        if row.kind == BlockKind.OTHER and (row.version or row.heading):
            views.append(_view(stage, "other", row, placements[row.pk], {}, since, base, names))
    return tuple(views)


def _rows(stage: Stage, reader: int | None) -> list[Any]:
    """The blocks that were made, with what the page says beside them."""
    latest = BlockRevision.objects.filter(block=OuterRef("pk")).order_by("-version")
    of_others = latest.exclude(actor=reader) if reader is not None else latest
    open_suggestions = (
        Suggestion.objects.filter(
            stage=OuterRef("stage"), kind=OuterRef("kind"), heading=Coalesce(OuterRef("heading_key"), Value("")),
            state="open",
        )
        .order_by()
        .values("stage")
        .annotate(number=Count("pk"))
        .values("number")
    )  # fmt: skip
    return list(
        stage.blocks.select_related("owner", "reviewed_by").annotate(
            heading_key=Case(
                When(kind=BlockKind.OTHER, then=F("heading")), default=Value(""), output_field=CharField()
            ),
            changed_at=Subquery(latest.values("at")[:1]),
            changed_by=Subquery(latest.values("actor_name")[:1]),
            changed_how=Subquery(latest.values("how")[:1]),
            others_changed_at=Subquery(of_others.values("at")[:1]),
            conflict=Subquery(ImportConflict.objects.filter(block=OuterRef("pk"), state="open").values("pk")[:1]),
            suggested=Coalesce(Subquery(open_suggestions), 0),
        )
    )


def _placements(stage: Stage) -> dict[int, list[Any]]:
    """What each block places, and the names of the stages that use the same."""
    placements: dict[int, list[Any]] = defaultdict(list)
    uses = (
        Placement.objects.filter(resource=OuterRef("resource"), block__stage__retired_on=None)
        .order_by()
        .values("resource")
        .annotate(names=ArrayAgg("block__stage__name", distinct=True))
        .values("names")
    )
    placed = Placement.objects.filter(block__stage=stage).select_related("resource__link_check", "group__stage")
    for placement in placed.annotate(uses=Subquery(uses)):
        placements[placement.block_id].append(placement)
    return placements


def _view(
    stage: Stage,
    kind: str,
    row: Any | None,
    placements: Sequence[Any],
    derived: dict[str, BlockContent],
    since: datetime | None,
    base: str,
    names: Sequence[tuple[str, Group]],
) -> BlockView:
    template = BY_KIND.get(kind)
    usual = template.heading if template else ("About this stage" if kind == "description" else "Other")
    help_ = template.help if template else (DESCRIPTION_HELP if kind == "description" else "")
    from_structure = derived.get(kind, BlockContent())
    anchor = kind.replace("_", "-") if row is None or kind != BlockKind.OTHER else f"other-{row.pk}"
    derived_items = tuple(derived_view(item, base) for item in from_structure.items)
    if row is None:
        return BlockView(
            stage=stage, kind=kind, title=usual, anchor=anchor, help=help_, content=BlockContent(),
            derived=derived_items, derived_content=from_structure,
        )  # fmt: skip
    content = content_of(row, placements)
    known = looked_at_on(row)
    today = timezone.now().date()
    due = is_due(known, row.review_every_days, today) or any(
        is_due(one.resource.reviewed_on, one.resource.review_every_days, today) for one in placements
    )
    return BlockView(
        stage=stage,
        kind=kind,
        title=visible(row.heading or usual),
        anchor=anchor,
        help=help_,
        content=content,
        items=tuple(
            item_view(placement, item, base, names, stage.name)
            for placement, item in zip(placements, content.items, strict=True)
        ),
        derived=derived_items,
        derived_content=from_structure,
        pk=row.pk,
        version=row.version,
        changed_at=row.changed_at,
        changed_by=row.changed_by or ("the import" if row.changed_how == "import" else ""),
        reviewed_on=row.reviewed_on,
        reviewed_by=str(row.reviewed_by) if row.reviewed_by else "",
        review_every_days=row.review_every_days,
        review_due=due and not content.is_empty,
        owner=str(row.owner) if row.owner else "",
        owner_username=row.owner.username if row.owner else "",
        missing=row.missing_from_source,
        suggestions=row.suggested,
        conflict=row.conflict,
        new_since_visit=bool(since and row.others_changed_at and row.others_changed_at > since),
    )


def looked_at_on(row: Any) -> date | None:
    """When somebody last looked at a block: its review, else its last change (``changed_at``)."""
    return row.reviewed_on or (row.changed_at.date() if row.changed_at else None)


def is_due(reviewed_on: date | None, every_days: int, today: date) -> bool:
    """Whether a review has run out; what was never reviewed has none that could."""
    return reviewed_on is not None and (today - reviewed_on).days > every_days


def derived_view(item: Item, base: str) -> ItemView:
    """An item from the structure files."""
    return ItemView(
        item=item,
        label=visible(item.label or item.url),
        target=target_of(item.url, base),
        description=visible(item.description),
        derived=True,
    )


def item_view(
    placement: Any, item: Item, base: str, names: Sequence[tuple[str, Group]] = (), stage: str = ""
) -> ItemView:
    """A placement with its resource; ``stage`` is the name of the one whose page it stands on."""
    resource = placement.resource
    check = getattr(resource, "link_check", None)
    return ItemView(
        item=item,
        label=visible(item.label or item.url),
        target=target_of(item.url, base),
        description=visible(item.description),
        missing=placement.missing_from_source,
        official=resource.official,
        access=resource.get_access_display() if resource.access else "",
        owner=resource.owner_name,
        others=tuple(name for name in getattr(placement, "uses", None) or () if name != stage),
        resource_id=resource.pk,
        link_state=check.state if check else "",
        link_sentence=check.sentence if check else "",
        source_updated_on=resource.source_updated_on,
        reviewed_on=resource.reviewed_on,
        review_due=is_due(resource.reviewed_on, resource.review_every_days, timezone.now().date()),
        group=placement.group or named_in(f"{item.label} {item.description}", names),
    )
