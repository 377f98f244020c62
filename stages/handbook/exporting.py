"""The catalog as a handbook page, as JSON and as YAML, whole or one stage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import yaml

from stages.content import BlockContent, to_json
from stages.editing import content_of
from stages.handbook.parsing import Start
from stages.handbook.rendering import WrittenStage, render_page
from stages.models import Block, Placement, Stage, StartingPoint

TITLE = "Crash Course for Product Stage Resources"


def stages_to_write(stages: Iterable[Stage] | None = None) -> list[WrittenStage]:
    """All stages in use with their blocks, by section; three queries."""
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
        blocks[block.stage_id].append((block.kind, content_of(block, placements[block.pk])))
    return [
        WrittenStage(name=stage.name, section=stage.section.name if stage.section else "", blocks=blocks[stage.pk])
        for stage in listed
    ]


def export_markdown(stages: Iterable[Stage] | None = None) -> str:
    """The page in Markdown. It imports to the same content."""
    starts = [] if stages is not None else [
        Start(text=one.text, label=one.label, url=one.url) for one in StartingPoint.objects.all()
    ]  # fmt: skip
    return render_page(stages_to_write(stages), starts, title=TITLE)


def export_document(stages: Iterable[Stage] | None = None) -> dict[str, Any]:
    """The same content as plain values."""
    document: dict[str, Any] = {"title": TITLE}
    if stages is None:
        document["starting_points"] = [
            {"label": one.label, "url": one.url, "text": one.text} for one in StartingPoint.objects.all()
        ]
    document["stages"] = [
        {
            "name": stage.name,
            "section": stage.section,
            "blocks": [{"kind": kind, **_plain(content)} for kind, content in stage.blocks],
        }
        for stage in stages_to_write(stages)
    ]
    return document


def _plain(content: BlockContent) -> dict[str, Any]:
    value = to_json(content)
    for item in value["items"]:
        item.pop("id")
    return value


def export_yaml(stages: Iterable[Stage] | None = None) -> str:
    """The document as YAML."""
    return yaml.safe_dump(export_document(stages), sort_keys=False, allow_unicode=True, width=110)
