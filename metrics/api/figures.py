"""Figures in the API: the same questions and rows as the command ``figures``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.http import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from metrics.definitions.catalogue import definitions_version
from metrics.engine.estimates import MOST_MONTHS_AHEAD, Grain
from metrics.engine.months import MonthError, close_month, reopen_month
from metrics.figures import passport as passports
from metrics.figures.asking import check_subject, questions_from
from metrics.figures.combined import parts as parts_of
from metrics.figures.contributions import contributions, stream_contributions
from metrics.figures.document import document
from metrics.figures.left_out import REASONS, left_out, stream_left_out
from metrics.figures.months import MonthFacts, month_facts
from metrics.figures.movement import movement
from metrics.figures.predictions import Prediction, predictions
from metrics.figures.queries import figures
from metrics.figures.question import AS, DELIVERIES, EDITIONS, INDICATORS, TIERS, Question, QuestionError, parse_id
from metrics.periods import Month
from portal.api.etags import answer_with_etag, etag_of
from portal.api.export import stream_csv, stream_ndjson
from portal.permissions import signed_in
from portal.roles import Role

ROWS = 1000
"""Contributions in one answer, unless fewer are asked for; ``contributions/`` streams them all."""

CONTRIBUTION_COLUMNS = (
    "uuid",
    "hostname",
    "value",
    "report",
    "recorded_at",
    "delivery",
    "edition",
    "tier",
    "version",
    "subscription",
    "reading",
    "baseline",
)


PART_COLUMNS = ("subject", "figure", "value", "uplift", "state")


class CoverageSerializer(serializers.Serializer[Any]):
    """How many installations stand behind a figure."""

    reporting = serializers.IntegerField(allow_null=True)
    pinging = serializers.IntegerField(allow_null=True)
    known = serializers.IntegerField(allow_null=True)


class FigureSerializer(serializers.Serializer[Any]):
    """A figure. Integers are numbers, other decimals are text; ``recorded`` null is not 0, the flags say why."""

    id = serializers.CharField()
    indicator = serializers.ChoiceField(choices=INDICATORS)
    subject = serializers.CharField(allow_null=True)
    metric = serializers.CharField(allow_null=True)
    month = serializers.CharField()
    cut = serializers.DictField()
    grain = serializers.ChoiceField(choices=[grain.value for grain in Grain])
    as_ = serializers.ChoiceField(choices=AS)
    recorded = serializers.JSONField(allow_null=True)
    uplift = serializers.IntegerField(allow_null=True)
    estimated = serializers.JSONField(allow_null=True)
    coverage = CoverageSerializer()
    state = serializers.ChoiceField(choices=["open", "provisional", "final"])
    as_of = serializers.DateTimeField(allow_null=True)
    flags = serializers.ListField(child=serializers.CharField())
    passport = serializers.CharField()

    def get_fields(self) -> dict[str, Any]:
        """``as`` is a word of Python's, so it cannot be written as an attribute."""
        return {("as" if name == "as_" else name): one for name, one in super().get_fields().items()}


@extend_schema_serializer(many=False)
class FigureListSerializer(serializers.Serializer[Any]):
    """A list of figures, whole."""

    count = serializers.IntegerField()
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = FigureSerializer(many=True)


class ReasonSerializer(serializers.Serializer[Any]):
    """Why a month is closed or re-opened."""

    reason = serializers.CharField()


QUESTION = [
    OpenApiParameter("indicator", str, required=True, enum=INDICATORS),
    OpenApiParameter("month", str, description="YYYY-MM, or several with commas"),
    OpenApiParameter("week", str, description="YYYY-Www, for metrics of 7 days"),
    OpenApiParameter("stage", str, description="without it, every stage"),
    OpenApiParameter("group", str, description="without it, every group"),
    OpenApiParameter("section", str, description="without it, every section"),
    OpenApiParameter("metric", str, description="key path, for amau and metric"),
    OpenApiParameter("delivery", str, enum=DELIVERIES),
    OpenApiParameter("edition", str, enum=EDITIONS),
    OpenApiParameter("tier", str, enum=TIERS),
    OpenApiParameter("paid", bool),
    OpenApiParameter("version", str, description="major.minor"),
    OpenApiParameter("grain", str, enum=[grain.value for grain in Grain]),
    OpenApiParameter("as", str, enum=AS),
]


def figures_etag(request: Request) -> str:
    """Changes with every roll-up, closing, mapping and day (states follow the calendar)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT max(id) FROM metrics_monthrevision), (SELECT max(computed_at) FROM metrics_figuremonth),"
            " (SELECT max(id) FROM metrics_monthevent), (SELECT max(pgh_id) FROM metrics_indicatormappingevent),"
            " (SELECT max(updated_at) FROM stages_stage)"
        )
        parts = cursor.fetchone()
    day = timezone.now().date().isoformat()
    return etag_of(*parts, definitions_version(), day, request.get_full_path(), request.headers.get("Accept", ""))


def _asked(request: Request) -> list[Question]:
    asked = {name: request.query_params[name] for name in request.query_params if name != "format"}
    try:
        return questions_from(asked)
    except QuestionError as error:
        raise ValidationError({error.parameter: [error.sentence]}) from error


def _question(figure_id: str) -> Question:
    try:
        question = parse_id(figure_id)
        check_subject(question)
    except QuestionError as error:
        raise NotFound(error.sentence) from error
    return question


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or int(text) > most:
        raise ValidationError({name: [f"{name}: write a whole number from 0 to {most}."]})
    return int(text)


class FigureViewSet(viewsets.ViewSet):
    """Figures and their passports. The answer changes only with the facts, so ask with ``If-None-Match``."""

    read_role = Role.VIEWER
    write_role = Role.REVIEWER
    lookup_field = "id"
    lookup_value_regex = "[^/]+"

    @extend_schema(parameters=QUESTION, responses=FigureListSerializer)
    def list(self, request: Request) -> HttpResponseBase:
        """One row per question, by the official grain when none is named."""
        questions = _asked(request)

        def build() -> Response:
            return Response(document([one.as_row() for one in figures(questions)]))

        return answer_with_etag(request, figures_etag(request), build)

    @extend_schema(responses=FigureSerializer)
    def retrieve(self, request: Request, id: str) -> HttpResponseBase:
        """One figure by its id."""
        question = _question(id)
        return answer_with_etag(request, figures_etag(request), lambda: Response(figures([question])[0].as_row()))

    @extend_schema(
        parameters=[
            OpenApiParameter("limit", int, description=f"contributions and left out in the answer, at most {ROWS}"),
            OpenApiParameter("offset", int),
            OpenApiParameter("search", str, description="part of a uuid, hostname or subscription"),
            OpenApiParameter("reason", str, enum=REASONS, description="only these of the left out"),
        ],
        responses=OpenApiTypes.OBJECT,
    )
    @action(detail=True, methods=["get"])
    def passport(self, request: Request, id: str) -> HttpResponseBase:
        """What the figure is made of: contributions, left out, definition, mapping, estimate, restatements."""
        question = _question(id)
        limit, offset = _number(request, "limit", ROWS, ROWS), _number(request, "offset", 0, 10**9)
        search, reason = request.query_params.get("search", ""), request.query_params.get("reason", "")
        if reason and reason not in REASONS:
            raise ValidationError({"reason": [f"reason: {reason!r} is none; see the schema for the words."]})

        def build() -> Response:
            found = passports.passport(question)
            rows: list[Any] = list(found.parts) or contributions(found.scope, search=search, offset=offset, limit=limit)
            left = left_out(question, found.scope, reason=reason, search=search, offset=offset, limit=limit)
            following = None
            if found.left_out_counts is None:
                # They were not counted; a full page may have a next one.
                more = offset + limit < found.contributions_count or len(left) == limit
            else:
                more = offset + limit < max(found.contributions_count, sum(found.left_out_counts.values()))
            if more:
                following = f"?limit={limit}&offset={offset + limit}"
            return Response(
                {
                    **found.as_document(),
                    "contributions": [one.as_row() for one in rows],
                    "left_out": [one.as_row() for one in left],
                    "next": following,
                }
            )

        return answer_with_etag(request, figures_etag(request), build)

    @extend_schema(
        parameters=[OpenApiParameter("as", str, enum=["ndjson", "csv"], default="ndjson")],
        responses={(200, "application/x-ndjson"): OpenApiTypes.STR, (200, "text/csv"): OpenApiTypes.STR},
    )
    @action(detail=True, methods=["get"])
    def contributions(self, request: Request, id: str) -> HttpResponseBase:
        """Every contribution, streamed: installations, or the stages of a combined figure."""
        question = _question(id)
        if question.is_combined:
            parts = [one.as_row() for one in parts_of(question)]
            return _stream(request, parts, PART_COLUMNS, f"{id}-contributions")
        rows = (_flat(one.as_row()) for one in stream_contributions(question))
        return _stream(request, rows, CONTRIBUTION_COLUMNS, f"{id}-contributions")

    @extend_schema(
        parameters=[OpenApiParameter("as", str, enum=["ndjson", "csv"], default="ndjson")],
        responses={(200, "application/x-ndjson"): OpenApiTypes.STR, (200, "text/csv"): OpenApiTypes.STR},
    )
    @action(detail=True, methods=["get"], url_path="left-out")
    def left_out(self, request: Request, id: str) -> HttpResponseBase:
        """Everything that was left out, streamed."""
        question = _question(id)
        columns: tuple[str, ...] = ("uuid", "hostname", "reason", "subscription", "report", "recorded_at", "detail")
        if question.is_combined:
            columns = ("subject", "figure", "reason")
        rows = (_flat(one.as_row()) for one in stream_left_out(question))
        return _stream(request, rows, columns, f"{id}-left-out")

    @extend_schema(
        parameters=[OpenApiParameter("since", str, description="YYYY-MM; without it, the month before")],
        responses=OpenApiTypes.OBJECT,
    )
    @action(detail=True, methods=["get"])
    def movement(self, request: Request, id: str) -> HttpResponseBase:
        """Why it moved: what adds up to the change since another month."""
        question = _question(id)
        text = request.query_params.get("since", "")
        try:
            since = Month.parse(text) if text else None
        except ValueError as error:
            raise ValidationError({"since": [f"since: {error}."]}) from error

        def build() -> Response:
            try:
                return Response(movement(question, since=since).as_document())
            except QuestionError as error:
                raise ValidationError({error.parameter: [error.sentence]}) from error

        return answer_with_etag(request, figures_etag(request), build)

    @extend_schema(
        parameters=[OpenApiParameter("months", int, description="how many months ahead, 1 to 12", default=12)],
        responses=OpenApiTypes.OBJECT,
    )
    @action(detail=True, methods=["get"])
    def predictions(self, request: Request, id: str) -> HttpResponseBase:
        """The months after it on a straight line; a series of its own, never mixed with estimates."""
        question = _question(id)
        months = _number(request, "months", MOST_MONTHS_AHEAD, MOST_MONTHS_AHEAD)

        def build() -> Response:
            try:
                found = predictions(question, months)
            except QuestionError as error:
                raise ValidationError({error.parameter: [error.sentence]}) from error
            return Response(document([_predicted(one, is_combined=question.is_combined) for one in found]))

        return answer_with_etag(request, figures_etag(request), build)


def _predicted(one: Prediction, *, is_combined: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"month": str(one.month), "predicted": one.value}
    return {**row, "stages_missing": list(one.missing)} if is_combined else row


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    installation = row.pop("installation") or {"uuid": "", "hostname": ""}
    return {**installation, **row}


def _stream(request: Request, rows: Any, columns: tuple[str, ...], name: str) -> HttpResponseBase:
    wanted = request.query_params.get("as", "ndjson")
    if wanted not in ("ndjson", "csv"):
        raise ValidationError({"as": ["as: ask for ndjson or csv."]})
    safe = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in name)
    if wanted == "csv":
        return stream_csv(rows, columns=columns, filename=f"{safe}.csv")
    return stream_ndjson(rows, filename=f"{safe}.ndjson")


class MonthSerializer(serializers.Serializer[Any]):
    """A month: its state, publication and what plausibility found."""

    month = serializers.CharField()
    state = serializers.ChoiceField(choices=["open", "provisional", "final"])
    computed_at = serializers.DateTimeField(allow_null=True)
    published_at = serializers.DateTimeField(allow_null=True)
    published_by = serializers.CharField(allow_null=True)
    is_reopened = serializers.BooleanField()
    waiting = serializers.IntegerField(help_text="Changes of facts that it has yet to follow.")
    findings = serializers.ListField(child=serializers.DictField())


@extend_schema_serializer(many=False)
class MonthListSerializer(serializers.Serializer[Any]):
    """All months, in one page."""

    count = serializers.IntegerField()
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = MonthSerializer(many=True)


class MonthViewSet(viewsets.ViewSet):
    """The months. Closing one publishes its figures; that and re-opening need the role reviewer and a reason."""

    read_role = Role.VIEWER
    write_role = Role.REVIEWER
    lookup_field = "month"
    lookup_value_regex = r"\d{4}-\d{2}"

    @extend_schema(responses=MonthListSerializer)
    def list(self, request: Request) -> Response:
        """All known months, newest first."""
        return Response(document([_month_row(one) for one in month_facts()]))

    @extend_schema(responses=MonthSerializer)
    def retrieve(self, request: Request, month: str) -> Response:
        """One month."""
        return Response(_month_row(_one(_month(month))))

    @extend_schema(request=ReasonSerializer, responses=MonthSerializer)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, month: str) -> Response:
        """Make it final and publish its figures."""
        return self._act(request, month, close_month)

    @extend_schema(request=ReasonSerializer, responses=MonthSerializer)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, month: str) -> Response:
        """Take it back to provisional."""
        return self._act(request, month, reopen_month)

    def _act(self, request: Request, text: str, verb: Callable[..., Any]) -> Response:
        asked = ReasonSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        month = _month(text)
        try:
            verb(month=month, actor=signed_in(request), reason=asked.validated_data["reason"])
        except MonthError as error:
            raise ValidationError({"month": [str(error)]}) from error
        return Response(_month_row(_one(month)))


def _month(text: str) -> Month:
    try:
        return Month.parse(text)
    except ValueError as error:
        raise NotFound(str(error)) from error


def _one(month: Month) -> MonthFacts:
    found = month_facts([month])
    if not found:
        raise NotFound(f"Nothing is known of {month}.")
    return found[0]


def _month_row(one: MonthFacts) -> dict[str, Any]:
    return {
        "month": str(one.month),
        "state": one.state,
        "computed_at": one.computed_at,
        "published_at": one.published_at,
        "published_by": one.published_by or None,
        "is_reopened": one.is_reopened,
        "waiting": one.waiting,
        "findings": [dict(finding) for finding in one.findings],
    }


__all__ = ["FigureViewSet", "MonthViewSet"]
