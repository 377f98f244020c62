"""The home page: the state of the whole at a glance."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.permissions import requires
from portal.roles import Role


@requires(Role.VIEWER)
def home(request: HttpRequest) -> HttpResponse:
    """What stands where."""
    return render(request, "portal/home.html")


@requires(Role.VIEWER)
def soon(request: HttpRequest) -> HttpResponse:
    """A page that is being built."""
    return render(request, "portal/home.html")
