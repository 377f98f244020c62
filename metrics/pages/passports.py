"""The passport page of a figure."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from metrics.figures.queries import passport_url
from portal.permissions import requires
from portal.roles import Role


@requires(Role.VIEWER)
def passport(request: HttpRequest, figure_id: str) -> HttpResponse:
    """Until the page is drawn, the passport as the API gives it."""
    return redirect(passport_url(figure_id))
