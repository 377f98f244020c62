"""One question to every source of the portal, as the search page asks it."""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from portal.models import User
from portal.permissions import signed_in
from portal.roles import Role
from portal.search import search


class HitSerializer(serializers.Serializer[Any]):
    """Something that was found; ``facets`` are what it belongs to, as the stage."""

    title = serializers.CharField()
    url = serializers.CharField()
    kind = serializers.CharField()
    snippet = serializers.CharField(allow_blank=True)
    score = serializers.FloatField()
    facets = serializers.DictField(child=serializers.CharField())


class FoundSerializer(serializers.Serializer[Any]):
    """A page of hits, the best first; how many there are of each kind; the sources that could not answer."""

    count = serializers.IntegerField()
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = HitSerializer(many=True)
    kinds = serializers.DictField(child=serializers.IntegerField())
    unavailable = serializers.ListField(child=serializers.CharField())


class SearchView(GenericAPIView[User]):
    """Search over everything, forgiving typing errors."""

    read_role = Role.VIEWER
    serializer_class = HitSerializer
    filter_backends = ()

    @extend_schema(
        operation_id="search",
        parameters=[
            OpenApiParameter("q", str, description="What to look for."),
            OpenApiParameter("kind", str, description="Only hits of this kind, as Dashboard or Stage."),
            OpenApiParameter("stage", str, description="Only what belongs to the stage of this name."),
            OpenApiParameter("page", int),
            OpenApiParameter("page_size", int),
        ],
        responses=FoundSerializer,
    )
    def get(self, request: Request) -> Response:
        """The hits, a page at a time."""
        asked = request.query_params
        found = search(asked.get("q", ""), signed_in(request))
        hits = [hit for hit in found.hits if not asked.get("stage") or dict(hit.facets).get("stage") == asked["stage"]]
        kinds = dict(sorted(Counter(hit.kind for hit in hits).items()))
        chosen = [hit for hit in hits if not asked.get("kind") or hit.kind == asked["kind"]]
        page = self.paginate_queryset(cast(Any, chosen)) or []
        rows = [
            {
                "title": hit.title, "url": hit.url, "kind": hit.kind, "snippet": hit.snippet, "score": hit.score,
                "facets": dict(hit.facets),
            }
            for hit in page
        ]  # fmt: skip
        answer = self.get_paginated_response(rows)
        answer.data |= {"kinds": kinds, "unavailable": list(found.unavailable)}
        return answer
