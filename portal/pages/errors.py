"""Pages for what goes wrong. Each says what happened, what to do, and how to ask for help."""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.urls import Resolver404

from portal.request_id import current_request_id
from portal.theme import chosen_theme


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404, with a search for the words of the address that led nowhere."""
    reason = "" if isinstance(exception, Resolver404) or not exception.args else str(exception.args[0])
    words = [word for word in request.path.replace("-", " ").replace("_", " ").split("/") if word]
    context = {"reason": reason if "matches the given query" not in reason else "", "guess": words[-1] if words else ""}
    return HttpResponse(loader.render_to_string("404.html", context, request), status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 where the database is away. Asks nothing of the database, since that may be what is broken."""
    away = isinstance(sys.exc_info()[1], (OperationalError, InterfaceError))
    context = {"theme": chosen_theme(request).value, "request_id": current_request_id()}
    response = HttpResponse(loader.render_to_string("503.html" if away else "500.html", context))
    response.status_code = 503 if away else 500
    if away:
        response["Retry-After"] = "30"
    return response
