"""The id of the request in hand, the same in the answer, the log and the history."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponseBase

HEADER = "X-Request-ID"
_SENT = "HTTP_X_REQUEST_ID"  # asked for where it lies: putting all headers together costs more than all else here
ACCEPTED = re.compile(r"[A-Za-z0-9_.:-]{8,64}")

_current: ContextVar[str] = ContextVar("request_id", default="")


def current_request_id() -> str:
    """The id of the request that this code runs for; empty outside of one."""
    return _current.get()


@contextmanager
def identified(request: HttpRequest) -> Iterator[str]:
    """Give the request its id, for as long as it is answered: the one that a proxy sends, if it is a plain word."""
    sent = request.META.get(_SENT, "")
    request_id = sent if ACCEPTED.fullmatch(sent) else secrets.token_hex(8)
    request.request_id = request_id  # type: ignore[attr-defined]  # an attribute of our own
    token = _current.set(request_id)
    try:
        yield request_id
    finally:
        _current.reset(token)


class RequestIdMiddleware:
    """Every request has an id; the answer carries it back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with identified(request) as request_id:
            response = self.get_response(request)
        response.headers[HEADER] = request_id
        return response
