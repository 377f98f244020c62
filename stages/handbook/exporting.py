"""The catalog as a handbook page, as JSON and as YAML, whole or one stage."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Container, Iterable
from dataclasses import asdict, replace
from typing import Any

import yaml

from stages.content import BlockContent, from_json, to_json
from stages.derived import derived_of
from stages.editing import content_of
from stages.handbook.parsing import Start, Text
from stages.handbook.rendering import WrittenPage, WrittenStage, render_page
from stages.models import Block, PageText, Placement, Stage, StartingPoint

TITLE = "Crash Course for Product Stage Resources"


def page_to_write(stages: Iterable[Stage] | None = None) -> WrittenPage:
    """The page: all stages in use, or only some; seven queries."""
    partial = stages is not None
    if stages is None:
        stages = Stage.objects.filter(retired_on=None).select_related("section")
    listed = sorted(
        stages,
        key=lambda one: (one.section is None, one.section.order if one.section else 0, one.section_id or 0, one.order),
    )
    placements: dict[int, list[Placement]] = defaultdict(list)
    for placement in Placement.objects.filter(block__stage__in=listed).select_related("resource"):
        placements[placement.block_id].append(placement)
    blocks: dict[int, list[tuple[str, BlockContent]]] = defaultdict(list)
    for block in Block.objects.filter(stage__in=listed):
        blocks[block.stage_id].append((block.kind, _to_write(block, content_of(block, placements[block.pk]))))
    derived = derived_of(listed)
    written = [
        WrittenStage(
            name=stage.name, section=stage.section.name if stage.section else "", blocks=blocks[stage.pk],
            derived=derived[stage.pk],
        )
        for stage in listed
    ]  # fmt: skip
    if partial:
        title = f"{TITLE}: {', '.join(stage.name for stage in written)}"
        return WrittenPage(title=title, stages=written, partial=True)
    texts = list(PageText.objects.select_related("section"))
    front = next((one for one in texts if one.place == PageText.Place.FRONT), None)
    met = {stage.section for stage in written}
    return WrittenPage(
        title=front.heading if front else TITLE,
        front=front.body if front else "layout: handbook-page-toc",
        starts=[Start(text=one.text, label=one.label, url=one.url) for one in StartingPoint.objects.all()],
        texts=[text_of(one, met) for one in texts if one is not front],
        stages=written,
    )


def _to_write(block: Block, content: BlockContent) -> BlockContent:
    """The content without what the template still asked for once somebody filled the block in here."""
    if content.is_empty or content == from_json(block.imported):
        return content
    return replace(content, placeholders=())


def text_of(row: PageText, sections: Container[str]) -> Text:
    """A text as it is written; one of a section that holds no stage any more stands at the end."""
    section = row.section.name if row.section else ""
    place = PageText.Place.END if row.place == PageText.Place.SECTION and section not in sections else row.place
    return Text(
        heading=row.heading, body=row.body, depth=row.depth, place=str(place),
        section=section if place == PageText.Place.SECTION else "",
    )  # fmt: skip


def export_markdown(stages: Iterable[Stage] | None = None) -> str:
    """The page in Markdown. It imports to the same content."""
    return render_page(page_to_write(stages))


def export_document(stages: Iterable[Stage] | None = None) -> dict[str, Any]:
    """The same content as plain values. It imports to the same content, too."""
    page = page_to_write(stages)
    document: dict[str, Any] = {"title": page.title}
    if page.partial:
        document["partial"] = True
    else:
        document["front"] = page.front
        document["texts"] = [asdict(one) for one in page.texts]
        document["starting_points"] = [asdict(one) for one in page.starts]
    document["stages"] = [_stage(stage) for stage in page.stages]
    return document


def _stage(stage: WrittenStage) -> dict[str, Any]:
    filled = {kind for kind, content in stage.blocks if not content.is_empty}
    told = [(kind, content) for kind, content in stage.derived.items() if kind not in filled]
    return {
        "name": stage.name,
        "section": stage.section,
        "blocks": [{"kind": kind, **_plain(content)} for kind, content in stage.blocks],
        # For those who read the document; an import leaves it to the structure files.
        "from_structure": [{"kind": kind, **_plain(content)} for kind, content in told],
    }


def _plain(content: BlockContent) -> dict[str, Any]:
    value = to_json(content)
    for item in value["items"]:
        item.pop("id")
    return value


def export_json(stages: Iterable[Stage] | None = None) -> str:
    """The document as JSON."""
    return json.dumps(export_document(stages), indent=2, ensure_ascii=False) + "\n"


def export_yaml(stages: Iterable[Stage] | None = None) -> str:
    """The document as YAML."""
    return yaml.safe_dump(export_document(stages), sort_keys=False, allow_unicode=True, width=110)


FORMS = {"markdown": export_markdown, "json": export_json, "yaml": export_yaml}
"""What the page can be exported as."""
