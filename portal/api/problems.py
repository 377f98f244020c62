"""Errors of the API as ``application/problem+json`` (RFC 9457), naming the field that was wrong."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.signals import got_request_exception
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.fields import get_error_detail
from rest_framework.permissions import SAFE_METHODS
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import set_rollback

logger = logging.getLogger("portal.api")

CONTENT_TYPE = "application/problem+json"


class Conflict(exceptions.APIException):
    """The request is well-formed but does not fit the state of things."""

    status_code = HTTPStatus.CONFLICT
    default_detail = "This does not fit the present state."
    default_code = "conflict"


class PreconditionFailed(exceptions.APIException):
    """Someone else changed the thing since it was read (``If-Match``)."""

    status_code = HTTPStatus.PRECONDITION_FAILED
    default_detail = "It has changed since you read it. Read it again, then send your change with the new ETag."
    default_code = "precondition_failed"


class TooLarge(exceptions.APIException):
    """The body is larger than any that is read."""

    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is too large. Send it in parts."
    default_code = "too_large"


class Unavailable(exceptions.APIException):
    """The database is away, starts anew or has no room; the same request may be fine a moment later."""

    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    default_detail = "The database cannot be reached or refuses work; nothing was changed. Try again."
    default_code = "unavailable"
    wait = 30


def problem_handler(exc: Exception, context: dict[str, Any]) -> Response:
    """DRF's ``EXCEPTION_HANDLER``: every error is a problem document, an unforeseen one too."""
    request = context.get("request")
    if isinstance(exc, Http404):
        exc = exceptions.NotFound(*exc.args)
    elif isinstance(exc, DjangoPermissionDenied):
        exc = exceptions.PermissionDenied(*exc.args)
    elif isinstance(exc, DjangoValidationError):
        exc = exceptions.ValidationError(get_error_detail(exc))
    elif isinstance(exc, RequestDataTooBig):
        exc = TooLarge()
    elif isinstance(exc, SuspiciousOperation):
        # More fields in a form than any form has, and the like.
        exc = exceptions.ParseError("The request was not understood.")
    elif isinstance(exc, DataError):
        # PostgreSQL cannot hold or compare such a value: a time zone of 22 hours, a number of 40 digits.
        logger.warning("a value was refused by the database: %s", exc)
        exc = exceptions.ParseError("A value lies outside of what can be stored or compared.")
    elif isinstance(exc, (OperationalError, InterfaceError)):
        logger.error("the database is away or refuses work: %s", exc)
        exc = Unavailable()
    set_rollback()
    if not isinstance(exc, exceptions.APIException):
        view = context.get("view")
        logger.exception("API view %s failed", type(view).__qualname__, exc_info=exc)
        # Django's own handler never sees this one, so those who watch for it (tests, error reports) are told here.
        got_request_exception.send(sender=type(view), request=getattr(request, "_request", None))
        return problem(500, "The server failed while answering. The failure is logged.", request=request)
    headers: dict[str, str] = {}
    challenge = getattr(exc, "auth_header", None)
    if challenge:
        headers["WWW-Authenticate"] = str(challenge)
    if isinstance(exc, Unavailable):
        headers["Retry-After"] = str(exc.wait)
    if isinstance(exc, exceptions.ValidationError):
        in_query = request is not None and request.method in SAFE_METHODS
        errors = [error_entry(path, detail, in_query=in_query) for path, detail in leaves(exc.detail)]
        count = len(errors)
        sentence = "One value was not accepted." if count == 1 else f"{count} values were not accepted."
        return problem(exc.status_code, sentence, request=request, errors=errors, headers=headers)
    detail = exc.detail if isinstance(exc.detail, str) else " ".join(str(leaf) for _, leaf in leaves(exc.detail))
    code = exc.get_codes()
    return problem(
        exc.status_code, str(detail), request=request, code=code if isinstance(code, str) else "", headers=headers
    )


def leaves(detail: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], exceptions.ErrorDetail]]:
    """Every single error of DRF's nested detail with the path of keys and positions that leads to its value."""
    if isinstance(detail, Mapping):
        for key, value in detail.items():
            own = path if key in {api_settings.NON_FIELD_ERRORS_KEY, "__all__"} else (*path, str(key))
            yield from leaves(value, own)
    elif isinstance(detail, list):
        for position, value in enumerate(detail):
            # A list of sentences belongs to one value; a list of mappings to the items of a list.
            yield from leaves(value, path if isinstance(value, str) else (*path, str(position)))
    elif isinstance(detail, exceptions.ErrorDetail):
        yield path, detail
    else:
        yield path, exceptions.ErrorDetail(str(detail), code="invalid")


def error_entry(path: tuple[str, ...], detail: exceptions.ErrorDetail, *, in_query: bool) -> dict[str, str]:
    """One entry of ``errors``: the field by name and as a JSON pointer, or the query parameter."""
    code = detail.code or "invalid"
    if in_query:
        return {"field": ".".join(path), "parameter": path[0] if path else "", "detail": str(detail), "code": code}
    escaped = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)
    return {"field": ".".join(path), "pointer": f"#{escaped}", "detail": str(detail), "code": code}


def problem(
    status: int,
    detail: str,
    *,
    request: Any = None,
    code: str = "",
    errors: list[dict[str, str]] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """A problem document as a response."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
    }
    if code:
        body["code"] = code
    if request is not None:
        body["instance"] = request.path
        request_id = getattr(request, "request_id", "")
        if request_id:
            body["request_id"] = request_id
    if errors is not None:
        body["errors"] = errors
    return Response(body, status=int(status), headers=headers, content_type=CONTENT_TYPE)
