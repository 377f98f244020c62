"""Routes of what is planned for the structure on a day ahead."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.etags import answer_with_state, etag_of, with_state
from portal.api.problems import Conflict
from portal.roles import Role
from stages.api.common import as_problems, must_match, person
from stages.api.filters import PlannedChangeFilter
from stages.api.serializers.changes import PlannedChangeSerializer
from stages.facts import MODELS
from stages.models import PlannedChange
from stages.planned import OPEN
from stages.restructuring.planning import cancel, carry_out_now
from stages.restructuring.wishes import entries


class PlannedChangeViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[PlannedChange]):
    """Changes of the structure on a day ahead, the next first. One is planned by naming such a day as ``on``."""

    read_role = Role.VIEWER
    write_role = Role.EDITOR
    queryset = PlannedChange.objects.all()
    serializer_class = PlannedChangeSerializer
    filterset_class = PlannedChangeFilter

    def get_scopes(self, change: PlannedChange) -> Iterable[str]:
        """Those of what it is about; of what is no more there are none."""
        return [scope for entry in entries(change.kind).filter(pk=change.entry) for scope in entry.scopes]

    def get_serializer_context(self) -> dict[str, Any]:
        """With the keys of all entries, of which there are a few hundred."""
        context = dict(super().get_serializer_context())
        if not getattr(self, "swagger_fake_view", False):
            context["keys"] = keys_of_entries()
        return context

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One with its ETag."""
        found = self.get_object()
        return cast(
            Response, answer_with_state(request, planned_etag(found), lambda: Response(self.get_serializer(found).data))
        )

    @extend_schema(request=None, responses=PlannedChangeSerializer)
    @action(detail=True, methods=["post"], pagination_class=None)
    def cancel(self, request: Request, pk: str = "") -> Response:
        """Take it off; of one that failed: have seen it. Needs ``If-Match``."""
        found = self.matched(request)
        with as_problems():
            cancel(change=found, user=person(request))
        return self.answer()

    @extend_schema(request=None, responses=PlannedChangeSerializer)
    @action(detail=True, methods=["post"], url_path="carry-out", pagination_class=None)
    def carry_out(self, request: Request, pk: str = "") -> Response:
        """Do it today already, or after all. Needs ``If-Match``."""
        found = self.matched(request)
        with as_problems():
            carry_out_now(change=found, user=person(request))
        return self.answer()

    def matched(self, request: Request) -> PlannedChange:
        """The plan, once the request says that it was made from what stands; a settled one is refused."""
        found = self.get_object()
        must_match(request, planned_etag(found))
        if found.state not in OPEN:
            raise Conflict(f"It is settled already: {found.get_state_display()}.")
        return found

    def answer(self) -> Response:
        """The plan as it stands now."""
        found = self.get_object()
        return with_state(Response(self.get_serializer(found).data), planned_etag(found))


def keys_of_entries() -> dict[tuple[str, int], str]:
    """The key of each entry by its kind and number."""
    return {
        (kind, number): key
        for kind, model in MODELS.items()
        for number, key in model._default_manager.values_list("pk", "key")
    }


def planned_etag(found: PlannedChange) -> str:
    """What settling it must have been made from."""
    return etag_of("planned", found.pk, found.state, found.sentence)
