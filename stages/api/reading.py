"""Routes of what the pages tell beside the content: completeness and why, reviews that run out, two stages compared."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from portal.roles import Role
from stages import queries
from stages.api.serializers.reading import (
    BoardSerializer,
    CompletenessSerializer,
    ReviewDueSerializer,
    WithinSerializer,
)
from stages.completeness import Part, Score
from stages.models import BlockKind, Section, Stage

if TYPE_CHECKING:
    from stages.stage_page import BlockView, StagePage

SECTION = OpenApiParameter("section", str, description="Only the stages of this section, by its key.")
WITHIN = OpenApiParameter("within", int, description="Run out already or within so many days; 30 where none is given.")
MOST_REVIEWS = 10_000


class CompletenessViewSet(viewsets.GenericViewSet[Any]):
    """How complete the page of each stage is, the least complete first."""

    read_role = Role.VIEWER
    write_role = Role.EDITOR
    serializer_class = CompletenessSerializer
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Any]:
        """What the OpenAPI document is made from."""
        return Stage.objects.none()

    def board(self, request: Request) -> queries.Board:
        """The board as asked for."""
        section = request.query_params.get("section", "")
        if section and not Section.objects.filter(key=section).exists():
            raise ValidationError({"section": [f"There is no section {section}."]})
        return queries.board(section)

    @extend_schema(parameters=[SECTION])
    def list(self, request: Request) -> Response:
        """The stages in use with their scores, part by part, and what would raise each most."""
        page = self.paginate_queryset(cast(Any, self.board(request).rows))
        return self.get_paginated_response([score_data(row.stage, row.score) for row in page or ()])

    @extend_schema(parameters=[SECTION], responses=BoardSerializer)
    @action(detail=False, methods=["get"], pagination_class=None)
    def summary(self, request: Request) -> Response:
        """The mean, how many stages are complete, and what most of them lack."""
        board = self.board(request)
        return Response(
            {
                "stages": len(board.rows),
                "complete": board.complete,
                "average": board.average,
                "gaps": [{"title": gap.title, "stages": gap.stages} for gap in board.gaps],
            }
        )


class ReviewViewSet(viewsets.GenericViewSet[Any]):
    """Blocks whose last review ran out or soon does, the longest overdue first."""

    read_role = Role.VIEWER
    write_role = Role.EDITOR
    serializer_class = ReviewDueSerializer
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Any]:
        """What the OpenAPI document is made from."""
        return Stage.objects.none()

    @extend_schema(parameters=[WITHIN])
    def list(self, request: Request) -> Response:
        """Reviews to be made, with whom to ask."""
        asked = WithinSerializer(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        found = queries.reviews_due(within=timedelta(days=asked.validated_data["within"]), most=MOST_REVIEWS)
        page = self.paginate_queryset(cast(Any, found))
        return self.get_paginated_response(
            [
                {
                    "stage": one.block.stage.key,
                    "kind": one.block.kind,
                    "heading": one.block.heading if one.block.kind == BlockKind.OTHER else "",
                    "title": one.block.heading or one.block.get_kind_display(),
                    "owner": one.block.owner.username if one.block.owner else None,
                    "due_on": one.on,
                    "is_over": one.is_over,
                }
                for one in page or ()
            ]
        )


def score_data(stage: Stage, score: Score) -> dict[str, Any]:
    """A score as JSON, with its parts in reading order."""
    return {
        "stage": stage.key,
        "name": stage.name,
        "section": stage.section.key if stage.section else None,
        "percent": score.percent,
        "owner": score.owner,
        "best": score.best.kind if score.best else None,
        "parts": [part_data(part) for part in score.parts],
    }


def part_data(part: Part) -> dict[str, Any]:
    """A part of a score as JSON: what it adds, what filling it would, why, and whom to ask."""
    return {
        "kind": part.kind,
        "title": part.title,
        "filled": part.filled.value,
        "weight": part.weight,
        "points": part.points,
        "gain": part.gain,
        "why": part.why,
        "owner": part.owner,
    }


def compared(left: StagePage, right: StagePage) -> tuple[list[tuple[BlockView | None, BlockView | None]], list[int]]:
    """The blocks of two pages side by side where either says something, and the resources that both use."""
    others = {(block.kind, block.heading): block for block in right.blocks}
    rows: list[tuple[BlockView | None, BlockView | None]] = [
        (block, others.pop((block.kind, block.heading), None)) for block in left.blocks
    ]
    rows += [(None, block) for block in others.values()]
    told = [row for row in rows if any(block and not block.content.is_empty for block in row)]
    used = [{view.resource_id for block in page.blocks for view in block.items} for page in (left, right)]
    return told, sorted(pk for pk in used[0] & used[1] if pk is not None)


def other_stage(key: str) -> Stage:
    """The stage to compare with."""
    found = Stage.objects.select_related("section").filter(key=key).first()
    if found is None:
        raise NotFound(f"There is no stage {key}.")
    return found
