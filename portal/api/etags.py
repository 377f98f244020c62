"""ETags: an unchanged answer is not sent again, and a change made from a stale reading is refused."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime

from django.http import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import parse_etags, quote_etag
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.problems import PreconditionFailed

Part = str | int | bool | datetime | None
OF_A_STATE = re.compile(r'("[0-9a-f]{32})-[0-9a-f]{32}"')


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


def answer_with_state(request: Request, state: str, build: Callable[[], Response]) -> HttpResponseBase:
    """The same where an answer tells more than a change must not overwrite, such as who uses what is told of."""
    response = with_state(build(), state)
    return answer_with_etag(request, response["ETag"], lambda: response)


def with_state(response: Response, state: str) -> Response:
    """Give an answer an ETag that holds what it tells beside ``state``.

    304 is answered only where all of it is the same, while ``require_match`` looks at the state alone, so that nobody
    is refused for what is not theirs to overwrite.
    """
    told = hashlib.sha256(JSONRenderer().render(response.data)).hexdigest()[:32]
    response["ETag"] = f'{state[:-1]}-{told}"'
    return response


def require_match(request: Request, etag: str) -> None:
    """Refuse a change (412) whose ``If-Match`` names another state than the present one; without it, go on."""
    wanted = request.headers.get("If-Match")
    if wanted is None:
        return
    known = [OF_A_STATE.sub(r'\1"', one) for one in parse_etags(wanted)]
    if known != ["*"] and etag not in known:
        raise PreconditionFailed
