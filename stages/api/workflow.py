"""Routes of what waits for a decision: suggestions, blocks and fields in dispute; and of people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, cast

from django.db.models import Prefetch
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.etags import answer_with_state, etag_of, with_state
from portal.api.problems import Conflict, PreconditionFailed
from portal.roles import Role
from stages import collaboration, conflicts, disputes
from stages.api.common import must_match, person
from stages.api.filters import FieldConflictFilter, ImportConflictFilter, PersonFilter, SuggestionFilter
from stages.api.serializers.blocks import content_from
from stages.api.serializers.entries import ContactSerializer
from stages.api.serializers.workflow import (
    FieldConflictDecisionSerializer,
    FieldConflictSerializer,
    ImportConflictDecisionSerializer,
    ImportConflictSerializer,
    NewSuggestionSerializer,
    SuggestionDecisionSerializer,
    SuggestionSerializer,
    WholeSuggestionSerializer,
)
from stages.contacts import remove_contact
from stages.disputes import disagreements
from stages.editing import StaleBlock, find_block
from stages.models import (
    BlockKind,
    Contact,
    FieldConflict,
    ImportConflict,
    Placement,
    Responsibility,
    Stage,
    Suggestion,
)
from stages.settling import Take
from stages.validation import cleaned


class SuggestionViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Suggestion]):
    """Edits that somebody proposes; editors of the stage decide."""

    read_role = Role.VIEWER
    write_role = Role.EDITOR
    action_roles: ClassVar[dict[str, Role]] = {"create": Role.VIEWER}
    queryset = Suggestion.objects.select_related("stage__section", "author", "decided_by")
    serializer_class = SuggestionSerializer
    filterset_class = SuggestionFilter

    def get_scopes(self, suggestion: Suggestion) -> Iterable[str]:
        """Those of its stage."""
        return suggestion.stage.scopes

    def answer(self, pk: int, status: int = 200) -> Response:
        """The suggestion as it stands now, with its ETag."""
        found = self.get_queryset().get(pk=pk)
        return with_state(Response(self.get_serializer(found).data, status=status), suggestion_etag(found))

    @extend_schema(responses=WholeSuggestionSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One with what it would change on the page as it stands, and its ETag."""
        found = self.get_object()
        etag = suggestion_etag(found)
        return cast(Response, answer_with_state(request, etag, lambda: Response(WholeSuggestionSerializer(found).data)))

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
        block = find_block(found.stage, found.kind, found.heading)
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
                suggestion=found, actor=person(request), state=state, answer=asked["answer"], content=content,
                base_version=None if content is None else block.version if block else 0,
            )  # fmt: skip
        except collaboration.Refused as error:
            raise Conflict(str(error)) from error
        except StaleBlock as error:
            raise PreconditionFailed from error
        return self.answer(found.pk)


def suggestion_etag(found: Suggestion) -> str:
    """What a decision must have been made from: the block as it stands is a part of it."""
    block = find_block(found.stage, found.kind, found.heading)
    return etag_of("suggestion", found.pk, found.state, block.version if block else 0)


class ImportConflictViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[ImportConflict]):
    """Blocks that both the portal and the last import changed."""

    read_role = Role.VIEWER
    write_role = Role.EDITOR
    queryset = ImportConflict.objects.select_related("block__stage__section").prefetch_related(
        "decisions", Prefetch("block__placements", queryset=Placement.objects.select_related("resource"))
    )
    serializer_class = ImportConflictSerializer
    filterset_class = ImportConflictFilter

    def get_scopes(self, conflict: ImportConflict) -> Iterable[str]:
        """Those of its stage."""
        return conflict.block.stage.scopes

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One with its ETag."""
        found = self.get_object()
        return cast(
            Response,
            answer_with_state(request, conflict_etag(found), lambda: Response(self.get_serializer(found).data)),
        )

    @extend_schema(request=ImportConflictDecisionSerializer, responses=ImportConflictSerializer)
    @action(detail=True, methods=["post"], pagination_class=None)
    def decide(self, request: Request, pk: str = "") -> Response:
        """Decide all that is in dispute (``take``), or some of it by id (``items``). Needs ``If-Match``."""
        found = self.get_object()
        must_match(request, conflict_etag(found))
        serializer = ImportConflictDecisionSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        must_be_open(found)
        asked, user = serializer.validated_data, person(request)
        try:
            if "take" in asked:
                conflicts.decide_all(conflict=found, take=Take(asked["take"]), actor=user, reason=asked["reason"])
            else:
                takes = {number: Take(take) for number, take in asked["items"].items()}
                conflicts.decide(conflict=found, takes=takes, actor=user, reason=asked["reason"])
        except collaboration.Refused as error:
            raise ValidationError({"items": [str(error)]}) from error
        return self.answer()

    @extend_schema(request=None, responses=ImportConflictSerializer)
    @action(detail=True, methods=["post"], pagination_class=None)
    def undo(self, request: Request, pk: str = "") -> Response:
        """Take the last decision back; refused where something newer would be lost. Needs ``If-Match``."""
        found = self.get_object()
        must_match(request, conflict_etag(found))
        decision = found.decisions.filter(undone_at=None).last()
        if decision is None:
            raise Conflict("Nothing was decided yet.")
        try:
            conflicts.take_back(decision=decision, actor=person(request))
        except collaboration.Refused as error:
            raise Conflict(str(error)) from error
        return self.answer()

    def answer(self) -> Response:
        """The conflict as it stands now, with its ETag."""
        after = self.get_object()
        return with_state(Response(self.get_serializer(after).data), conflict_etag(after))


def conflict_etag(found: ImportConflict) -> str:
    """What a decision must have been made from: what is in dispute, the block, and what was decided."""
    ids = [one.id for one in conflicts.in_dispute(found)]
    decided = [(one.pk, one.undone_at) for one in found.decisions.all()]
    return etag_of("conflict", found.pk, found.state, found.block.version, repr((ids, decided)))


def must_be_open(found: ImportConflict | FieldConflict) -> None:
    """Refuse to decide what was decided already."""
    if found.state != "open":
        raise Conflict(f"It was decided already: {found.get_state_display()}.")


class FieldConflictViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[FieldConflict]):
    """Fields that both the portal and the last import changed, of the structure, starting points and texts."""

    read_role = Role.VIEWER
    write_role = Role.EDITOR
    queryset = FieldConflict.objects.select_related("decided_by")
    serializer_class = FieldConflictSerializer
    filterset_class = FieldConflictFilter

    def get_scopes(self, conflict: FieldConflict) -> Iterable[str]:
        """Those of the entry that it is about."""
        found = disagreements([conflict])
        return found[0].scopes if found else ()

    def data_of(self, conflicts: Sequence[FieldConflict]) -> list[dict[str, Any]]:
        """Conflicts as JSON with the entries that they are about."""
        known = {one.conflict.pk: one for one in disagreements(conflicts)}
        context = {**self.get_serializer_context(), "about": known}
        return list(FieldConflictSerializer(conflicts, many=True, context=context).data)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Those that wait and those that were decided."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.data_of(page or ()))

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One with its ETag."""
        found = self.get_object()
        etag = field_conflict_etag(found)
        return cast(Response, answer_with_state(request, etag, lambda: Response(self.data_of([found])[0])))

    @extend_schema(request=FieldConflictDecisionSerializer, responses=FieldConflictSerializer)
    @action(detail=True, methods=["post"], pagination_class=None)
    def decide(self, request: Request, pk: str = "") -> Response:
        """Keep the portal's value or take the source's. Needs ``If-Match``."""
        found = self.get_object()
        must_match(request, field_conflict_etag(found))
        serializer = FieldConflictDecisionSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        must_be_open(found)
        if not disagreements([found]):
            raise Conflict("What it is about is no more.")
        asked = serializer.validated_data
        take = asked["take"] == "source"
        try:
            disputes.decide(conflict=found, take_source=take, actor=person(request), reason=asked["reason"])
        except collaboration.Refused as error:
            raise Conflict(str(error)) from error
        return self.answer()

    @extend_schema(request=None, responses=FieldConflictSerializer)
    @action(detail=True, methods=["post"], pagination_class=None)
    def undo(self, request: Request, pk: str = "") -> Response:
        """Take the decision back; refused where something newer would be lost. Needs ``If-Match``."""
        found = self.get_object()
        must_match(request, field_conflict_etag(found))
        try:
            disputes.take_back(conflict=found, actor=person(request))
        except collaboration.Refused as error:
            raise Conflict(str(error)) from error
        return self.answer()

    def answer(self) -> Response:
        """The conflict as it stands now, with its ETag."""
        after = self.get_object()
        return with_state(Response(self.data_of([after])[0]), field_conflict_etag(after))


def field_conflict_etag(found: FieldConflict) -> str:
    """What a decision must have been made from: the values on both sides and the entry as it stands."""
    versions = [one.entry.version for one in disagreements([found])]
    return etag_of("field conflict", found.pk, found.state, repr((found.portal_value, found.file_value, versions)))


class PeopleViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Contact]):
    """People named in the structure files. Administrators remove them on request, for good."""

    read_role = Role.VIEWER
    write_role = Role.ADMINISTRATOR
    queryset = Contact.objects.exclude(name="").prefetch_related(
        Prefetch("responsibilities", queryset=Responsibility.objects.select_related("section", "stage", "group"))
    )
    serializer_class = ContactSerializer
    filterset_class = PersonFilter

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One with its ETag."""
        found = self.get_object()
        etag = etag_of("contact", found.pk, found.name)
        return cast(Response, answer_with_state(request, etag, lambda: Response(self.get_serializer(found).data)))

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove a name on request: no later import brings it back. Needs ``If-Match``."""
        found = self.get_object()
        must_match(request, etag_of("contact", found.pk, found.name))
        remove_contact(contact=found, on=timezone.now().date())
        return Response(status=204)
