"""Reading aids: the crash course as one long page, two stages side by side, exports."""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from portal.permissions import has_role, requires
from portal.roles import Role
from stages.conf import handbook_url
from stages.editing import content_of
from stages.handbook.exporting import FORMS
from stages.handbook.template import BY_KIND
from stages.models import Block, PageText, Placement, Stage, StartingPoint
from stages.pages.editor import find_stage
from stages.stage_page import BlockView, ItemView, item_view, stage_page

TYPES = {"markdown": ("text/markdown", "md"), "json": ("application/json", "json"), "yaml": ("application/yaml", "yml")}


@requires(Role.VIEWER)
def crash_course(request: HttpRequest) -> HttpResponse:
    """Every stage's filled blocks on one page; five queries however many stages there are."""
    placements: dict[int, list[Any]] = defaultdict(list)
    for placement in Placement.objects.select_related("resource__link_check", "group__stage"):
        placements[placement.block_id].append(placement)
    base = handbook_url()
    blocks: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for block in Block.objects.all():
        content = content_of(block, placements[block.pk])
        if content.is_empty:
            continue
        items: list[ItemView] = [
            item_view(placement, item, base)
            for placement, item in zip(placements[block.pk], content.items, strict=True)
        ]
        template = BY_KIND.get(block.kind)
        title = block.heading or (template.heading if template else "")
        blocks[block.stage_id].append({"title": title, "content": content, "items": items, "kind": block.kind})
    stages = Stage.objects.filter(retired_on=None).select_related("section").order_by("section__order", "order")
    texts: dict[str, list[PageText]] = defaultdict(list)
    for text in PageText.objects.exclude(place=PageText.Place.FRONT):
        texts[f"section-{text.section_id}" if text.place == PageText.Place.SECTION else text.place].append(text)
    context = {
        "sections": [
            (section, texts[f"section-{section.pk if section else None}"], list(found))
            for section, found in groupby(
                ((stage, blocks[stage.pk]) for stage in stages), key=lambda entry: entry[0].section
            )
        ],
        "before": texts[PageText.Place.TOP],
        "after": [*texts[PageText.Place.START], *texts[PageText.Place.END]],
        "starting_points": StartingPoint.objects.all(),
        "may_edit_texts": has_role(request.user, Role.EDITOR),
    }
    return render(request, "stages/crash_course.html", context)


@requires(Role.VIEWER)
def compare(request: HttpRequest) -> HttpResponse:
    """Two stages side by side, block by block."""
    stages = list(Stage.objects.filter(retired_on=None).select_related("section").order_by("name"))
    by_key = {stage.key: stage for stage in stages}
    chosen = [by_key.get(request.GET.get(name, "")) for name in ("a", "b")]
    pages = [stage_page(stage, request.user) if stage else None for stage in chosen]
    rows: list[tuple[BlockView | None, BlockView | None]] = []
    if pages[0] and pages[1]:
        right = {(block.kind, block.heading): block for block in pages[1].blocks}
        rows = [(block, right.pop((block.kind, block.heading), None)) for block in pages[0].blocks]
        rows += [(None, block) for block in right.values()]
    told = [row for row in rows if any(block and not block.content.is_empty for block in row)]
    shared = [{view.resource_id for block in page.blocks for view in block.items} if page else set() for page in pages]
    context = {
        "stages": stages,
        "a": chosen[0],
        "b": chosen[1],
        "pages": pages,
        "rows": told,
        "empty": [left.title for left, _ in rows if left and (left, _) not in told],
        "both": shared[0] & shared[1],
    }
    return render(request, "stages/compare.html", context)


@requires(Role.VIEWER)
def export(request: HttpRequest, form: str, key: str = "") -> HttpResponse:
    """The catalog, or one stage, as Markdown, JSON or YAML."""
    if form not in TYPES:
        raise Http404(f"There is no export as {form}; there are {', '.join(TYPES)}.")
    stages = [find_stage(request, key)] if key else None
    text = FORMS[form](stages)
    media, ending = TYPES[form]
    response = HttpResponse(text, content_type=f"{media}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{key or "handbook"}.{ending}"'
    return response
