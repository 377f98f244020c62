"""Routes of what the page says outside its stages: the helpful places to start, and its own texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from django.db import transaction
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.etags import answer_with_state, etag_of, with_state
from portal.api.problems import PreconditionFailed
from portal.roles import Role
from stages.api.common import must_match, own_text_as_problem, person, rows_of
from stages.api.filters import PageTextFilter
from stages.api.own import PLACE, OwnTextDraftMixin, documented_draft
from stages.api.serializers.history import RestoreEntrySerializer, TimelineSerializer
from stages.api.serializers.own import DraftSerializer, PageTextDraftSerializer, StartingPointDraftSerializer
from stages.api.serializers.own_texts import (
    NewPageTextSerializer,
    PageTextRowSerializer,
    PageTextSerializer,
    StartingPointRowSerializer,
    StartingPointSerializer,
    StepSerializer,
)
from stages.api.structure import difference_data
from stages.history.events import events_of
from stages.history.own_texts import TextChange, changes_of
from stages.models import PageText, Section, StartingPoint
from stages.own_texts import (
    Held,
    OwnText,
    move,
    restore,
    take_away,
    undo,
    write_start,
    write_text,
)
from stages.validation import one_line


class OwnTextViewSet(OwnTextDraftMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Any]):
    """What starting points and texts of the page share. Changing or deleting one needs ``If-Match``."""

    read_role = Role.VIEWER
    write_role = Role.EDITOR
    filterset_class: type[Any] | None = None
    model: type[OwnText]
    row_serializer: ClassVar[type[Any]]
    new_serializer: ClassVar[type[Any]]

    def get_object(self) -> Any:
        """One by its id. What OPTIONS tells of a route without one asks for it as well."""
        if "pk" not in self.kwargs:
            raise NotFound
        return super().get_object()

    def answer(self, row: OwnText, status: int = 200) -> Response:
        """One as it stands now, with its ETag."""
        found = self.get_queryset().get(pk=row.pk)
        return with_state(Response(self.get_serializer(found).data, status=status), own_etag(found))

    def matched(self, request: Request) -> Any:
        """One, once the request says that it was made from what stands."""
        found = self.get_object()
        must_match(request, own_etag(found))
        return found

    def written(
        self,
        request: Request,
        row: Any,
        values: Mapping[str, Any],
        version: int | None,
        *,
        prefix: str = "",
        held: Held[Any] | None = None,
    ) -> Any:
        """Write one as the page does; a new one where ``row`` is none. In bulk all rows are ``held``."""
        raise NotImplementedError

    def same_as(self, values: Mapping[str, Any], held: Held[Any]) -> Any:
        """The row that a row of a bulk request without an ``id`` means; none where it is a new one."""
        raise NotImplementedError

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One with its ETag."""
        found = self.get_object()
        build = lambda: Response(self.get_serializer(found).data)  # noqa: E731
        return cast(Response, answer_with_state(request, own_etag(found), build))

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add one; it comes last."""
        serializer = self.new_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return self.answer(self.written(request, None, serializer.validated_data, None), 201)

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change what it says; its version goes up."""
        found = self.matched(request)
        serializer = self.get_serializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        return self.answer(self.written(request, found, serializer.validated_data, found.version))

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take one away; the history keeps it, and ``restore/`` brings it back."""
        found = self.matched(request)
        with own_text_as_problem():
            take_away(model=self.model, pk=found.pk, version=found.version, actor=person(request))
        return Response(status=204)

    @action(detail=True, methods=["post"], pagination_class=None)
    def move(self, request: Request, pk: str = "") -> Response:
        """Change places with the one above or below. Needs ``If-Match``."""
        found = self.matched(request)
        serializer = StepSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        move(model=self.model, pk=found.pk, up=serializer.validated_data["to"] == "up", actor=person(request))
        return self.answer(found)

    @action(detail=True, methods=["post"], pagination_class=None)
    def undo(self, request: Request, pk: str = "") -> Response:
        """Take its last change back; 204 where that takes it away. Needs ``If-Match``."""
        found = self.matched(request)
        with own_text_as_problem():
            row = undo(model=self.model, pk=found.pk, version=found.version, actor=person(request))
        return Response(status=204) if row is None else self.answer(row)

    @extend_schema(request=RestoreEntrySerializer)
    @action(detail=False, methods=["post"], pagination_class=None)
    def restore(self, request: Request) -> Response:
        """Bring back what an entry of the history says, also of one that was taken away.

        Needs the ETag of what is there now as ``If-Match``, where it is there.
        """
        serializer = RestoreEntrySerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        event = serializer.validated_data["event"]
        then = events_of(self.model).filter(pgh_id=event).first()
        if then is None:
            raise ValidationError({"event": [f"The history has no entry {event}."]})
        row = self.get_queryset().filter(pk=then.pgh_obj_id).first()
        if row is not None:
            must_match(request, own_etag(row))
        with own_text_as_problem():
            back = restore(model=self.model, event=event, actor=person(request))
        return self.answer(cast(OwnText, back))

    @extend_schema(responses=TimelineSerializer)
    @action(detail=True, methods=["get"], url_path="history", pagination_class=None)
    def history_of_one(self, request: Request, pk: str = "") -> Response:
        """Who changed it, when and why, newest first."""
        return Response(changes_data(changes_of(self.model, pk=self.get_object().pk)))

    @extend_schema(responses=TimelineSerializer)
    @action(detail=False, methods=["get"], pagination_class=None, filterset_class=None)
    def history(self, request: Request) -> Response:
        """The latest changes of all, of those that were taken away as well."""
        return Response(changes_data(changes_of(self.model)))

    @action(detail=False, methods=["post"], pagination_class=None, filterset_class=None)
    def bulk(self, request: Request) -> Response:
        """Make or change many, all of them or none; what is so already stays.

        A row without an ``id`` is the one of the same line (of a text: the same heading at the same place), and is
        added where there is none: so sending the same rows again changes nothing.
        """
        rows = rows_of(request, self.row_serializer, partial=True)
        done: list[int] = []
        with transaction.atomic():
            held: Held[Any] = Held(self.model)
            for number, row in enumerate(rows):
                found = self.same_as(row, held)
                if row.get("id") is not None:
                    found = held.rows.get(row["id"])
                    if found is None:
                        raise ValidationError({f"{number}.id": ["There is nothing with this id."]})
                if row.get("version") is not None and (found is None or row["version"] != found.version):
                    raise PreconditionFailed
                version = found.version if found is not None else None
                done.append(self.written(request, found, row, version, prefix=f"{number}.", held=held).pk)
        after = {one.pk: one for one in self.get_queryset().filter(pk__in=done)}
        return Response(self.get_serializer([after[pk] for pk in done], many=True).data)


def documented(read: type[Any], new: type[Any], row: type[Any], draft: type[DraftSerializer]) -> Any:
    """What the OpenAPI document says of the bodies of one kind."""
    place = PLACE if read is PageTextSerializer else ()
    return extend_schema_view(
        create=extend_schema(request=new, responses={201: read}),
        move=extend_schema(request=StepSerializer, responses=read),
        undo=extend_schema(request=None, responses={200: read, 204: None}),
        restore=extend_schema(request=RestoreEntrySerializer, responses=read),
        history_of_one=extend_schema(
            responses=TimelineSerializer, operation_id=f"{read.__name__.lower()}_history_of_one"
        ),
        bulk=extend_schema(request=row(many=True), responses=read(many=True)),
        draft=documented_draft(draft),
        draft_of_new=documented_draft(draft, *place, name=f"{read.__name__.lower()}_draft_of_new"),
    )


@documented(StartingPointSerializer, StartingPointSerializer, StartingPointRowSerializer, StartingPointDraftSerializer)
class StartingPointViewSet(OwnTextViewSet):
    """Helpful places to start, in their order: a line of Markdown each."""

    model = StartingPoint
    queryset = StartingPoint.objects.all()
    serializer_class = StartingPointSerializer
    row_serializer = StartingPointRowSerializer
    draft_serializer = StartingPointDraftSerializer
    new_serializer = StartingPointSerializer

    def written(
        self,
        request: Request,
        row: Any,
        values: Mapping[str, Any],
        version: int | None,
        *,
        prefix: str = "",
        held: Held[Any] | None = None,
    ) -> Any:
        """Write a line."""
        with own_text_as_problem(prefix):
            return write_start(
                pk=row.pk if row else None, text=values.get("text", row.text if row else ""), version=version,
                actor=person(request), reason=values.get("reason", ""), held=held,
            )  # fmt: skip

    def same_as(self, values: Mapping[str, Any], held: Held[Any]) -> Any:
        """By its line."""
        line = one_line(values.get("text", ""))
        return next((row for row in held.rows.values() if row.text == line), None)


@documented(PageTextSerializer, NewPageTextSerializer, PageTextRowSerializer, PageTextDraftSerializer)
class PageTextViewSet(OwnTextViewSet):
    """Texts of the handbook page outside its stages: its title, its objectives, introductions of sections."""

    model = PageText
    queryset = PageText.objects.select_related("section")
    serializer_class = PageTextSerializer
    filterset_class = PageTextFilter
    row_serializer = PageTextRowSerializer
    draft_serializer = PageTextDraftSerializer
    new_serializer = NewPageTextSerializer

    def written(
        self,
        request: Request,
        row: Any,
        values: Mapping[str, Any],
        version: int | None,
        *,
        prefix: str = "",
        held: Held[Any] | None = None,
    ) -> Any:
        """Write a text; where it stands is said when it is made."""
        section = None
        if row is None and values.get("section"):
            key = values["section"]
            section = Section.objects.filter(key=key).first() if held is None else held.sections.get(key)
            if section is None:
                raise ValidationError({f"{prefix}section": [f"There is no section {values['section']}."]})
        with own_text_as_problem(prefix):
            return write_text(
                pk=row.pk if row else None, heading=values.get("heading", row.heading if row else ""),
                body=values.get("body", row.body if row else ""), version=version, actor=person(request),
                place=values.get("place", ""), section=section, reason=values.get("reason", ""),
                held=held,
            )  # fmt: skip

    def same_as(self, values: Mapping[str, Any], held: Held[Any]) -> Any:
        """By its heading at its place."""
        place, heading = values.get("place", ""), one_line(values.get("heading", ""))
        return next(
            (
                row
                for row in held.rows.values()
                if (row.place, row.heading) == (place, heading)
                and (not values.get("section") or (row.section and row.section.key == values["section"]))
            ),
            None,
        )


def changes_data(changes: list[TextChange]) -> dict[str, Any]:
    """A history as JSON; ``restore`` names the entry that can be brought back."""
    happenings = [
        {
            "at": one.at,
            "title": one.title,
            "who": one.who,
            "how": one.how,
            "why": one.why,
            "differences": [difference_data(told) for told in one.differences],
            "restore": {"event": one.event, "id": one.key, "version": one.version},
            "undo": None,
        }
        for one in changes
    ]
    return {"older": None, "happenings": happenings}


def own_etag(found: OwnText) -> str:
    """What a change must have been made from."""
    return etag_of(type(found).__name__, found.pk, found.version)
