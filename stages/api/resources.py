"""Routes of shared resources: dashboards, pages, queries and channels, whichever stages use them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, cast

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.etags import answer_with_state, etag_of, with_state
from portal.api.permissions import require_role
from portal.api.problems import PreconditionFailed
from portal.history import history_of_all
from portal.models import User
from portal.permissions import granted, has_role_anywhere
from portal.roles import Role
from stages import following
from stages.api.common import SEVERAL, entries_data, must_match, person, rows_of
from stages.api.filters import ResourceFilter
from stages.api.serializers.history import RestoreSerializer, TimelineSerializer
from stages.api.serializers.resources import NewResourceSerializer, ResourceRowSerializer, ResourceSerializer
from stages.api.structure import BEFORE, before_of
from stages.models import Resource
from stages.resources import (
    ResourceRefused,
    StaleResource,
    change_resource,
    cleaned_link,
    cleaned_resource,
    make_resource,
    stages_not_edited,
    state_of_resource,
    twin_of,
)

FIXED = ("kind", "text", "dialect", "doc_label")
"""What is changed where a stage says it: in a block."""

HOW = ("id", "version", "reason", "reviewed")
"""What a request says beside the values of a resource."""


class ResourceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Any]):
    """Resources: who keeps them, who can open them, whether they are official, and which stages use them."""

    read_role = Role.VIEWER
    write_role = Role.EDITOR
    queryset = Resource.objects.select_related("link_check").prefetch_related("placements__block__stage__section")
    serializer_class = ResourceSerializer
    filterset_class = ResourceFilter
    # Of many each resource is asked about in turn; a new one needs an editor of anything.
    action_roles: ClassVar[dict[str, Role]] = {"bulk": Role.VIEWER, "create": Role.VIEWER}

    def get_scopes(self, resource: Resource) -> Iterable[str]:
        """The scopes of the stages that use it. What no stage uses is any editor's, who could place it as well."""
        used = [scope for one in resource.placements.all() for scope in one.block.stage.scopes]
        return used or [scope for role, scope in granted(person(self.request)) if role == Role.EDITOR.value]

    def answer(self, pk: int, status: int = 200) -> Response:
        """The resource as it stands now, with its ETag."""
        found = self.get_queryset().get(pk=pk)
        return with_state(Response(self.get_serializer(found).data, status=status), resource_etag(found))

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One resource with its ETag."""
        found = self.get_object()
        etag = resource_etag(found)
        return cast(Response, answer_with_state(request, etag, lambda: Response(self.get_serializer(found).data)))

    @extend_schema(request=NewResourceSerializer, responses={201: ResourceSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make one that no stage uses yet; to be placed by ``POST /stages/<key>/blocks/<kind>/items/``."""
        must_edit_something(request)
        serializer = NewResourceSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return self.answer(made(serializer.validated_data, person(request)).pk, 201)

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Say what it is called and where it is, who keeps it, who can open it, whether it is official.

        Another label or address is one for all stages that use it and a version of each of their blocks; it needs
        the role editor for all of them. ``reviewed`` says that it is right as it stands. Needs ``If-Match``.
        """
        found = self.get_object()
        must_match(request, resource_etag(found))
        serializer = self.get_serializer(found, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        refuse_fixed(found, values, "")
        change(found, link_of(found, values, ""), found.version, person(request))
        return self.answer(found.pk)

    @extend_schema(parameters=[BEFORE], responses=TimelineSerializer)
    @action(detail=True, methods=["get"], pagination_class=None)
    def history(self, request: Request, pk: str = "") -> Response:
        """Who changed what, when and why, newest first."""
        found = self.get_object()
        before = before_of(request)
        return Response(entries_data(history_of_all(Resource, keys=[found.pk], before=before), "resource"))

    @extend_schema(request=RestoreSerializer, responses=ResourceSerializer)
    @action(detail=True, methods=["post"], pagination_class=None)
    def restore(self, request: Request, pk: str = "") -> Response:
        """Bring an earlier version back; what was in between stays in the history. Needs ``If-Match``."""
        found = self.get_object()
        must_match(request, resource_etag(found))
        serializer = RestoreSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        version, reason = serializer.validated_data["version"], serializer.validated_data["reason"]
        state = state_of_resource(found.pk, version)
        if state is None:
            raise ValidationError({"version": [f"The history has no version {version} of this resource."]})
        values = link_of(found, {**state, "reason": reason or f"Restored version {version}"}, "")
        change(found, values, found.version, person(request))
        return self.answer(found.pk)

    @extend_schema(request=ResourceRowSerializer(many=True), responses=ResourceSerializer(many=True))
    @action(detail=False, methods=["post"], pagination_class=None)
    def bulk(self, request: Request) -> Response:
        """Make or change many, all of them or none; what is so already stays.

        A row with an ``id`` is that resource. One without is the resource of its kind with its address (or channel, or
        the same text), and is made where there is none: so sending the same rows again changes nothing.
        """
        rows = rows_of(request, ResourceRowSerializer, partial=True)
        user = person(request)
        done: list[int] = []
        with transaction.atomic(), following.as_one(user, SEVERAL):
            for number, row in enumerate(rows):
                found = self.row_of(row, number)
                if found is None:
                    must_edit_something(request)
                    done.append(made(row, user, f"{number}.").pk)
                    continue
                require_role(request, Role.EDITOR, self.get_scopes(found))
                refuse_fixed(found, row, f"{number}.")
                change(found, link_of(found, row, f"{number}."), row.get("version"), user)
                done.append(found.pk)
        after = {one.pk: one for one in self.get_queryset().filter(pk__in=done)}
        return Response(self.get_serializer([after[pk] for pk in done], many=True).data)

    def row_of(self, row: Mapping[str, Any], number: int) -> Resource | None:
        """The resource that a row means; none where it is to be made."""
        if row.get("id") is not None:
            found = self.get_queryset().filter(pk=row["id"]).first()
            if found is None:
                raise ValidationError({f"{number}.id": ["There is no such resource."]})
            return cast(Resource, found)
        if "kind" not in row:
            raise ValidationError({f"{number}.kind": ["Give the id of a resource, or the kind of a new one."]})
        with refused_as_problem(f"{number}."):
            twin = twin_of(cleaned_resource(row["kind"], row), row["kind"])
        return cast(Resource, self.get_queryset().get(pk=twin.pk)) if twin is not None else None


def resource_etag(found: Resource) -> str:
    """What a change must have been made from."""
    return etag_of("resource", found.pk, found.version)


def must_edit_something(request: Request) -> None:
    """Refuse who is no editor of anything: what no stage uses yet lies within no scope."""
    if not has_role_anywhere(request.user, Role.EDITOR):
        raise PermissionDenied("This needs the role editor for at least one stage.")


def made(values: Mapping[str, Any], user: User, prefix: str = "") -> Resource:
    """Make a resource of what a request says."""
    with refused_as_problem(prefix):
        return make_resource(kind=values["kind"], values=values, actor=user, reason=values.get("reason", ""))


@contextmanager
def refused_as_problem(prefix: str) -> Iterator[None]:
    """What is refused, as a problem document that names the field."""
    try:
        yield
    except ResourceRefused as error:
        raise ValidationError({f"{prefix}{name}": [told] for name, told in error.errors.items()}) from error


def refuse_fixed(found: Resource, values: Mapping[str, Any], prefix: str) -> None:
    """Refuse another query or kind: a resource is what its blocks say it is."""
    wrong = [
        name for name in FIXED if name in values and str(values[name]).replace("\r\n", "\n") != getattr(found, name)
    ]
    if wrong:
        raise ValidationError({f"{prefix}{name}": ["Change it in the block of a stage."] for name in wrong})


def link_of(found: Resource, values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The values with label and address as they may be saved."""
    if not {"label", "url"} & values.keys():
        return dict(values)
    link, errors = cleaned_link(found, values.get("label", found.label), values.get("url", found.url))
    if errors:
        raise ValidationError({f"{prefix}{name}": [sentence] for name, sentence in errors.items()})
    return {**values, **link}


def change(found: Resource, values: Mapping[str, Any], version: int | None, user: User) -> None:
    """Change a resource; another link needs an editor of all stages that use it."""
    if any(values.get(name, getattr(found, name)) != getattr(found, name) for name in ("label", "url")):
        foreign = stages_not_edited(found, user)
        if foreign:
            raise PermissionDenied(f"Its link is that of {', '.join(foreign)} as well, which you may not edit.")
    said = {name: value for name, value in values.items() if name not in (*HOW, *FIXED)}
    try:
        change_resource(
            pk=found.pk, values=said, version=version, actor=user, how="api", reviewed=values.get("reviewed", False),
            reason=values.get("reason", ""),
        )  # fmt: skip
    except StaleResource as error:
        raise PreconditionFailed from error
