"""What the routes of the catalog share: reasons, ETags that must match, refusals as problems."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, cast

from rest_framework import serializers, status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request

from portal.api.etags import etag_of, require_match
from portal.api.problems import PreconditionFailed
from portal.models import User
from stages.facts import Entry
from stages.restructuring import RestructureRefused, StaleEntry, today

MOST_ROWS = 1000


class MatchRequired(APIException):
    """A write that might overwrite somebody's work must say what it was made from."""

    status_code = status.HTTP_428_PRECONDITION_REQUIRED
    default_detail = "This would overwrite what is there. Send the ETag that you read as If-Match."
    default_code = "precondition_required"


def must_match(request: Request, etag: str) -> None:
    """Refuse a change that does not say what it was made from (428) or was made from another state (412)."""
    if "If-Match" not in request.headers:
        raise MatchRequired
    require_match(request, etag)


def entry_etag(entry: Entry) -> str:
    """What a change of an entry must have been made from."""
    return etag_of(type(entry).__name__, entry.pk, entry.version)


def reason_of(request: Request) -> str:
    """The reason that a change came with."""
    return str(request.data.get("reason", ""))[:1000] if isinstance(request.data, dict) else ""


def person(request: Request) -> User:
    """Who asks; the permission has seen to it that somebody is signed in."""
    return cast(User, request.user)


@contextmanager
def as_problems(prefix: str = "") -> Iterator[None]:
    """What a verb refuses as a problem document that names the field; what is stale as 412."""
    try:
        yield
    except RestructureRefused as error:
        raise ValidationError({f"{prefix}{error.field}" if error.field else f"{prefix}detail": [str(error)]}) from error
    except StaleEntry as error:
        raise PreconditionFailed from error


def rows_of(request: Request, serializer: type[serializers.Serializer[Any]], **options: Any) -> list[dict[str, Any]]:
    """The rows of a bulk request, at most a thousand."""
    if isinstance(request.data, list) and len(request.data) > MOST_ROWS:
        raise ValidationError({"detail": [f"At most {MOST_ROWS:,} rows at a time; these are {len(request.data):,}."]})
    found = serializer(data=request.data, many=True, **options)
    found.is_valid(raise_exception=True)
    return list(found.validated_data)


def day_of(data: dict[str, Any]) -> date:
    """The day from which a change holds; today where none is given."""
    return data.get("on") or today()
