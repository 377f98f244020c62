"""Refuses addresses that hold the character NUL: PostgreSQL has no text with it, and no honest reader sends it."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponseBase, JsonResponse

SENTENCE = "The address holds the character NUL, which no text here can hold."


class RefuseNulMiddleware:
    """Answers 400 before any view looks something up by such a text."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "\0" not in request.path_info and "%00" not in request.META.get("QUERY_STRING", ""):
            return self.get_response(request)
        if request.path_info.startswith("/api/"):
            body = {"type": "about:blank", "title": "Bad Request", "status": 400, "detail": SENTENCE}
            return JsonResponse(body, status=400, content_type="application/problem+json")
        raise SuspiciousOperation(SENTENCE)
