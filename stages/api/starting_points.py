"""Routes of the helpful places to start."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.etags import answer_with_etag, etag_of
from portal.api.problems import PreconditionFailed
from portal.history import history_of_all
from portal.roles import Role
from stages.api.common import entries_data, must_match, person, rows_of
from stages.api.serializers import (
    RestoreSerializer,
    StartingPointRowSerializer,
    StartingPointSerializer,
    StepSerializer,
    TimelineSerializer,
)
from stages.api.structure import BEFORE, before_of
from stages.history.events import events_of
from stages.models import StartingPoint
from stages.own_texts import OwnTextRefused, StaleOwnText, move, take_away, write_start
from stages.validation import one_line


class StartingPointViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[StartingPoint]):
    """Helpful places to start, in their order. Changing or deleting one needs ``If-Match``."""

    read_role = Role.VIEWER
    write_role = Role.EDITOR
    queryset = StartingPoint.objects.all()
    serializer_class = StartingPointSerializer

    def answer(self, pk: int, status: int = 200) -> Response:
        """One as it stands now, with its ETag."""
        found = StartingPoint.objects.get(pk=pk)
        return Response(self.get_serializer(found).data, status=status, headers={"ETag": start_etag(found)})

    def matched(self, request: Request) -> StartingPoint:
        """One, once the request says that it was made from what stands."""
        found = self.get_object()
        must_match(request, start_etag(found))
        return found

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One with its ETag."""
        found = self.get_object()
        return cast(
            Response,
            answer_with_etag(request, start_etag(found), lambda: Response(self.get_serializer(found).data)),
        )

    @extend_schema(responses={201: StartingPointSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add one at the end."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return self.answer(self.written(request, None, serializer.validated_data, None).pk, 201)

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change the line; its version goes up."""
        found = self.matched(request)
        serializer = self.get_serializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        values = {"text": found.text, **serializer.validated_data}
        return self.answer(self.written(request, found.pk, values, found.version).pk)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take one away; the history keeps it."""
        found = self.matched(request)
        with start_as_problem():
            take_away(model=StartingPoint, pk=found.pk, version=found.version, actor=person(request))
        return Response(status=204)

    @extend_schema(request=StepSerializer, responses=StartingPointSerializer)
    @action(detail=True, methods=["post"], pagination_class=None)
    def move(self, request: Request, pk: str = "") -> Response:
        """Change places with the one above or below. Needs ``If-Match``."""
        found = self.matched(request)
        serializer = StepSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        move(model=StartingPoint, pk=found.pk, up=serializer.validated_data["to"] == "up", actor=person(request))
        return self.answer(found.pk)

    @extend_schema(request=RestoreSerializer, responses=StartingPointSerializer)
    @action(detail=True, methods=["post"], pagination_class=None)
    def restore(self, request: Request, pk: str = "") -> Response:
        """Bring the line of an earlier version back. Needs ``If-Match``."""
        found = self.matched(request)
        serializer = RestoreSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        version, reason = serializer.validated_data["version"], serializer.validated_data["reason"]
        events = events_of(StartingPoint).filter(pgh_obj_id=found.pk, version=version)
        text = events.order_by("-pgh_id").values_list("text", flat=True).first()
        if text is None:
            raise ValidationError({"version": [f"The history has no version {version} of it."]})
        values = {"text": text, "reason": reason or f"Restored version {version}"}
        return self.answer(self.written(request, found.pk, values, found.version).pk)

    @extend_schema(parameters=[BEFORE], responses=TimelineSerializer, operation_id="starting_points_history_of_one")
    @action(detail=True, methods=["get"], url_path="history", pagination_class=None)
    def history_of_one(self, request: Request, pk: str = "") -> Response:
        """Who changed it, when and why, newest first."""
        entries = history_of_all(StartingPoint, keys=[self.get_object().pk], before=before_of(request))
        return Response(entries_data(entries, "starting point"))

    @extend_schema(parameters=[BEFORE], responses=TimelineSerializer)
    @action(detail=False, methods=["get"], pagination_class=None)
    def history(self, request: Request) -> Response:
        """The changes of all, of those that were taken away as well."""
        return Response(entries_data(history_of_all(StartingPoint, before=before_of(request)), "starting point"))

    @extend_schema(request=StartingPointRowSerializer(many=True), responses=StartingPointSerializer(many=True))
    @action(detail=False, methods=["post"], pagination_class=None)
    def bulk(self, request: Request) -> Response:
        """Make or change many, all of them or none; what is so already stays.

        A row without an ``id`` is the line of the same text, and is added at the end where there is none.
        """
        rows = rows_of(request, StartingPointRowSerializer, partial=True)
        done: list[int] = []
        with transaction.atomic():
            known = {one.text: one.pk for one in StartingPoint.objects.all()}
            for number, row in enumerate(rows):
                pk = row.get("id")
                found = StartingPoint.objects.filter(pk=pk).first() if pk is not None else None
                if pk is not None and found is None:
                    raise ValidationError({f"{number}.id": ["There is no such starting point."]})
                values = {"text": found.text if found else "", **row}
                pk = known.get(one_line(values["text"])) if pk is None else pk
                version = row.get("version")
                done.append(self.written(request, pk, values, version, f"{number}.").pk)
                known[one_line(values["text"])] = done[-1]
        after = StartingPoint.objects.in_bulk(done)
        return Response(self.get_serializer([after[pk] for pk in done], many=True).data)

    def written(
        self, request: Request, pk: int | None, values: dict[str, Any], version: int | None, prefix: str = ""
    ) -> StartingPoint:
        """Write one as the page does."""
        with start_as_problem(prefix):
            return write_start(
                pk=pk, text=values["text"], version=version, actor=person(request), reason=values.get("reason", "")
            )


def start_etag(found: StartingPoint) -> str:
    """What a change must have been made from."""
    return etag_of("starting point", found.pk, found.version)


@contextmanager
def start_as_problem(prefix: str = "") -> Iterator[None]:
    """What the verbs refuse as a problem document that names the field; what is stale as 412."""
    try:
        yield
    except OwnTextRefused as error:
        raise ValidationError({f"{prefix}text": [str(error)]}) from error
    except StaleOwnText as error:
        raise PreconditionFailed from error
