"""Routes of the links: how each was last found, looking again, and the runs of the check."""

from __future__ import annotations

from typing import Any, cast

from django.db.models import Prefetch
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.etags import answer_with_state, etag_of
from portal.roles import Role
from portal.wakeups import wake
from stages.api.filters import LinkFilter
from stages.api.serializers.resources import (
    AskedSerializer,
    LinkCheckSerializer,
    LinkRunSerializer,
    LookAgainSerializer,
)
from stages.linkcheck.verbs import ask_for, due_links
from stages.models import LinkCheck, LinkRun, Placement, Resource

TASK = "stages.tasks.check_links"


class LinkViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[LinkCheck]):
    """Links that were looked at, by the id of their resource; unreachable is not dead."""

    read_role = Role.VIEWER
    write_role = Role.EDITOR
    queryset = (
        LinkCheck.objects.select_related("resource")
        .prefetch_related(Prefetch("resource__placements", Placement.objects.select_related("block__stage")))
        .order_by("state", "failing_since", "pk")
    )
    serializer_class = LinkCheckSerializer
    filterset_class = LinkFilter
    lookup_field = "resource"

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One with its ETag."""
        found = self.get_object()
        etag = etag_of("link", found.pk, found.checked_at, found.wanted)
        return cast(Response, answer_with_state(request, etag, lambda: Response(self.get_serializer(found).data)))

    @extend_schema(request=LookAgainSerializer, responses={202: AskedSerializer})
    @action(detail=False, methods=["post"], pagination_class=None, filterset_class=None)
    def check(self, request: Request) -> Response:
        """Have links looked at at once: some, or all that do not work and all that are due."""
        serializer = LookAgainSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        wanted: list[int] | None = serializer.validated_data.get("resources")
        if wanted is not None:
            known = set(Resource.objects.filter(pk__in=wanted).exclude(url="").values_list("pk", flat=True))
            unknown = {f"resources.{at}": ["There is no resource with a link of this id."]
                       for at, pk in enumerate(wanted) if pk not in known}  # fmt: skip
            if unknown:
                raise ValidationError(unknown)
        asked = ask_for(wanted)
        wake("catalog", TASK)
        told = {"asked": asked, "due": due_links(timezone.now()).count()}
        return Response(AskedSerializer(told).data, status=202)

    @extend_schema(responses=LinkRunSerializer(many=True), filters=False)
    @action(detail=False, methods=["get"], filterset_class=None)
    def runs(self, request: Request) -> Response:
        """The runs of the check, newest first."""
        page = self.paginate_queryset(cast(Any, LinkRun.objects.all()))
        return self.get_paginated_response(LinkRunSerializer(page, many=True).data)
