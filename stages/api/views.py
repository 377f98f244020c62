"""Routes of the catalog."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import APIException, NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from portal.api.etags import answer_with_etag, etag_of, require_match
from portal.api.permissions import require_role
from portal.api.problems import PreconditionFailed
from portal.models import User
from portal.roles import Role
from stages.api.serializers import (
    BlockSerializer,
    BulkBlockSerializer,
    CategorySerializer,
    GroupSerializer,
    ResourceSerializer,
    SectionSerializer,
    StageSerializer,
    StartingPointSerializer,
    content_from,
)
from stages.content import BlockContent
from stages.editing import StaleBlock, save_block
from stages.models import BlockKind, Category, Group, Resource, Section, Stage, StartingPoint
from stages.resources import StaleResource, change_resource, stages_not_edited
from stages.restructuring import RestructureRefused, change_fields
from stages.stage_page import BlockView, block_views, stage_page, stages_complete
from stages.validation import cleaned


def reason_of(request: Request) -> str:
    """The reason that a change came with."""
    return str(request.data.get("reason", "")) if isinstance(request.data, dict) else ""


class MatchRequired(APIException):
    """A write that might overwrite somebody's work must say what it was made from."""

    status_code = status.HTTP_428_PRECONDITION_REQUIRED
    default_detail = "This would overwrite what is there. Send the ETag that you read as If-Match."
    default_code = "precondition_required"


def must_match(request: Request, etag: str) -> None:
    """Refuse a change that does not say what it was made from (428) or was made from another state (412)."""
    if "If-Match" not in request.headers:
        raise MatchRequired
    require_match(request, etag)


class CatalogViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Any]):
    """Lists and single entries by key; ``?in_structure=``, ``?retired=`` and the parent's key filter the list."""

    read_role = Role.VIEWER
    write_role = Role.EDITOR
    lookup_field = "key"
    lookup_value_regex = "[^/]+"
    editable: tuple[str, ...] = ("description", "direction", "handbook")

    def get_scopes(self, entry: Any) -> Iterable[str]:
        """What a role may be limited to."""
        return cast("tuple[str, ...]", entry.scopes)

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The list as asked for."""
        found = super().filter_queryset(queryset)
        asked = self.request.query_params
        if asked.get("retired", "") != "true" and self.action == "list":
            found = found.filter(retired_on=None)
        for parent in ("section", "stage"):
            if asked.get(parent) and hasattr(found.model, parent):
                found = found.filter(**{f"{parent}__key": asked[parent]})
        return found

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One entry with its ETag."""
        entry = self.get_object()
        etag = etag_of(type(entry).__name__, entry.pk, entry.version)
        return cast(Response, answer_with_etag(request, etag, lambda: Response(self.get_serializer(entry).data)))

    @extend_schema(responses={200: None})
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change fields of one entry; needs ``If-Match``, ``reason`` is kept in the history."""
        entry = self.get_object()
        must_match(request, etag_of(type(entry).__name__, entry.pk, entry.version))
        serializer = self.get_serializer(entry, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        values = {name: value for name, value in serializer.validated_data.items() if name in self.editable}
        try:
            change_fields(entry=entry, values=values, actor=cast(User, request.user), reason=reason_of(request))
        except RestructureRefused as error:
            raise ValidationError({error.field or "detail": [str(error)]}) from error
        after = self.get_object()
        return Response(
            self.get_serializer(after).data, headers={"ETag": etag_of(type(after).__name__, after.pk, after.version)}
        )


class SectionViewSet(CatalogViewSet):
    """Sections."""

    queryset = Section.objects.all()
    serializer_class = SectionSerializer
    editable = ("description", "direction", "handbook", "slack_channel")


class GroupViewSet(CatalogViewSet):
    """Groups."""

    queryset = Group.objects.select_related("stage__section").prefetch_related("categories")
    serializer_class = GroupSerializer
    editable = (
        "description", "direction", "handbook", "body", "roadmap", "slack_channel", "focus", "label",
        "usage_driver_score", "asp_driver_score", "sam_driver_score",
    )  # fmt: skip


class CategoryViewSet(CatalogViewSet):
    """Categories. Lowering the maturity needs a ``reason``."""

    queryset = Category.objects.select_related("stage__section").prefetch_related("groups__stage__section")
    serializer_class = CategorySerializer
    editable = (
        "description", "direction", "handbook", "documentation", "maturity", "available", "viable", "complete",
        "lovable", "priority_level",
    )  # fmt: skip

    def get_scopes(self, entry: Category) -> Iterable[str]:
        """The scopes of its groups, else of its own stage."""
        scopes = [scope for group in entry.groups.all() for scope in group.scopes]
        return scopes or (entry.stage.scopes if entry.stage else ())


HEADING = OpenApiParameter("heading", str, description="Which block, of those of the kind other.")


class StageViewSet(CatalogViewSet):
    """Stages with their blocks."""

    queryset = Stage.objects.select_related("section")
    serializer_class = StageSerializer
    editable = (
        "description", "direction", "handbook", "body", "roadmap", "slack_channel", "established", "lifecycle",
        "usage_driver_score", "revenue_driver_score", "sam_driver_score",
    )  # fmt: skip

    def get_serializer_context(self) -> dict[str, Any]:
        """With the completeness of every stage."""
        context = dict(super().get_serializer_context())
        if not getattr(self, "swagger_fake_view", False) and self.action in ("list", "retrieve", "partial_update"):
            context["scores"] = stages_complete()
        return context

    @extend_schema(responses=BlockSerializer(many=True))
    @action(detail=True, methods=["get"], pagination_class=None)
    def blocks(self, request: Request, key: str = "") -> Response:
        """All blocks of the stage in reading order, empty ones as well."""
        stage = self.get_object()
        return Response([block_data(view) for view in stage_page(stage, request.user).blocks])

    @extend_schema(methods=["GET"], parameters=[HEADING], responses=BlockSerializer)
    @extend_schema(methods=["PUT"], parameters=[HEADING], request=BlockSerializer, responses=BlockSerializer)
    @action(detail=True, methods=["get", "put"], url_path=r"blocks/(?P<kind>[a-z_]+)", pagination_class=None)
    def block(self, request: Request, key: str = "", kind: str = "") -> HttpResponseBase:
        """One block. Writing it whole needs ``If-Match`` once it has content; 412 says that somebody was quicker."""
        stage = self.get_object()
        view = find_view(stage, kind, request.query_params.get("heading", ""))
        etag = block_etag(view)
        if request.method == "GET":
            return answer_with_etag(request, etag, lambda: Response(block_data(view)))
        require_match(request, etag)
        if "If-Match" not in request.headers and not view.content.is_empty:
            raise MatchRequired
        serializer = BlockSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        write_block(stage, kind, view.heading, serializer.validated_data, view.version, cast(User, request.user))
        after = find_view(stage, kind, view.heading or request.query_params.get("heading", ""))
        response = Response(block_data(after), status=201 if view.version == 0 else 200)
        response["ETag"] = block_etag(after)
        return response

    @extend_schema(request=BulkBlockSerializer(many=True), responses=BlockSerializer(many=True))
    @action(detail=False, methods=["post"], url_path="blocks/bulk", pagination_class=None)
    def bulk(self, request: Request) -> Response:
        """Write blocks of many stages, all of them or none; what is the same already stays untouched."""
        serializer = BulkBlockSerializer(data=request.data, many=True)
        serializer.is_valid(raise_exception=True)
        rows = serializer.validated_data
        if len(rows) > 1000:
            raise ValidationError({"detail": ["At most 1,000 blocks at a time."]})
        stages = {stage.key: stage for stage in Stage.objects.select_related("section")}
        answers = []
        with transaction.atomic():
            for number, row in enumerate(rows):
                stage = stages.get(row["stage"])
                if stage is None:
                    raise ValidationError({f"{number}.stage": [f"There is no stage {row['stage']}."]})
                require_role(request, Role.EDITOR, stage.scopes)
                check_kind(row["kind"])
                heading = row["heading"] if row["kind"] == BlockKind.OTHER else ""
                user = cast(User, request.user)
                write_block(stage, row["kind"], heading, row, row["version"], user, prefix=f"{number}.")
                answers.append(block_data(find_view(stage, row["kind"], heading)))
        return Response(answers)

    action_roles = {"bulk": Role.VIEWER}  # Each block's stage is asked about in turn.


def check_kind(kind: str) -> None:
    """Refuse a kind that there is not."""
    if kind not in BlockKind.values:
        raise NotFound(f"There is no kind of block {kind}; there are {', '.join(BlockKind.values)}.")


def find_view(stage: Stage, kind: str, heading: str = "") -> BlockView:
    """The block as the page would show it, without derived facts."""
    check_kind(kind)
    for view in block_views(stage, {}):
        if view.kind == kind and view.heading == heading:
            return view
    if kind != BlockKind.OTHER:
        raise NotFound(f"There is no block {kind}.")
    content = BlockContent(heading=heading)
    return BlockView(stage=stage, kind=kind, title=heading, anchor="other", help="", content=content)


def block_etag(view: BlockView) -> str:
    """What an edit of the block must have been made from."""
    return etag_of("block", view.stage.pk, view.kind, view.heading, view.version)


def block_data(view: BlockView) -> dict[str, Any]:
    """A block as JSON."""
    return {
        "stage": view.stage.key,
        "kind": view.kind,
        "version": view.version,
        "heading": view.content.heading,
        "note": view.content.note,
        "body": view.content.body,
        "not_applicable": view.content.not_applicable,
        "items": [
            {
                "id": one.item.id,
                "label": one.item.label,
                "url": one.item.url,
                "description": one.item.description,
                "text": one.item.text,
                "dialect": one.item.dialect,
                "doc_label": one.item.doc_label,
            }
            for one in view.items
        ],
        "derived": [
            {"label": one.item.label, "url": one.item.url, "description": one.item.description} for one in view.derived
        ],
        "placeholders": len(view.content.placeholders),
        "filled": view.filled.value,
        "changed_at": view.changed_at,
        "changed_by": view.changed_by,
    }


def write_block(
    stage: Stage, kind: str, heading: str, data: dict[str, Any], version: int | None, user: User, *, prefix: str = ""
) -> None:
    """Save a block as the pages do: the same validation, the same verb."""
    content, errors = cleaned(content_from(data), kind)
    if errors:
        raise ValidationError({f"{prefix}{name}": [sentence] for name, sentence in errors.items()})
    try:
        save_block(
            stage=stage, kind=kind, heading=heading or content.heading, content=content, base_version=version,
            actor=user, how="api", reason=data.get("reason", ""),
        )  # fmt: skip
    except StaleBlock as error:
        raise PreconditionFailed from error


class ResourceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Any]):
    """Resources: who keeps them, who can open them, whether they are official, and which stages use them."""

    read_role = Role.VIEWER
    write_role = Role.EDITOR
    queryset = Resource.objects.prefetch_related("placements__block__stage__section")
    serializer_class = ResourceSerializer

    def get_scopes(self, resource: Resource) -> Iterable[str]:
        """The scopes of the stages that use it."""
        return [scope for one in resource.placements.all() for scope in one.block.stage.scopes]

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """``?kind=`` and ``?stage=``."""
        asked = self.request.query_params
        if asked.get("kind"):
            queryset = queryset.filter(kind=asked["kind"])
        if asked.get("stage"):
            queryset = queryset.filter(placements__block__stage__key=asked["stage"]).distinct()
        return queryset

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One resource with its ETag."""
        found = self.get_object()
        etag = etag_of("resource", found.pk, found.version)
        return cast(Response, answer_with_etag(request, etag, lambda: Response(self.get_serializer(found).data)))

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Say what it is called and where it is, who keeps it, who can open it, whether it is official.

        Another label or address is one for all stages that use it and a version of each of their blocks; it needs
        the role editor for all of them. Needs ``If-Match``.
        """
        found = self.get_object()
        must_match(request, etag_of("resource", found.pk, found.version))
        serializer = self.get_serializer(found, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        user, values = cast(User, request.user), serializer.validated_data
        if any(values.get(name, getattr(found, name)) != getattr(found, name) for name in ("label", "url")):
            foreign = stages_not_edited(found, user)
            if foreign:
                raise PermissionDenied(f"Its link is that of {', '.join(foreign)} as well, which you may not edit.")
        try:
            change_resource(pk=found.pk, values=values, version=found.version, actor=user, how="api")
        except StaleResource as error:
            raise PreconditionFailed from error
        after = self.get_object()
        return Response(self.get_serializer(after).data, headers={"ETag": etag_of("resource", after.pk, after.version)})


class StartingPointViewSet(viewsets.ModelViewSet[StartingPoint]):
    """Helpful places to start. Changing or deleting one needs ``If-Match``."""

    read_role = Role.VIEWER
    write_role = Role.EDITOR
    queryset = StartingPoint.objects.all()
    serializer_class = StartingPointSerializer

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One with its ETag."""
        found = self.get_object()
        etag = etag_of("starting point", found.pk, found.version)
        return cast(Response, answer_with_etag(request, etag, lambda: Response(self.get_serializer(found).data)))

    @transaction.atomic
    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change one; its version goes up."""
        self._matched(request)
        response = super().update(request, *args, **kwargs)
        response["ETag"] = etag_of("starting point", response.data["id"], response.data["version"])
        return response

    @transaction.atomic
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take one away."""
        self._matched(request)
        return super().destroy(request, *args, **kwargs)

    def perform_update(self, serializer: BaseSerializer[StartingPoint]) -> None:
        """Save with the next version."""
        assert serializer.instance is not None  # noqa: S101
        serializer.save(version=serializer.instance.version + 1)

    def _matched(self, request: Request) -> None:
        found = self.get_object()
        locked = StartingPoint.objects.select_for_update().get(pk=found.pk)
        must_match(request, etag_of("starting point", locked.pk, locked.version))
