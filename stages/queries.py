"""Reads that cross rows: each has a name here and returns frozen values."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Prefetch, QuerySet

from stages.completeness import Score, score
from stages.derived import role_in_words
from stages.facts import Entry, kind_of
from stages.models import Category, FormerKey, Group, Section, Stage, Succession
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


def categories_of(group: Group) -> QuerySet[Category]:
    """The categories of a group that are not retired."""
    return group.categories.filter(retired_on=None).order_by("name")


def people_of(owner: Section | Group) -> list[tuple[str, str]]:
    """Who does what for a section or group, in words."""
    people = owner.people.select_related("contact").exclude(contact__name="").order_by("order", "pk")
    return [(role_in_words(one.role), one.contact.name) for one in people]


def successor_of(entry: Entry) -> Entry | None:
    """What a retired entry was merged into."""
    merged = Succession.objects.filter(kind=kind_of(entry), from_key=entry.key, how="merged").first()
    if merged is None:
        return None
    former = FormerKey.objects.filter(kind=merged.kind, key=merged.to_key).values_list("target_key", flat=True).first()
    found: Entry | None = type(entry)._default_manager.filter(key=former or merged.to_key).first()
    return found
