"""What the routes of the catalog share: ETags that must match, refusals as problems, rows of bulk requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any, cast

from rest_framework import serializers, status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request

from portal.api.etags import etag_of, require_match
from portal.api.problems import PreconditionFailed
from portal.history import Entry as Entry_
from portal.models import User
from stages.facts import Entry
from stages.own_texts import OwnTextRefused, StaleOwnText
from stages.restructuring import RestructureRefused, StaleEntry, today

MOST_ROWS = 1000
MOST_ENTRIES = 50
"""How many entries of a history make a page."""


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


@contextmanager
def own_text_as_problem(prefix: str = "") -> Iterator[None]:
    """What the verbs refuse as a problem document that names the field; what is stale as 412."""
    try:
        yield
    except OwnTextRefused as error:
        raise ValidationError({f"{prefix}{error.field or 'text'}": [str(error)]}) from error
    except StaleOwnText as error:
        raise PreconditionFailed from error


SEVERAL = "changed several things at once"
"""What followers are told of a bulk request, in one line."""


def rows_of(request: Request, serializer: type[serializers.Serializer[Any]], **options: Any) -> list[dict[str, Any]]:
    """The rows of a bulk request, at most a thousand."""
    if isinstance(request.data, list) and len(request.data) > MOST_ROWS:
        raise ValidationError({"detail": [f"At most {MOST_ROWS:,} rows at a time; these are {len(request.data):,}."]})
    found = serializer(data=request.data, many=True, **options)
    found.is_valid(raise_exception=True)
    return list(found.validated_data)


def entries_data(entries: Sequence[Entry_], kind: str) -> dict[str, Any]:
    """A page of what the triggers wrote of rows, as a timeline; ``restore`` names the row and its version then."""
    happenings = [
        {
            "at": one.at,
            "title": f"{kind.capitalize()} {one.action.value}",
            "who": one.who_text,
            "how": one.action.value,
            "why": one.why,
            "differences": [
                {"what": change.label, "before": text_of(change.before), "after": text_of(change.after)}
                for change in one.changes
                if change.field != "version"
            ],
            "restore": {kind.replace(" ", "_"): one.key, "version": one.row.get("version")},
            "undo": None,
        }
        for one in entries
    ]
    older = entries[-1].at if len(entries) == MOST_ENTRIES else None
    return {"older": older, "happenings": happenings}


def text_of(value: Any) -> str:
    """A stored value as text, whole; nothing for none."""
    return "" if value is None else str(value)


def day_of(data: dict[str, Any]) -> date:
    """The day from which a change holds; today where none is given."""
    return data.get("on") or today()
