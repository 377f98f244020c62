"""The two pages that machines ask without signing in: ``/health/`` and ``/health/prometheus``."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from portal.permissions import requires
from portal.prometheus import scrape
from portal.roles import Role


@require_safe
@never_cache
@requires(Role.ANONYMOUS)
def health(request: HttpRequest) -> JsonResponse:
    """Whether this web server can do its work: 200, or 503 with the reason."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        reason = (str(error).strip().splitlines() or ["no reason given"])[0]
        return JsonResponse({"status": "failed", "database": reason}, status=503)
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
@requires(Role.ANONYMOUS)
def prometheus(request: HttpRequest) -> HttpResponse:
    """All numbers about the portal itself, none about its users."""
    return HttpResponse(scrape(), content_type=CONTENT_TYPE_LATEST)
