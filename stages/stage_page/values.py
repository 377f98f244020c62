"""What a stage's page shows, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from stages.completeness import Filled, Score
from stages.content import BlockContent, Item
from stages.links import Target
from stages.models import BlockKind, Category, Dialect, Group, Stage
from stages.models.content import REVIEW_EVERY_DAYS
from stages.planned import Planned


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
