"""All that a stage's page shows, read in few queries and handed over as frozen values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Count,
    DateField,
    Exists,
    ExpressionWrapper,
    F,
    Func,
    Min,
    OuterRef,
    Prefetch,
    Subquery,
    Value,
    When,
    prefetch_related_objects,
)
from django.db.models.functions import Coalesce, JSONObject
from django.utils import timezone

from portal.permissions import has_role
from portal.roles import Role
from stages import drafts
from stages.completeness import Filled, Score, score
from stages.conf import handbook_url
from stages.content import BlockContent, Item
from stages.derived import derived_blocks, role_in_words
from stages.editing import content_of
from stages.handbook.template import BY_KIND, DESCRIPTION_HELP
from stages.links import Target, target_of, visible
from stages.models import (
    Block,
    BlockKind,
    BlockRevision,
    Category,
    Dialect,
    Follow,
    Group,
    ImportConflict,
    Placement,
    Responsibility,
    Stage,
    Suggestion,
    Visit,
)
from stages.models.content import REVIEW_EVERY_DAYS
from stages.names import named_in
from stages.planned import Planned, plans_in, with_plans
from stages.visits import last_visit

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.models import User

READING_ORDER = (
    "description", "dashboards", "data_docs", "research", "roadmap", "okrs", "indicators", "key_pages", "slack", "team",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ItemView:
    """An item as the page shows it."""

    item: Item
    label: str
    target: Target
    description: str
    derived: bool = False
    missing: bool = False
    official: bool = False
    access: str = ""
    owner: str = ""
    others: tuple[str, ...] = ()
    resource_id: int | None = None
    link_state: str = ""
    link_sentence: str = ""
    source_updated_on: date | None = None
    reviewed_on: date | None = None
    review_due: bool = False
    group: Group | None = None

    @property
    def used_by(self) -> str:
        """The other stages that use it, the first three by name."""
        named, more = ", ".join(self.others[:3]), len(self.others) - 3
        return f"{named} and {more} more" if more > 0 else named

    @property
    def language(self) -> str:
        """What the query is written in, as people call it."""
        return dict(Dialect.choices).get(self.item.dialect, self.item.dialect)

    @property
    def is_prose(self) -> bool:
        """Whether its text is Markdown rather than a query."""
        return self.item.dialect == "prose"

    @property
    def doc_label(self) -> str:
        """What the query computes."""
        return {"smau": "SMAU", "gmau": "GMAU", "other": "Other"}.get(self.item.doc_label, "")


@dataclass(frozen=True, kw_only=True)
class BlockView:
    """A block as the page shows it."""

    stage: Stage
    kind: str
    title: str
    anchor: str
    help: str
    content: BlockContent
    items: tuple[ItemView, ...] = ()
    derived: tuple[ItemView, ...] = ()
    derived_content: BlockContent = field(default_factory=BlockContent)
    pk: int | None = None
    version: int = 0
    changed_at: datetime | None = None
    changed_by: str = ""
    reviewed_on: date | None = None
    reviewed_by: str = ""
    review_every_days: int = REVIEW_EVERY_DAYS
    review_due: bool = False
    owner: str = ""
    owner_username: str = ""
    missing: bool = False
    suggestions: int = 0
    conflict: int | None = None
    new_since_visit: bool = False
    draft_at: datetime | None = None

    @property
    def filled(self) -> Filled:
        """What it counts as for completeness."""
        if self.content.not_applicable:
            return Filled.NOT_APPLICABLE
        if self.content.is_empty:
            return Filled.DERIVED if self.derived_content != BlockContent() else Filled.EMPTY
        return Filled.EXPIRED if self.review_due else Filled.OWN

    @property
    def takes_a_paste(self) -> bool:
        """Whether the page offers to add one thing at once: where it takes the place of nothing."""
        listed = self.kind not in (BlockKind.DESCRIPTION, BlockKind.OTHER)
        return listed and self.content.is_empty and self.derived_content == BlockContent()

    @property
    def heading(self) -> str:
        """The heading by which its address names it; only of others."""
        return self.content.heading if self.kind == BlockKind.OTHER else ""


@dataclass(frozen=True, kw_only=True)
class GroupView:
    """A group with its categories, of which key, name and maturity are read, and what is planned for it."""

    group: Group
    categories: tuple[Category, ...]
    plans: tuple[Planned, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StagePage:
    """The whole page."""

    stage: Stage
    blocks: tuple[BlockView, ...]
    groups: tuple[GroupView, ...]
    people: tuple[tuple[str, str], ...]
    score: Score
    can_edit: bool
    follows: bool = False
    plans: tuple[Planned, ...] = ()
    last_visit: datetime | None = None
    last_change: BlockView | None = None
    facts_draft_at: datetime | None = None
    people_draft_at: datetime | None = None

    @property
    def owner(self) -> str:
        """Who is asked first: the product manager, else whoever leads."""
        return self.people[0][1] if self.people else ""

    @property
    def changed(self) -> tuple[BlockView, ...]:
        """The blocks that somebody else changed since the last visit."""
        return tuple(block for block in self.blocks if block.new_since_visit)

    @property
    def suggestions(self) -> int:
        """How many suggestions wait for an answer."""
        return sum(block.suggestions for block in self.blocks)


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
    last = max((block for block in blocks if block.changed_at), key=lambda one: one.changed_at or seen, default=None)  # type: ignore[arg-type, return-value]
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
    rows = list(
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
    placements: dict[int, list[Any]] = defaultdict(list)
    uses = (
        Placement.objects.filter(resource=OuterRef("resource"), block__stage__retired_on=None)
        .order_by()
        .values("resource")
        .annotate(names=ArrayAgg("block__stage__name", distinct=True))
        .values("names")
    )
    placed = Placement.objects.filter(block__stage=stage).select_related("resource__link_check", "group__stage")
    found = placed.annotate(uses=Subquery(uses))
    for placement in found:
        placements[placement.block_id].append(placement)
    base = handbook_url()
    names = [(group.full_name, group) for group in groups]
    by_kind: dict[str, Any] = {row.kind: row for row in rows if row.kind != BlockKind.OTHER}
    views = []
    for kind in READING_ORDER:
        row = by_kind.get(kind)
        views.append(_view(stage, kind, row, placements[row.pk] if row else [], derived, since, base, names))
    for row in rows:
        if row.kind == BlockKind.OTHER and (row.version or row.heading):
            views.append(_view(stage, "other", row, placements[row.pk], {}, since, base, names))
    return tuple(views)


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
    known = row.reviewed_on or (row.changed_at.date() if row.changed_at else None)
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


def is_due(reviewed_on: date | None, every_days: int, today: date) -> bool:
    """Whether a review has run out; what was never reviewed has none that could."""
    return reviewed_on is not None and reviewed_on + timedelta(days=every_days) < today


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
        known = row.reviewed_on or (row.changed_at.date() if row.changed_at else None)
        if row.owner:
            owners[row.kind] = str(row.owner)
        if row.not_applicable:
            filled[row.kind] = Filled.NOT_APPLICABLE
        elif row.number or row.note.strip() or row.body.strip():
            due = is_due(known, row.review_every_days, today) or (row.run_out is not None and row.run_out < today)
            filled[row.kind] = Filled.EXPIRED if due else Filled.OWN
    return score({kind: state for kind, state in filled.items() if kind != "other"}, owners)
