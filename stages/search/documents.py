"""What of the catalog can be found, read block by block."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from textwrap import shorten

from django.urls import reverse

from portal.markdown import plain
from stages.links import visible
from stages.models import Block, BlockKind, Category, Dialect, Group, PageText, Placement, Section, Stage, StartingPoint
from stages.search.words import Document, Unit, Written
from stages.validation import MOST_LAID_OUT

KIND_WORDS = dict(BlockKind.choices)
AMONG_OTHERS, AFTER_THE_LIVING = 9, 10


MARK = re.compile(r"[*_`\[\]<>\\~#|&]|://|^\s*(?:[-+]|\d+[.)])\s|^\s*[-=]{2,}\s*$", re.MULTILINE)
"""What a text of Markdown has that says something else than it shows."""
LONGEST_TITLE = 60


def readable(text: str) -> str:
    """A text of Markdown as people read it on the page. Most descriptions have no mark and are that already."""
    shown = visible(text)
    return plain(shown) if len(shown) <= MOST_LAID_OUT and MARK.search(shown) else shown


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
        text = f"{stage.description} {readable(stage.body)}"
        yield Document(_titled(stage), stage.get_absolute_url(), "Stage", stage.name, text, 0), f"{stage.key} {about}"
    for section in Section.objects.all():
        yield Document(_titled(section), section.get_absolute_url(), "Section", "", section.description, 1), section.key
    for group in Group.objects.select_related("stage"):
        text = f"{group.description} {readable(group.body)} {group.focus} {group.label}"
        document = Document(_titled(group), group.get_absolute_url(), "Group", group.stage.name, text, 2)
        yield document, f"{group.key} {group.stage.name} group"
    for category in Category.objects.select_related("stage"):
        name = category.stage.name if category.stage else ""
        document = Document(_titled(category), category.get_absolute_url(), "Category", name, category.description, 3)
        yield document, f"{category.key} {name} category"


def of_the_page() -> Iterator[Written]:
    """What the handbook page says outside its stages."""
    for start in StartingPoint.objects.all():
        text = readable(start.text)
        title = visible(start.label) or shorten(text, LONGEST_TITLE, placeholder=" …")
        yield Document(title, reverse("stages:index"), "Starting point", "", text), start.text
    for own in PageText.objects.exclude(place=PageText.Place.FRONT):
        text = readable(own.body)
        title = visible(own.heading) or shorten(text, LONGEST_TITLE, placeholder=" …")
        yield Document(title, reverse("stages:crash-course"), "Text", "", text), own.body


def of_blocks(numbers: Sequence[int]) -> Iterator[tuple[int, Written]]:
    """The texts and resources of blocks."""
    known = {}
    for block in Block.objects.filter(pk__in=numbers).select_related("stage"):
        address, stage = block.stage.get_absolute_url(), _titled(block.stage)
        known[block.pk] = (address, stage, block.kind, AFTER_THE_LIVING if block.stage.retired_on else AMONG_OTHERS)
        if block.note or block.body:
            title = block.heading or block.get_kind_display()
            anchor = f"other-{block.pk}" if block.kind == "other" else block.kind.replace("_", "-")
            raw, text = f"{block.note} {block.body}", f"{readable(block.note)} {readable(block.body)}"
            yield block.pk, (Document(f"{stage}: {title}", f"{address}#{anchor}", "Text", stage, text), raw)
    rows = Placement.objects.filter(block__in=numbers).order_by("pk").values_list(
        "pk", "block", "label", "description", "resource__label", "resource__url", "resource__text",
        "resource__doc_label", "resource__dialect",
    )  # fmt: skip
    for pk, block_pk, own_label, description, label, url, text, doc_label, dialect in rows:
        # Between the two queries a block may have come; the history tells of it, and the next search reads it.
        if block_pk in known:
            address, stage, kind, place = known[block_pk]
            document = Document(
                visible(own_label or label or url or f"{doc_label.upper()} query".strip()),
                f"{address}#item-{pk}",
                {"dashboards": "Dashboard", "data_docs": "Query", "slack": "Slack channel"}.get(kind, "Resource"),
                stage,
                f"{readable(description)} {readable(text) if dialect == Dialect.PROSE else visible(text)}".strip(),
                place,
            )
            yield block_pk, (document, f"{stage} {KIND_WORDS[kind]} {doc_label} {url} {description}")
