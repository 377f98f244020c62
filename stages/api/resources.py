"""Routes of shared resources and of the helpful places to start."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, cast

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from portal.api.etags import answer_with_etag, etag_of
from portal.api.permissions import require_role
from portal.api.problems import PreconditionFailed
from portal.models import User
from portal.roles import Role
from stages.api.common import must_match, person, rows_of
from stages.api.serializers import (
    ResourceRowSerializer,
    ResourceSerializer,
    StartingPointRowSerializer,
    StartingPointSerializer,
)
from stages.models import Resource, StartingPoint
from stages.resources import StaleResource, change_resource, cleaned_link, stages_not_edited


class ResourceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Any]):
    """Resources: who keeps them, who can open them, whether they are official, and which stages use them."""

    read_role = Role.VIEWER
    write_role = Role.EDITOR
    queryset = Resource.objects.prefetch_related("placements__block__stage__section")
    serializer_class = ResourceSerializer
    action_roles: ClassVar[dict[str, Role]] = {"bulk": Role.VIEWER}  # Each resource is asked about in turn.

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
        change(found, serializer.validated_data, found.version, person(request))
        after = self.get_object()
        return Response(self.get_serializer(after).data, headers={"ETag": etag_of("resource", after.pk, after.version)})

    @extend_schema(request=ResourceRowSerializer(many=True), responses=ResourceSerializer(many=True))
    @action(detail=False, methods=["post"], pagination_class=None)
    def bulk(self, request: Request) -> Response:
        """Change many by id, all of them or none; what is so already stays. Resources are made by placing them."""
        rows = rows_of(request, ResourceRowSerializer, partial=True)
        known = {one.pk: one for one in self.get_queryset().filter(pk__in=[row.get("id", 0) for row in rows])}
        user = person(request)
        with transaction.atomic():
            for number, row in enumerate(rows):
                found = known.get(row.get("id", 0))
                if found is None:
                    raise ValidationError({f"{number}.id": ["There is no such resource."]})
                require_role(request, Role.EDITOR, self.get_scopes(found))
                values = {name: value for name, value in row.items() if name not in ("id", "version")}
                change(found, self.link_of(found, values, f"{number}."), row.get("version"), user)
        after = {one.pk: one for one in self.get_queryset().filter(pk__in=known)}
        return Response(self.get_serializer([after[row["id"]] for row in rows], many=True).data)

    def link_of(self, found: Resource, values: dict[str, Any], prefix: str) -> dict[str, Any]:
        """The values with label and address as they may be saved."""
        if not {"label", "url"} & values.keys():
            return values
        link, errors = cleaned_link(found, values.get("label", found.label), values.get("url", found.url))
        if errors:
            raise ValidationError({f"{prefix}{name}": [sentence] for name, sentence in errors.items()})
        return values | link


def change(found: Resource, values: dict[str, Any], version: int | None, user: User) -> None:
    """Change a resource; another link needs an editor of all stages that use it."""
    if any(values.get(name, getattr(found, name)) != getattr(found, name) for name in ("label", "url")):
        foreign = stages_not_edited(found, user)
        if foreign:
            raise PermissionDenied(f"Its link is that of {', '.join(foreign)} as well, which you may not edit.")
    try:
        change_resource(pk=found.pk, values=values, version=version, actor=user, how="api")
    except StaleResource as error:
        raise PreconditionFailed from error


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

    @extend_schema(request=StartingPointRowSerializer(many=True), responses=StartingPointSerializer(many=True))
    @action(detail=False, methods=["post"], pagination_class=None)
    def bulk(self, request: Request) -> Response:
        """Make or change many, all of them or none; what is so already stays."""
        rows = rows_of(request, StartingPointRowSerializer, partial=True)
        done = []
        with transaction.atomic():
            for number, row in enumerate(rows):
                values = {name: value for name, value in row.items() if name not in ("id", "version")}
                if row.get("id") is None:
                    done.append(StartingPoint.objects.create(**values))
                    continue
                found = StartingPoint.objects.select_for_update().filter(pk=row["id"]).first()
                if found is None:
                    raise ValidationError({f"{number}.id": ["There is no such starting point."]})
                if row.get("version") not in (None, found.version):
                    raise PreconditionFailed
                changed = [name for name, value in values.items() if getattr(found, name) != value]
                for name in changed:
                    setattr(found, name, values[name])
                if changed:
                    found.version += 1
                    found.save()
                done.append(found)
        return Response(self.get_serializer(done, many=True).data)
