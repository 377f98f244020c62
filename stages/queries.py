"""Reads that cross rows: each has a name here and returns frozen values."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import DateField, Exists, ExpressionWrapper, F, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone

from stages.completeness import HEADS, PARTS, Filled, Score, score
from stages.derived import role_in_words
from stages.facts import Entry, kind_of
from stages.models import Block, BlockRevision, Category, FormerKey, Group, Placement, Section, Stage, Succession
from stages.names import folded
from stages.slots import Catalog
from stages.stage_page import stages_complete


def group_named(product_group: str) -> Group | None:
    """The group that a metric's ``product_group`` means: key, name or label, whatever the case and separators.

    ``group::source code``, ``source_code``, ``source code`` and ``Source Code`` are the same. The key wins over the
    name, the name over the label; a label that two groups share names neither.
    """
    wanted = folded(product_group)
    if not wanted:
        return None
    by_name: list[Group] = []
    by_label: list[Group] = []
    for group in Group.objects.select_related("stage"):
        if folded(group.key) == wanted:
            return group
        if folded(group.name) == wanted:
            by_name.append(group)
        elif group.label and folded(group.label) == wanted:
            by_label.append(group)
    for found in (by_name, by_label):
        current = [group for group in found if group.retired_on is None] or found
        if len(current) == 1:
            return current[0]
    return None


def catalog() -> Catalog:
    """All sections and stages that are not retired, in their order."""
    stages = tuple(Stage.objects.filter(retired_on=None).select_related("section"))
    return Catalog(sections=tuple(Section.objects.filter(retired_on=None)), stages=stages)


@dataclass(frozen=True, kw_only=True)
class StageRow:
    """A stage in a list, with its groups and how complete its page is."""

    stage: Stage
    groups: tuple[Group, ...]
    score: Score


def stages_by_section() -> list[tuple[Section | None, list[StageRow]]]:
    """The stages in use under their sections, in order; those without a section last."""
    groups = Prefetch("groups", queryset=Group.objects.filter(retired_on=None))
    scores = stages_complete()
    stages = Stage.objects.filter(retired_on=None).select_related("section").prefetch_related(groups)
    rows = [
        StageRow(stage=stage, groups=tuple(stage.groups.all()), score=scores.get(stage.pk, score({})))
        for stage in stages
    ]
    sections: list[Section | None] = [*Section.objects.filter(retired_on=None), None]
    listed = [
        (section, [row for row in rows if row.stage.section_id == (section.pk if section else None)])
        for section in sections
    ]
    return [(section, found) for section, found in listed if found or section is not None]


def completeness_board() -> list[StageRow]:
    """Every stage in use, the least complete first."""
    rows = [row for _, found in stages_by_section() for row in found]
    return sorted(rows, key=lambda row: (row.score.percent, row.stage.name))


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A part of the pages that many stages lack, and how many."""

    title: str
    stages: int


@dataclass(frozen=True, kw_only=True)
class Board:
    """The completeness of some stages, with what is said over the list."""

    rows: tuple[StageRow, ...]
    gaps: tuple[Gap, ...]
    titles: tuple[str, ...]

    @property
    def complete(self) -> int:
        """How many have nothing left to do."""
        return sum(row.score.percent == 100 for row in self.rows)

    @property
    def average(self) -> int:
        """The mean of the scores; complete only where all are."""
        mean = sum(row.score.percent for row in self.rows) / len(self.rows) if self.rows else 0
        return 100 if mean == 100 else min(99, round(mean))


def board(section: str = "") -> Board:
    """The board over all stages, or those of one section, the least complete first."""
    rows = [
        row for row in completeness_board() if not section or (row.stage.section and row.stage.section.key == section)
    ]
    missing = Counter(part.title for row in rows for part in row.score.parts if part.filled == Filled.EMPTY)
    return Board(
        rows=tuple(rows),
        gaps=tuple(Gap(title=title, stages=number) for title, number in missing.most_common(3)),
        titles=tuple(HEADS[part] for part, _, _ in PARTS),
    )


@dataclass(frozen=True, kw_only=True)
class ReviewDue:
    """A block whose last review runs out, and when."""

    block: Block
    on: date

    @property
    def is_over(self) -> bool:
        """Whether it ran out already."""
        return self.on < timezone.now().date()


def reviews_due(*, within: timedelta = timedelta(days=30), most: int = 20) -> list[ReviewDue]:
    """The filled blocks whose review ran out or soon does, the longest overdue first."""
    latest = BlockRevision.objects.filter(block=OuterRef("pk")).order_by("-version").values("at")[:1]
    looked = Coalesce("reviewed_on", Cast(Subquery(latest), DateField()))
    until = ExpressionWrapper(looked + F("review_every_days"), output_field=DateField())
    blocks = (
        Block.objects.filter(stage__retired_on=None, not_applicable="")
        .filter(Exists(Placement.objects.filter(block=OuterRef("pk"))) | ~Q(note="") | ~Q(body=""))
        .select_related("stage", "owner")
        .annotate(until=until)
        .filter(until__lt=timezone.now().date() + within)
        .order_by("until", "pk")[:most]
    )
    return [ReviewDue(block=block, on=block.until) for block in blocks]


def categories_of(group: Group) -> QuerySet[Category]:
    """The categories of a group that are not retired."""
    return group.categories.filter(retired_on=None).order_by("name")


def people_of(owner: Section | Group) -> list[tuple[str, str]]:
    """Who does what for a section or group, in words."""
    people = owner.people.select_related("contact").exclude(contact__name="").order_by("order", "pk")
    return [(role_in_words(one.role), one.contact.name) for one in people]


def successor_of(entry: Entry) -> Entry | None:
    """What a retired entry was merged into; of one that was brought back since, and retired anew, there is none."""
    of_it = Q(entry=entry.pk) | Q(entry=None, from_key=entry.key)
    told = Succession.objects.filter(of_it, kind=kind_of(entry), how__in=("merged", "restored"), undone_by=None)
    merged = told.order_by("-pk").first()
    if merged is None or merged.how != "merged" or merged.on != entry.retired_on:
        return None
    entries = type(entry)._default_manager
    if "other" in merged.took:
        return entries.filter(pk=merged.took["other"]).first()
    former = FormerKey.objects.filter(kind=merged.kind, key=merged.to_key).values_list("target_key", flat=True).first()
    found: Entry | None = entries.filter(key=former or merged.to_key).first()
    return found
