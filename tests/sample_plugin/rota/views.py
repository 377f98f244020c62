"""The plugin's page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from portal.permissions import requires
from portal.roles import Role

from rota.queries import on_duty


@requires(Role.VIEWER)
def index(request: HttpRequest) -> HttpResponse:
    """Everyone who is on duty today."""
    return render(request, "rota/index.html", {"duties": on_duty(timezone.localdate())})
