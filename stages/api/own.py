"""Routes of what is one's own at an entry or a text: drafts, following, visits. Nobody else sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from portal.roles import Role
from stages import collaboration, drafts
from stages.api.common import own_text_as_problem, person
from stages.api.serializers.blocks import content_from
from stages.api.serializers.own import (
    FACT_DRAFTS,
    BlockDraftSerializer,
    DraftSerializer,
    FollowSerializer,
    PeopleDraftSerializer,
    VisitSerializer,
)
from stages.blockform import BlockForm
from stages.contacts import people_in_lines
from stages.content import to_json
from stages.drafts import Subject
from stages.factform import form_class
from stages.facts import Entry
from stages.models import BlockKind, Draft, Follow, PageText, Section
from stages.own_texts import OwnText, as_typed, must_have_place, where
from stages.stage_page import stage_named, stage_page
from stages.validation import LONGEST_HEADING
from stages.visits import note_visit

if TYPE_CHECKING:
    from stages.api.own_texts import OwnTextViewSet
    from stages.api.structure import CatalogViewSet

Route = TypeVar("Route", bound=Callable[..., Any])
HEADING = OpenApiParameter("heading", str, description="Which block, of those of the kind other.")
KIND = r"blocks/(?P<kind>[a-z_]+)"
PLACE = (
    OpenApiParameter("place", str, description="Where the new text is to stand."),
    OpenApiParameter("section", str, description="The key of the section that it is to stand in."),
)
OWN_ROLES = {"follow": Role.VIEWER, "visit": Role.VIEWER, "block_draft": Role.VIEWER}
"""What every reader may have of a stage: also a draft of a block, since everyone may suggest one."""


def check_kind(kind: str) -> None:
    """Refuse a kind of block that there is not."""
    if kind not in BlockKind.values:
        raise NotFound(f"There is no kind of block {kind}; there are {', '.join(BlockKind.values)}.")


def documented_draft(
    serializer: type[DraftSerializer], *parameters: OpenApiParameter, name: str = ""
) -> Callable[[Route], Route]:
    """What the OpenAPI document says of the three methods of a draft, as one decorator.

    ``name`` begins the operations' ids where those that come from the address would be another route's.
    """
    bodies: dict[str, tuple[str, dict[str, Any]]] = {
        "GET": ("retrieve", {"responses": serializer}),
        "PUT": ("update", {"request": serializer, "responses": serializer}),
        "DELETE": ("destroy", {"responses": {204: None}}),
    }

    def decorate(method: Route) -> Route:
        for verb, (does, said) in bodies.items():
            named = f"{name}_{does}" if name else None
            method = extend_schema(methods=[verb], parameters=[*parameters], operation_id=named, **said)(method)
        return method

    return decorate


class FactDraftMixin:
    """Your draft of the facts of an entry."""

    @action(detail=True, methods=["get", "put", "delete"], pagination_class=None)
    def draft(self, request: Request, key: str = "") -> Response:
        """What you typed into the facts and have not saved; nobody else sees it. What says what stands is none."""
        view = cast("CatalogViewSet", self)
        entry, user = cast(Entry, view.get_object()), person(request)
        subject, form = drafts.of_facts(entry), form_class(type(entry))
        if request.method == "PUT":
            serializer = FACT_DRAFTS[type(entry)](data=request.data)
            serializer.is_valid(raise_exception=True)
            asked = serializer.validated_data
            typed = {**form(entry).as_it_stands(), **asked["facts"], "reason": asked["reason"]}
            if form(entry, typed).says_what_stands(entry):
                drafts.drop(user=user, subject=subject)
                return Response(fact_draft(typed, asked["base_version"]))
            drafts.keep(user=user, subject=subject, form=typed, base_version=asked["base_version"])
        if request.method == "DELETE":
            return dropped(request, subject)
        kept = found(request, subject)
        return Response({**fact_draft(kept.form, kept.base_version), "saved_at": kept.saved_at})


class PeopleDraftMixin:
    """Your draft of who is responsible for an entry."""

    @documented_draft(PeopleDraftSerializer)
    @action(detail=True, methods=["get", "put", "delete"], url_path="people/draft", pagination_class=None)
    def people_draft(self, request: Request, key: str = "") -> Response:
        """What you typed of the people and have not saved; nobody else sees it. What says what stands is none."""
        entry = cast("CatalogViewSet", self).get_object()
        stands = {"people": people_in_lines(entry)} if request.method == "PUT" else {}
        return text_draft(request, drafts.of_people(entry), PeopleDraftSerializer, stands)


class OwnTextDraftMixin:
    """Your drafts of places to start, or of texts of the page."""

    draft_serializer: type[DraftSerializer]

    @action(detail=True, methods=["get", "put", "delete"], pagination_class=None)
    def draft(self, request: Request, pk: str = "") -> Response:
        """What you typed and have not saved; nobody else sees it. What says what stands is none."""
        row: OwnText = cast("OwnTextViewSet", self).get_object()
        return text_draft(request, drafts.of_own_text(type(row), row.pk), self.draft_serializer, as_typed(row))

    @action(
        detail=False, methods=["get", "put", "delete"], url_path="draft", pagination_class=None, filterset_class=None
    )
    def draft_of_new(self, request: Request) -> Response:
        """What you typed for a new one and have not saved; of texts one draft for each place."""
        model = cast("OwnTextViewSet", self).model
        place = place_of_new(request) if model is PageText else ""
        return text_draft(request, drafts.of_own_text(model, None, place), self.draft_serializer, {})


class ReaderMixin:
    """What is one's own at a stage: drafts of its blocks, following it, the last visit."""

    @documented_draft(BlockDraftSerializer, HEADING)
    @action(detail=True, methods=["get", "put", "delete"], url_path=rf"{KIND}/draft", pagination_class=None)
    def block_draft(self, request: Request, key: str = "", kind: str = "") -> Response:
        """What you typed for a block and have not saved; nobody else sees it. What says what the block says is none."""
        stage, user = cast("CatalogViewSet", self).get_object(), person(request)
        check_kind(kind)
        heading = request.query_params.get("heading", "")[:LONGEST_HEADING] if kind == BlockKind.OTHER else ""
        if request.method == "DELETE":
            collaboration.drop_draft(user=user, stage=stage, kind=kind, heading=heading)
            return Response(status=204)
        if request.method == "PUT":
            serializer = BlockDraftSerializer(data=request.data)
            serializer.is_valid(raise_exception=True)
            asked = serializer.validated_data
            form = BlockForm(
                kind=kind, content=content_from(asked["content"]), base_version=asked["base_version"],
                reason=asked["reason"], paste=asked["paste"],
            )  # fmt: skip
            if not collaboration.keep_draft(user=user, stage=stage, heading=heading, form=form):
                return Response({**asked, "saved_at": None})
        kept = collaboration.draft_of(user, stage, kind, heading)
        if kept is None:
            raise NotFound("You have no draft of this block.")
        form, saved_at = kept
        told = {"base_version": form.base_version, "content": to_json(form.content), "reason": form.reason}
        return Response({**told, "paste": form.paste, "saved_at": saved_at})

    @extend_schema(methods=["GET"], responses=FollowSerializer)
    @extend_schema(methods=["PUT"], request=None, responses=FollowSerializer)
    @extend_schema(methods=["DELETE"], responses=FollowSerializer)
    @action(detail=True, methods=["get", "put", "delete"], pagination_class=None)
    def follow(self, request: Request, key: str = "") -> Response:
        """Whether you are told of changes to the stage; PUT to follow it, DELETE to stop."""
        stage, user = cast("CatalogViewSet", self).get_object(), person(request)
        if request.method == "PUT":
            Follow.objects.get_or_create(user=user, stage=stage)
        elif request.method == "DELETE":
            Follow.objects.filter(user=user, stage=stage).delete()
        return Response({"follows": Follow.objects.filter(user=user, stage=stage).exists()})

    @extend_schema(methods=["GET"], responses=VisitSerializer)
    @extend_schema(methods=["PUT"], request=None, responses=VisitSerializer)
    @action(detail=True, methods=["get", "put"], pagination_class=None)
    def visit(self, request: Request, key: str = "") -> Response:
        """What others changed on the page since your last visit; PUT also notes that you look at it now.

        Looks within half an hour are one visit, as on the page.
        """
        user = person(request)
        stage = stage_named(cast("CatalogViewSet", self).get_object().key, user)
        page = stage_page(stage, user)
        if request.method == "PUT":
            note_visit(stage, user)
        changed = [
            {
                "kind": block.kind,
                "heading": block.heading,
                "title": block.title,
                "changed_at": block.changed_at,
                "changed_by": block.changed_by,
            }
            for block in page.changed
        ]
        return Response({"last_visit": page.last_visit, "changed": changed})


def text_draft(
    request: Request, subject: Subject, serializer_class: type[DraftSerializer], stands: Mapping[str, str]
) -> Response:
    """Answer for a draft whose form holds nothing but texts."""
    if request.method == "DELETE":
        return dropped(request, subject)
    if request.method == "PUT":
        serializer = serializer_class(data=request.data)
        serializer.is_valid(raise_exception=True)
        typed = dict(serializer.validated_data)
        version = typed.pop("base_version")
        if not drafts.keep_what_differs(
            user=person(request), subject=subject, form=typed, stands=stands, base_version=version
        ):
            return Response({**typed, "base_version": version, "saved_at": None})
    kept = found(request, subject)
    return Response({**kept.form, "base_version": kept.base_version, "saved_at": kept.saved_at})


def found(request: Request, subject: Subject) -> Draft:
    """Your draft; 404 where you have none."""
    kept = drafts.find(person(request), subject)
    if kept is None:
        raise NotFound("You have no draft of this.")
    return kept


def dropped(request: Request, subject: Subject) -> Response:
    """Throw your draft away."""
    drafts.drop(user=person(request), subject=subject)
    return Response(status=204)


def fact_draft(form: Mapping[str, str], base_version: int) -> dict[str, Any]:
    """A draft of facts as JSON."""
    facts = {name: value for name, value in form.items() if name != "reason"}
    return {"base_version": base_version, "facts": facts, "reason": form.get("reason", ""), "saved_at": None}


def place_of_new(request: Request) -> str:
    """Where a new text is to stand, as ``place`` and ``section`` say."""
    place, key = (request.query_params.get(name, "").replace("\x00", "") for name in ("place", "section"))
    section = Section.objects.filter(key=key).first() if key else None
    with own_text_as_problem():
        must_have_place(place, section)
    return where(place, section)
