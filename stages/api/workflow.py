"""Routes of what waits for a decision: suggestions and import conflicts; and of people, import and export."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, cast

from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.etags import answer_with_etag, etag_of
from portal.api.problems import Conflict
from portal.roles import Role
from stages import collaboration
from stages.api.common import must_match, person
from stages.api.serializers import (
    ContactSerializer,
    ImportConflictDecisionSerializer,
    ImportConflictSerializer,
    ImportSerializer,
    NewSuggestionSerializer,
    SuggestionDecisionSerializer,
    SuggestionSerializer,
    content_from,
)
from stages.api.structure import difference_data
from stages.contacts import remove_contact
from stages.editing import find_block
from stages.handbook.documents import page_of
from stages.handbook.exporting import export_document, export_markdown, export_yaml
from stages.handbook.importing import decide_conflict, digest_of, import_page
from stages.handbook.reading import HandbookError
from stages.models import BlockKind, Contact, ImportConflict, Responsibility, Stage, Suggestion
from stages.validation import cleaned


class SuggestionViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Suggestion]):
    """Edits that somebody proposes. ``?stage=`` and ``?state=`` filter the list; editors of the stage decide."""

    read_role = Role.VIEWER
    write_role = Role.EDITOR
    action_roles: ClassVar[dict[str, Role]] = {"create": Role.VIEWER}
    queryset = Suggestion.objects.select_related("stage__section", "author", "decided_by")
    serializer_class = SuggestionSerializer

    def get_scopes(self, suggestion: Suggestion) -> Iterable[str]:
        """Those of its stage."""
        return suggestion.stage.scopes

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The list as asked for."""
        asked = self.request.query_params
        if asked.get("stage"):
            queryset = queryset.filter(stage__key=asked["stage"])
        return queryset.filter(state=asked["state"]) if asked.get("state") else queryset

    def answer(self, pk: int, status: int = 200) -> Response:
        """The suggestion as it stands now, with its ETag."""
        found = self.get_queryset().get(pk=pk)
        return Response(self.get_serializer(found).data, status=status, headers={"ETag": suggestion_etag(found)})

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One with its ETag."""
        found = self.get_object()
        return cast(
            Response,
            answer_with_etag(request, suggestion_etag(found), lambda: Response(self.get_serializer(found).data)),
        )

    @extend_schema(request=NewSuggestionSerializer, responses={201: SuggestionSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Suggest what a block should say; everyone who is signed in may."""
        serializer = NewSuggestionSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        stage = Stage.objects.select_related("section").filter(key=asked["stage"]).first()
        if stage is None:
            raise ValidationError({"stage": [f"There is no stage {asked['stage']}."]})
        content, errors = cleaned(content_from(asked["content"]), asked["kind"])
        if errors:
            raise ValidationError({f"content.{name}": [sentence] for name, sentence in errors.items()})
        heading = (asked["heading"] or content.heading) if asked["kind"] == BlockKind.OTHER else ""
        try:
            made = collaboration.suggest(
                user=person(request), stage=stage, kind=asked["kind"], heading=heading, content=content,
                base_version=asked["base_version"], reason=asked["reason"],
            )  # fmt: skip
        except collaboration.Refused as error:
            raise Conflict(str(error)) from error
        return self.answer(made.pk, 201)

    @extend_schema(request=SuggestionDecisionSerializer, responses=SuggestionSerializer)
    @action(detail=True, methods=["post"], pagination_class=None)
    def accept(self, request: Request, pk: str = "") -> Response:
        """Accept it, as it is or with ``content`` in its place. Needs ``If-Match``."""
        return self.decided(request, Suggestion.State.ACCEPTED)

    @extend_schema(request=SuggestionDecisionSerializer, responses=SuggestionSerializer)
    @action(detail=True, methods=["post"], pagination_class=None)
    def decline(self, request: Request, pk: str = "") -> Response:
        """Decline it. Needs ``If-Match``."""
        return self.decided(request, Suggestion.State.DECLINED)

    def decided(self, request: Request, state: str) -> Response:
        """Decide, tell the author, and show the outcome."""
        found = self.get_object()
        must_match(request, suggestion_etag(found))
        serializer = SuggestionDecisionSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked, content = serializer.validated_data, None
        if "content" in asked and state == Suggestion.State.ACCEPTED:
            content, errors = cleaned(content_from(asked["content"]), found.kind)
            if errors:
                raise ValidationError({f"content.{name}": [sentence] for name, sentence in errors.items()})
            state = Suggestion.State.CHANGED
        try:
            collaboration.decide_suggestion(
                suggestion=found, actor=person(request), state=state, answer=asked["answer"], content=content
            )
        except collaboration.Refused as error:
            raise Conflict(str(error)) from error
        return self.answer(found.pk)


def suggestion_etag(found: Suggestion) -> str:
    """What a decision must have been made from: the block as it stands is a part of it."""
    block = find_block(found.stage, found.kind, found.heading)
    return etag_of("suggestion", found.pk, found.state, block.version if block else 0)


class ImportConflictViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[ImportConflict]):
    """Blocks that both the portal and the last import changed; ``?state=open`` filters the list."""

    read_role = Role.VIEWER
    write_role = Role.EDITOR
    queryset = ImportConflict.objects.select_related("block__stage__section")
    serializer_class = ImportConflictSerializer

    def get_scopes(self, conflict: ImportConflict) -> Iterable[str]:
        """Those of its stage."""
        return conflict.block.stage.scopes

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The list as asked for."""
        state = self.request.query_params.get("state")
        return queryset.filter(state=state) if state else queryset

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One with its ETag."""
        found = self.get_object()
        return cast(
            Response, answer_with_etag(request, conflict_etag(found), lambda: Response(self.get_serializer(found).data))
        )

    @extend_schema(request=ImportConflictDecisionSerializer, responses=ImportConflictSerializer)
    @action(detail=True, methods=["post"], pagination_class=None)
    def decide(self, request: Request, pk: str = "") -> Response:
        """Keep the portal's text or take the source's. Needs ``If-Match``."""
        found = self.get_object()
        must_match(request, conflict_etag(found))
        serializer = ImportConflictDecisionSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        decide_conflict(
            conflict=found, take_source=serializer.validated_data["take"] == "source", actor=person(request)
        )
        after = self.get_object()
        return Response(self.get_serializer(after).data, headers={"ETag": conflict_etag(after)})


def conflict_etag(found: ImportConflict) -> str:
    """What a decision must have been made from: the texts on both sides."""
    return etag_of("conflict", found.pk, found.state, found.block.version)


class PeopleViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Contact]):
    """People named in the structure files. Administrators remove them on request, for good."""

    read_role = Role.VIEWER
    write_role = Role.ADMINISTRATOR
    queryset = Contact.objects.exclude(name="").prefetch_related(
        Prefetch("responsibilities", queryset=Responsibility.objects.select_related("section", "stage", "group"))
    )
    serializer_class = ContactSerializer

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One with its ETag."""
        found = self.get_object()
        etag = etag_of("contact", found.pk, found.name)
        return cast(Response, answer_with_etag(request, etag, lambda: Response(self.get_serializer(found).data)))

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove a name on request: no later import brings it back. Needs ``If-Match``."""
        found = self.get_object()
        must_match(request, etag_of("contact", found.pk, found.name))
        remove_contact(contact=found, on=timezone.now().date())
        return Response(status=204)


class HandbookViewSet(viewsets.ViewSet):
    """The handbook page: the catalog as a document, and a document brought into the catalog."""

    read_role = Role.VIEWER
    write_role = Role.EDITOR

    @extend_schema(
        parameters=[
            OpenApiParameter("as", str, enum=["markdown", "json", "yaml"], description="json where nothing is said."),
            OpenApiParameter("stage", str, description="Only this stage, by its key."),
        ],
        responses={(200, "text/markdown"): OpenApiTypes.STR, (200, "application/json"): OpenApiTypes.OBJECT,
                   (200, "application/yaml"): OpenApiTypes.STR},
    )  # fmt: skip
    @action(detail=False, methods=["get"])
    def export(self, request: Request) -> HttpResponse | Response:
        """The catalog, or one stage, as Markdown, JSON or YAML."""
        form, key = request.query_params.get("as", "json"), request.query_params.get("stage", "")
        stages = None
        if key:
            stages = list(Stage.objects.select_related("section").filter(key=key))
            if not stages:
                raise NotFound(f"There is no stage {key}.")
        if form == "json":
            return Response(export_document(stages))
        if form not in ("markdown", "yaml"):
            raise ValidationError({"as": ["Choose markdown, json or yaml."]})
        text = export_markdown(stages) if form == "markdown" else export_yaml(stages)
        media = "text/markdown" if form == "markdown" else "application/yaml"
        return HttpResponse(text, content_type=f"{media}; charset=utf-8")

    @extend_schema(request=ImportSerializer, responses=OpenApiTypes.OBJECT)
    @action(detail=False, methods=["post"], url_path="import")
    def import_(self, request: Request) -> Response:
        """Import a page: told what would change, and with ``apply`` done, all of it or nothing."""
        serializer = ImportSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        text = asked["text"].replace("\r\n", "\n")
        try:
            page = page_of(text, asked["source"])
        except HandbookError as error:
            raise ValidationError({"text": [str(error)]}) from error
        if not page.stages:
            said = "There is no stage on this page. Expected headings such as “Create Stage” with blocks under them."
            raise ValidationError({"text": [said]})
        report = import_page(
            page=page, source=asked["source"], digest=digest_of(text), actor=person(request), dry_run=not asked["apply"]
        )
        changes = [
            {
                "stage": one.stage,
                "kind": one.kind,
                "heading": one.heading,
                "differences": [difference_data(told) for told in one.differences],
                "conflicts": [told.what for told in one.conflicts],
            }
            for one in report.changes
        ]
        return Response({**report.as_json(), "changes": changes, "applied": asked["apply"]})
