"""The other endpoints at the root: metadata and error reports of senders, and the version check."""

from __future__ import annotations

import math
from typing import Any

import orjson
import structlog
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from portal.history.context import without_history_context
from portal.permissions import requires
from portal.roles import Role
from portal.wakeups import wake
from telemetry import conf, versions
from telemetry.accepting import READ_TASK, Refused, compress
from telemetry.intake import (
    anonymous_off,
    answer,
    body_of,
    limited,
    limited_check,
    refusal,
    sender_address,
    unavailable,
)
from telemetry.models import ErrorReport, MetadataReport
from telemetry.reading.document import NotAnObject, parse
from telemetry.reading.identity import moment_of
from telemetry.reading.issues import storable
from telemetry.releases import badge_svg, version_in
from telemetry.statement import Unavailable

log = structlog.get_logger(__name__)

LONGEST_MESSAGE = 4_000


def _root_of(request: HttpRequest) -> dict[str, Any]:
    body = body_of(request, conf.options.max_body)
    try:
        return parse(body).root
    except NotAnObject as error:
        raise Refused("not_an_object", str(error)) from None


def _door(request: HttpRequest) -> HttpResponse | None:
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not conf.options.anonymous:
        return anonymous_off("reports")
    return limited(sender_address(request))


def _text(value: Any, longest: int) -> str:
    return storable(value.strip())[:longest] if isinstance(value, str) else ""


def _seconds(value: Any) -> float | None:
    if isinstance(value, bool) or (not isinstance(value, int | float) and not hasattr(value, "as_tuple")):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and 0 <= number < 1e9 else None


@requires(Role.ANONYMOUS)
@csrf_exempt
@without_history_context
def metadata(request: HttpRequest) -> HttpResponse:
    """Take the seconds that each metric took; the worker adds them up."""
    if (closed := _door(request)) is not None:
        return closed
    try:
        root = _root_of(request)
        report = root["metadata"] if isinstance(root.get("metadata"), dict) else root
        entries = report.get("metrics")
        if not isinstance(entries, list):
            raise Refused(
                "no_metrics", "metrics is missing; a list of name and time_elapsed was expected.", key="metrics"
            )
        kept: list[tuple[str, float | None, str]] = []
        for entry in entries[:20_000]:
            name = _text(entry.get("name"), 520) if isinstance(entry, dict) else ""
            if name:
                kept.append((name, _seconds(entry.get("time_elapsed")), _text(entry.get("error"), 500)))
        row = MetadataReport.objects.create(
            uuid=_text(report.get("uuid"), 255),
            received_at=timezone.now(),
            metrics=len(kept),
            failures=sum(bool(entry[2]) for entry in kept),
            seconds=math.fsum(entry[1] or 0.0 for entry in kept),
            body=compress(orjson.dumps(kept)),
        )
    except Refused as refused:
        return refusal(refused)
    except DatabaseError:
        return _away()
    wake("ingest", READ_TASK)
    return answer(201, {"id": row.pk})


@requires(Role.ANONYMOUS)
@csrf_exempt
@without_history_context
def errors(request: HttpRequest) -> HttpResponse:
    """Take an error report, wrapped in ``error`` or not."""
    if (closed := _door(request)) is not None:
        return closed
    try:
        root = _root_of(request)
        report = root["error"] if isinstance(root.get("error"), dict) else root
        moment = moment_of(report["time"]) if isinstance(report.get("time"), str) else None
        row = ErrorReport.objects.create(
            uuid=_text(report.get("uuid"), 255),
            hostname=_text(report.get("hostname"), 255),
            version=_text(report.get("version"), 200),
            message=_text(report.get("message"), LONGEST_MESSAGE),
            elapsed=_seconds(report.get("elapsed")),
            happened_at=moment[0] if moment else None,
            received_at=timezone.now(),
        )
    except Refused as refused:
        return refusal(refused)
    except DatabaseError:
        return _away()
    return answer(201, {"id": row.pk})


def _away() -> HttpResponse:
    if not connection.in_atomic_block:
        connection.close()
    return unavailable(Unavailable("The database cannot be reached or refuses work; nothing was stored."))


def _checked(request: HttpRequest, kind: str) -> str:
    version = version_in(request.GET.get("gitlab_info", ""))
    if conf.options.count_version_checks:
        try:
            with transaction.atomic():
                versions.count_check(version)
        except DatabaseError:
            log.warning("counting a version check failed", kind=kind)
    return version


@requires(Role.ANONYMOUS)
@csrf_exempt
@without_history_context
def check_json(request: HttpRequest) -> HttpResponse:
    """Is this version current? Answers 200 whatever ``gitlab_info`` holds."""
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    if (slow_down := limited_check(sender_address(request))) is not None:
        return slow_down
    return answer(200, versions.answer_for(_checked(request, "json")).as_json(), Cache_Control="no-store")


@requires(Role.ANONYMOUS)
@csrf_exempt
@without_history_context
def check_svg(request: HttpRequest) -> HttpResponse:
    """The same as a picture, for instances that show one."""
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    if (slow_down := limited_check(sender_address(request))) is not None:
        return slow_down
    severity = versions.answer_for(_checked(request, "svg")).severity
    response = HttpResponse(badge_svg(severity), content_type="image/svg+xml")
    response["Cache-Control"] = "no-store"
    return response
