"""Routes of stages: beside what all entries have, the blocks of their pages and the page of a day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from typing import Any, ClassVar, cast

from django.db import transaction
from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.etags import answer_with_state, etag_of, require_match, with_state
from portal.api.permissions import require_role
from portal.api.problems import Conflict, PreconditionFailed
from portal.models import User
from portal.roles import Role
from stages import collaboration, following
from stages.api.common import SEVERAL, MatchRequired, as_problems, must_match, person, rows_of
from stages.api.filters import StageFilter
from stages.api.own import HEADING, KIND, OWN_ROLES, ReaderMixin, check_kind
from stages.api.reading import compared, other_stage, score_data
from stages.api.serializers.blocks import (
    BlockSerializer,
    BulkBlockSerializer,
    ComparedSerializer,
    KeepingSerializer,
    content_from,
)
from stages.api.serializers.entries import StageSerializer
from stages.api.serializers.history import (
    PageThenSerializer,
    RestorePageSerializer,
    RestoreSerializer,
    TimelineSerializer,
)
from stages.api.serializers.reading import CompletenessSerializer
from stages.api.serializers.resources import PlacingSerializer
from stages.api.structure import (
    BEFORE,
    CatalogViewSet,
    PeopleMixin,
    before_of,
    difference_data,
    documented,
    timeline_data,
)
from stages.content import BlockContent
from stages.editing import HeadingTaken, StaleBlock, ensure_block, find_block, save_block
from stages.history.page_of_day import PageThen, lock_page, page_of_day, restore_page
from stages.history.timeline import timeline
from stages.models import BlockKind, BlockRevision, Resource, Stage
from stages.resources import ResourceRefused, place_resource
from stages.stage_page import BlockView, block_views, stage_page, stages_complete
from stages.validation import cleaned

DAY = r"as-of/(?P<day>\d{4}-\d{2}-\d{2})"


@documented(StageSerializer, Stage)
class StageViewSet(ReaderMixin, PeopleMixin, CatalogViewSet):
    """Stages with their blocks."""

    model = Stage
    queryset = Stage.objects.all()
    serializer_class = StageSerializer
    filterset_class = StageFilter
    action_roles: ClassVar[dict[str, Role]] = {
        "bulk": Role.VIEWER,
        "bulk_blocks": Role.VIEWER,
        **OWN_ROLES,
    }

    def get_serializer_context(self) -> dict[str, Any]:
        """With the completeness of every stage."""
        context = dict(super().get_serializer_context())
        if not getattr(self, "swagger_fake_view", False):
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
        if request.method in SAFE_METHODS:
            # HEAD too: the router answers it by this method, and it must not write.
            return answer_with_state(request, etag, lambda: Response(block_data(view)))
        must_match_content(request, view)
        serializer = BlockSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        write_block(stage, kind, view.heading, serializer.validated_data, view.version, cast(User, request.user))
        after = find_view(stage, kind, view.heading or request.query_params.get("heading", ""))
        return with_state(Response(block_data(after), status=201 if view.version == 0 else 200), block_etag(after))

    @extend_schema(parameters=[HEADING], request=PlacingSerializer, responses={201: BlockSerializer})
    @action(detail=True, methods=["post"], url_path=rf"{KIND}/items", pagination_class=None)
    def place(self, request: Request, key: str = "", kind: str = "") -> Response:
        """Place a shared resource in a block of its kind. Needs ``If-Match`` once the block has content."""
        stage = self.get_object()
        heading = request.query_params.get("heading", "")
        view = find_view(stage, kind, heading)
        must_match_content(request, view)
        serializer = PlacingSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        resource = Resource.objects.filter(pk=asked["resource"]).first()
        if resource is None or resource.kind != kind:
            raise ValidationError({"resource": [f"There is no resource {asked['resource']} of the kind {kind}."]})
        if kind == BlockKind.OTHER and not heading:
            raise ValidationError({"heading": ["Name the block by ?heading=."]})
        try:
            place_resource(
                resource=resource, stage=stage, heading=heading if kind == BlockKind.OTHER else "",
                label=asked["label"], description=asked["description"], position=asked["position"],
                base_version=view.version, actor=person(request), how="api", reason=asked["reason"],
            )  # fmt: skip
        except ResourceRefused as error:
            raise ValidationError({name: [sentence] for name, sentence in error.errors.items()}) from error
        except StaleBlock as error:
            raise PreconditionFailed from error
        after = find_view(stage, kind, heading)
        return with_state(Response(block_data(after), status=201), block_etag(after))

    @extend_schema(parameters=[HEADING], request=KeepingSerializer, responses=BlockSerializer)
    @action(detail=True, methods=["post"], url_path=rf"{KIND}/review", pagination_class=None)
    def review(self, request: Request, key: str = "", kind: str = "") -> Response:
        """Say who keeps a block, that it is right as it stands, how long that holds. Needs ``If-Match``."""
        stage, view = self.matched_block(request, kind)
        serializer = KeepingSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        block = find_block(stage, kind, view.heading) or (ensure_block(stage, kind) if kind != "other" else None)
        if block is None:
            raise NotFound("There is no such block.")
        with transaction.atomic():
            if "owner" in asked:
                keeper = asked["owner"] or ""
                owner = User.objects.filter(username=keeper, is_active=True).first() if keeper else None
                if keeper and owner is None:
                    raise ValidationError({"owner": [f"There is nobody with the username {keeper}."]})
                collaboration.own(block=block, user=owner, actor=person(request))
            if asked["reviewed"] or "review_every_days" in asked:
                collaboration.review(
                    block=block, actor=person(request), every_days=asked.get("review_every_days"),
                    reviewed=asked["reviewed"],
                )  # fmt: skip
        after = find_view(stage, kind, view.heading)
        return with_state(Response(block_data(after)), block_etag(after))

    @extend_schema(parameters=[HEADING], request=RestoreSerializer, responses=BlockSerializer)
    @action(detail=True, methods=["post"], url_path=rf"{KIND}/restore", pagination_class=None)
    def restore_block(self, request: Request, key: str = "", kind: str = "") -> Response:
        """Bring an earlier version of a block back; what was in between stays in the history. Needs ``If-Match``."""
        stage, view = self.matched_block(request, kind)
        serializer = RestoreSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        version = serializer.validated_data["version"]
        revision = BlockRevision.objects.filter(block=view.pk, version=version).select_related("block").first()
        if revision is None:
            raise ValidationError({"version": [f"There is no version {version} of this block."]})
        revision.block.stage = stage
        reason = serializer.validated_data["reason"]
        # Whoever writes between the check of the ETag and the lock is not overwritten: the version is asked again.
        with stale_as_problem():
            collaboration.restore(revision=revision, actor=person(request), reason=reason, base_version=view.version)
        after = find_view(stage, kind, view.heading)
        return with_state(Response(block_data(after)), block_etag(after))

    @extend_schema(parameters=[HEADING, BEFORE], responses=TimelineSerializer)
    @action(detail=True, methods=["get"], url_path=rf"{KIND}/history", pagination_class=None)
    def block_history(self, request: Request, key: str = "", kind: str = "") -> Response:
        """The versions of a block, newest first, and who kept and reviewed it."""
        stage = self.get_object()
        check_kind(kind)
        block = find_block(stage, kind, request.query_params.get("heading", ""))
        if block is None:
            return Response({"older": None, "happenings": []})
        return Response(timeline_data(timeline(stage, before=before_of(request), block=block)))

    @extend_schema(responses=PageThenSerializer)
    @action(detail=True, methods=["get"], url_path=DAY, pagination_class=None)
    def as_of(self, request: Request, key: str = "", day: str = "") -> Response:
        """What bringing the page back to the end of a day would change; its ETag is for doing it."""
        then = page_of_day(self.get_object(), moment_of(day), user=person(request))
        return Response(page_data(then), headers={"ETag": page_etag(then)})

    @extend_schema(request=RestorePageSerializer, responses=PageThenSerializer)
    @action(detail=True, methods=["post"], url_path=rf"{DAY}/restore", pagination_class=None)
    def restore_page(self, request: Request, key: str = "", day: str = "") -> Response:
        """Bring the page of the end of a day back, all of it or nothing; the answer is what changed.

        Needs the ETag of ``as-of`` as ``If-Match``: what is restored is what was shown. ``without`` leaves changes of
        the structure out.
        """
        stage, moment, user = self.get_object(), moment_of(day), person(request)
        serializer = RestorePageSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        with as_problems(), transaction.atomic():
            lock_page(stage)
            must_match(request, page_etag(page_of_day(stage, moment, user=user)))
            then = restore_page(stage=stage, moment=moment, actor=user, without=serializer.validated_data["without"])
        return Response(page_data(then))

    @extend_schema(parameters=[HEADING], request=None, responses=BlockSerializer)
    @action(detail=True, methods=["post"], url_path=rf"{KIND}/undo", pagination_class=None)
    def undo_block(self, request: Request, key: str = "", kind: str = "") -> Response:
        """Take the last save of a block back. Needs ``If-Match``: what is taken back is what was read."""
        stage, view = self.matched_block(request, kind)
        block = find_block(stage, kind, view.heading)
        if block is None or not view.version:
            raise Conflict("Nothing was saved here yet.")
        block.stage = stage
        with stale_as_problem():
            collaboration.undo(block=block, version=view.version, actor=person(request))
        return self.block_now(stage, kind, view.heading)

    @extend_schema(request=None, responses=BlockSerializer)
    @action(detail=True, methods=["post"], url_path=rf"{KIND}/confirm", pagination_class=None)
    def confirm_block(self, request: Request, key: str = "", kind: str = "") -> Response:
        """Make what the structure files say (``derived``) the block's own. Needs ``If-Match``."""
        stage, view = self.matched_block(request, kind)
        shown = next((one for one in stage_page(stage, request.user).blocks if one.kind == kind), view)
        if not view.content.is_empty:
            raise Conflict("The block has content of its own.")
        if shown.derived_content == BlockContent():
            raise Conflict("The structure files say nothing of it.")
        with stale_as_problem():
            collaboration.confirm(
                stage=stage, kind=kind, content=shown.derived_content, actor=person(request),
                base_version=view.version,
            )  # fmt: skip
        return self.block_now(stage, kind)

    @extend_schema(request=None, responses=BlockSerializer)
    @action(detail=True, methods=["post"], url_path=rf"{KIND}/give-back", pagination_class=None)
    def give_block_back(self, request: Request, key: str = "", kind: str = "") -> Response:
        """Give the block back to the structure files: without content it says what they say. Needs ``If-Match``."""
        stage, view = self.matched_block(request, kind)
        if kind == BlockKind.OTHER:
            raise Conflict("The structure files say nothing of blocks of your own.")
        with stale_as_problem():
            collaboration.give_back(stage=stage, kind=kind, actor=person(request), base_version=view.version)
        return self.block_now(stage, kind)

    @extend_schema(responses=CompletenessSerializer)
    @action(detail=True, methods=["get"], pagination_class=None)
    def completeness(self, request: Request, key: str = "") -> Response:
        """How complete the page is, part by part, why, and what would raise it most."""
        stage = self.get_object()
        return Response(score_data(stage, stage_page(stage, request.user).score))

    @extend_schema(responses=ComparedSerializer)
    @action(detail=True, methods=["get"], url_path=r"compare/(?P<other>[^/]+)", pagination_class=None)
    def compare(self, request: Request, key: str = "", other: str = "") -> Response:
        """This stage and another side by side, block by block, and the resources that both use."""
        stages = self.get_object(), other_stage(other)
        pages = [stage_page(stage, request.user) for stage in stages]
        rows, both = compared(*pages)
        blocks = [
            {
                "kind": (left or right).kind,  # type: ignore[union-attr]
                "title": (left or right).title,  # type: ignore[union-attr]
                "a": block_data(left) if left else None,
                "b": block_data(right) if right else None,
            }
            for left, right in rows
        ]
        return Response({"a": stages[0].key, "b": stages[1].key, "blocks": blocks, "resources": both})

    def block_now(self, stage: Stage, kind: str, heading: str = "") -> Response:
        """A block as it stands now, with its ETag."""
        after = find_view(stage, kind, heading)
        return with_state(Response(block_data(after)), block_etag(after))

    def matched_block(self, request: Request, kind: str) -> tuple[Stage, BlockView]:
        """The block as it stands, once the request says that it was made from that."""
        stage = self.get_object()
        view = find_view(stage, kind, request.query_params.get("heading", ""))
        must_match(request, block_etag(view))
        return stage, view

    @extend_schema(request=BulkBlockSerializer(many=True), responses=BlockSerializer(many=True))
    @action(detail=False, methods=["post"], url_path="blocks/bulk", pagination_class=None)
    def bulk_blocks(self, request: Request) -> Response:
        """Write blocks of many stages, all of them or none; what is the same already stays untouched."""
        rows = rows_of(request, BulkBlockSerializer)
        stages = {stage.key: stage for stage in Stage.objects.select_related("section")}
        user = cast(User, request.user)
        written = []
        with transaction.atomic(), following.as_one(user, SEVERAL):
            for number, row in enumerate(rows):
                stage = stages.get(row["stage"])
                if stage is None:
                    raise ValidationError({f"{number}.stage": [f"There is no stage {row['stage']}."]})
                require_role(request, Role.EDITOR, stage.scopes)
                check_kind(row["kind"])
                heading = row["heading"] if row["kind"] == BlockKind.OTHER else ""
                write_block(stage, row["kind"], heading, row, row["version"], user, prefix=f"{number}.")
                written.append((stage, row["kind"], heading))
            views = {key: block_views(stages[key], {}) for key in {stage.key for stage, _, _ in written}}
            return Response(
                [block_data(find_view(stage, kind, heading, views[stage.key])) for stage, kind, heading in written]
            )


def find_view(stage: Stage, kind: str, heading: str = "", views: Iterable[BlockView] | None = None) -> BlockView:
    """The block as the page would show it, without derived facts; found among ``views`` where they are known."""
    check_kind(kind)
    for view in block_views(stage, {}) if views is None else views:
        if view.kind == kind and view.heading == heading:
            return view
    if kind != BlockKind.OTHER:
        raise NotFound(f"There is no block {kind}.")
    content = BlockContent(heading=heading)
    return BlockView(stage=stage, kind=kind, title=heading, anchor="other", help="", content=content)


def must_match_content(request: Request, view: BlockView) -> None:
    """Refuse a write made from another state; what has no content yet may be written without having been read."""
    require_match(request, block_etag(view))
    if "If-Match" not in request.headers and not view.content.is_empty:
        raise MatchRequired


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
                "resource": one.resource_id,
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
        "owner": view.owner,
        "reviewed_on": view.reviewed_on,
        "review_every_days": view.review_every_days,
        "review_due": view.review_due,
    }


def write_block(
    stage: Stage, kind: str, heading: str, data: dict[str, Any], version: int | None, user: User, *, prefix: str = ""
) -> None:
    """Save a block as the pages do: the same validation, the same verb."""
    content, errors = cleaned(content_from(data), kind)
    if errors:
        raise ValidationError({f"{prefix}{name}": [sentence] for name, sentence in errors.items()})
    with stale_as_problem(prefix), transaction.atomic():
        save_block(
            stage=stage, kind=kind, heading=heading or content.heading, content=content, base_version=version,
            actor=user, how="api", reason=data.get("reason", ""),
        )  # fmt: skip


@contextmanager
def stale_as_problem(prefix: str = "") -> Iterator[None]:
    """A block that went on since it was read, as 412; a heading that another one has, as an error of the heading."""
    try:
        yield
    except StaleBlock as error:
        raise PreconditionFailed from error
    except HeadingTaken as error:
        raise ValidationError({f"{prefix}heading": [str(error)]}) from error


def moment_of(day: str) -> datetime:
    """The end of a day."""
    try:
        return datetime.combine(date.fromisoformat(day), time.max, tzinfo=UTC)
    except ValueError as error:
        raise ValidationError({"day": [f"{day} is no day."]}) from error


def page_data(then: PageThen) -> dict[str, Any]:
    """The page of a day as JSON."""
    ids = [one.id for one in then.structure]
    changes = [
        {
            "id": ids[number] if number < len(ids) else None,
            "title": title,
            "differences": [difference_data(one) for one in told],
        }
        for number, (title, told) in enumerate(then.changes)
    ]
    return {"moment": then.moment, "changes": changes, "left": then.left}


def page_etag(then: PageThen) -> str:
    """What would change, as one value: another change of the page meanwhile makes another one."""
    return etag_of("page then", then.stage.pk, then.moment, repr(then.changes))
