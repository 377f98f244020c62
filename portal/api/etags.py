"""ETags: an unchanged answer is not sent again, and a change made from a stale reading is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime

from django.http import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import parse_etags, quote_etag
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.problems import PreconditionFailed

Part = str | int | bool | datetime | None


def etag_of(*parts: Part) -> str:
    """A quoted, strong ETag from whatever decides an answer: ids, versions, times, the query string."""
    text = "\x1f".join(part.isoformat() if isinstance(part, datetime) else repr(part) for part in parts)
    return quote_etag(hashlib.sha256(text.encode()).hexdigest()[:32])


def answer_with_etag(request: Request, etag: str, build: Callable[[], Response]) -> HttpResponseBase:
    """304 when the reader's ``If-None-Match`` holds ``etag``; otherwise what ``build`` makes, with the ETag on it."""
    early = get_conditional_response(request._request, etag=etag)
    if early is not None:
        early["ETag"] = etag
        return early
    response = build()
    response["ETag"] = etag
    response.headers.setdefault("Cache-Control", "private, no-cache")
    return response


def require_match(request: Request, etag: str) -> None:
    """Refuse a change (412) whose ``If-Match`` names another state than the present one; without it, go on."""
    wanted = request.headers.get("If-Match")
    if wanted is None:
        return
    known = parse_etags(wanted)
    if known != ["*"] and etag not in known:
        raise PreconditionFailed
