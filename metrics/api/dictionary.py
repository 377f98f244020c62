"""The dictionary in the API: definitions and the mapping."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from metrics.definitions import queries
from metrics.definitions.filters import DictionaryFilter
from metrics.definitions.mapping import MappingRefused, map_indicator, resolve_conflict, unmap_indicator
from metrics.definitions.months import month_text, parse_month
from metrics.models import IndicatorMapping, MetricDefinition
from portal.api.export import BulkExport
from portal.permissions import signed_in
from portal.roles import Role


class MonthTextField(serializers.Field[Any, Any, Any, Any]):
    """A month as ``2026-10``; null where there is no bound."""

    def to_representation(self, value: Any) -> str | None:
        return month_text(value) or None

    def to_internal_value(self, data: Any) -> Any:
        try:
            return parse_month(str(data))
        except ValueError as error:
            raise ValidationError(str(error)) from error


Month = extend_schema_field({"type": "string", "pattern": r"^\d{4}-\d{2}$", "example": "2026-10"})(MonthTextField)


class DefinitionSerializer(serializers.ModelSerializer[MetricDefinition]):
    """A definition as the dictionary keeps it."""

    group = serializers.CharField(source="group.key", default=None, read_only=True)
    stage = serializers.CharField(source="group.stage.key", default=None, read_only=True)
    url = serializers.CharField(source="get_absolute_url", read_only=True)

    class Meta:
        model = MetricDefinition
        fields = (
            "key_path",
            "name",
            "description",
            "product_group",
            "group",
            "stage",
            "product_categories",
            "value_type",
            "value_json_schema",
            "status",
            "time_frame",
            "data_source",
            "data_category",
            "performance_indicator_type",
            "tiers",
            "milestone",
            "milestone_removed",
            "introduced_by_url",
            "removed_by_url",
            "repair_issue_url",
            "instrumentation_class",
            "options",
            "events",
            "version",
            "findings",
            "first_imported_at",
            "changed_at",
            "url",
        )


class DefinitionViewSet(BulkExport, viewsets.ReadOnlyModelViewSet[MetricDefinition]):
    """The metrics dictionary. Filters take several values joined by commas; ``export/`` gives all rows at once."""

    read_role = Role.VIEWER
    write_role = Role.REVIEWER
    queryset = MetricDefinition.objects.select_related("group__stage").order_by("key_path")
    serializer_class = DefinitionSerializer
    filterset_class = DictionaryFilter
    lookup_field = "key_path"
    lookup_value_regex = "[^/]+"
    export_name = "metrics"


class MappingSerializer(serializers.ModelSerializer[IndicatorMapping]):
    """One row: which metric is the figure of a subject, from a month to a month (both included)."""

    metric = serializers.SlugRelatedField(slug_field="key_path", queryset=MetricDefinition.objects.all())
    from_month = Month(required=False, allow_null=True)
    to_month = Month(required=False, allow_null=True)
    subject_key = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    reason = serializers.CharField()
    made_by = serializers.CharField(source="made_by.username", default=None, read_only=True)

    class Meta:
        model = IndicatorMapping
        fields = (
            "id",
            "kind",
            "subject_kind",
            "subject_key",
            "product_group",
            "metric",
            "from_month",
            "to_month",
            "source",
            "reason",
            "made_by",
            "made_at",
        )
        read_only_fields = ("id", "subject_kind", "product_group", "source", "made_at")


class MappingViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.CreateModelMixin, viewsets.GenericViewSet[IndicatorMapping]
):
    """The mapping from metrics to figures. Writing needs the role reviewer and a reason."""

    read_role = Role.VIEWER
    write_role = Role.REVIEWER
    queryset = queries.mappings()
    serializer_class = MappingSerializer
    filterset_fields = ("kind", "subject_kind", "subject_key", "source")

    def get_queryset(self) -> QuerySet[IndicatorMapping]:
        """The rows; ``?month=2026-10`` gives those in force in that month."""
        month = self.request.query_params.get("month")
        if month is None:
            return queries.mappings()
        try:
            return queries.in_force(parse_month(month))
        except ValueError as error:
            raise ValidationError({"month": [str(error)]}) from error

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Map a metric; what stood for the subject in these months before gives way."""
        given = self._given(request)
        row = self._tried(lambda: map_indicator(**given, **self._span(request), actor=signed_in(request)))
        return Response(self.get_serializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=MappingSerializer, responses=None)
    @action(detail=False, methods=["post"])
    def unmap(self, request: Request) -> Response:
        """End a mapping in the months given (all when none are)."""
        given = self._given(request)
        self._tried(lambda: unmap_indicator(**given, **self._span(request), actor=signed_in(request)))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=MappingSerializer, responses=None)
    @action(detail=False, methods=["post"])
    def resolve(self, request: Request) -> Response:
        """Of several metrics that stand for one subject, let only the one given stand."""
        given = self._given(request)
        keep = given.pop("metric")
        self._tried(lambda: resolve_conflict(**given, keep=keep, **self._span(request), actor=signed_in(request)))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _given(self, request: Request) -> dict[str, Any]:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        self._months = {name: data.get(name) for name in ("from_month", "to_month")}
        return {
            "kind": data["kind"],
            "subject_key": data.get("subject_key") or "",
            "metric": data["metric"],
            "reason": data["reason"],
        }

    def _span(self, request: Request) -> dict[str, Any]:
        return self._months

    def _tried(self, act: Any) -> Any:
        try:
            return act()
        except MappingRefused as refused:
            raise ValidationError({"detail": [str(refused)]}) from refused
