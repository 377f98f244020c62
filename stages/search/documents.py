"""What of the catalog can be found, read block by block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from django.urls import reverse

from stages.links import visible
from stages.models import Block, BlockKind, Category, Group, PageText, Placement, Section, Stage, StartingPoint
from stages.search.words import Document, Unit, Written

KIND_WORDS = dict(BlockKind.choices)
AMONG_OTHERS, AFTER_THE_LIVING = 9, 10


def _titled(entry: Section | Stage | Group | Category) -> str:
    """Its name, which says of what is retired that it is."""
    return f"{entry.name} (retired)" if entry.retired_on else entry.name


def documents(units: Iterable[Unit]) -> dict[Unit, list[Written]]:
    """Everything in use that can be found in these units, with the words of its surroundings."""
    blocks = [unit for unit in units if isinstance(unit, int)]
    found: dict[Unit, list[Written]] = {unit: [] for unit in units}
    if "structure" in found:
        found["structure"] = list(of_the_structure())
    if "page" in found:
        found["page"] = list(of_the_page())
    if blocks:
        for block, written in of_blocks(blocks):
            found[block].append(written)
    return found


def of_the_structure() -> Iterator[Written]:
    """Stages, sections, groups and categories."""
    for stage in Stage.objects.select_related("section"):
        about = f"{stage.section.name if stage.section else ''} stage"
        text = f"{stage.description} {stage.body}"
        yield Document(_titled(stage), stage.get_absolute_url(), "Stage", stage.name, text, 0), f"{stage.key} {about}"
    for section in Section.objects.all():
        yield Document(_titled(section), section.get_absolute_url(), "Section", "", section.description, 1), section.key
    for group in Group.objects.select_related("stage"):
        text = f"{group.description} {group.focus} {group.label}"
        document = Document(_titled(group), group.get_absolute_url(), "Group", group.stage.name, text, 2)
        yield document, f"{group.key} {group.stage.name} group"
    for category in Category.objects.select_related("stage"):
        name = category.stage.name if category.stage else ""
        document = Document(_titled(category), category.get_absolute_url(), "Category", name, category.description, 3)
        yield document, f"{category.key} {name} category"


def of_the_page() -> Iterator[Written]:
    """What the handbook page says outside its stages."""
    for start in StartingPoint.objects.all():
        yield Document(start.label or start.text[:60], reverse("stages:index"), "Starting point", "", start.text), ""
    for own in PageText.objects.exclude(place=PageText.Place.FRONT):
        yield Document(own.heading or own.body[:60], reverse("stages:crash-course"), "Text", "", own.body), ""


def of_blocks(numbers: Sequence[int]) -> Iterator[tuple[int, Written]]:
    """The texts and resources of blocks."""
    known = {}
    for block in Block.objects.filter(pk__in=numbers).select_related("stage"):
        address, stage = block.stage.get_absolute_url(), _titled(block.stage)
        known[block.pk] = (address, stage, block.kind, AFTER_THE_LIVING if block.stage.retired_on else AMONG_OTHERS)
        if block.note or block.body:
            title = block.heading or block.get_kind_display()
            anchor = f"other-{block.pk}" if block.kind == "other" else block.kind.replace("_", "-")
            text = f"{block.note} {block.body}"
            yield block.pk, (Document(f"{stage}: {title}", f"{address}#{anchor}", "Text", stage, text), "")
    rows = Placement.objects.filter(block__in=numbers).order_by("pk").values_list(
        "pk", "block", "label", "description", "resource__label", "resource__url", "resource__text",
        "resource__doc_label",
    )  # fmt: skip
    for pk, block_pk, own_label, description, label, url, text, doc_label in rows:
        # Between the two queries a block may have come; its digest differs then, and the next search reads it.
        if block_pk in known:
            address, stage, kind, place = known[block_pk]
            document = Document(
                visible(own_label or label or url or f"{doc_label.upper()} query".strip()),
                f"{address}#item-{pk}",
                {"dashboards": "Dashboard", "data_docs": "Query", "slack": "Slack channel"}.get(kind, "Resource"),
                stage,
                visible(f"{description} {text}".strip()),
                place,
            )
            yield block_pk, (document, f"{stage} {KIND_WORDS[kind]} {doc_label} {url}")
