"""The page /plugins/: what is installed and what each plugin adds."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.permissions import requires
from portal.plugins.registry import registry
from portal.plugins.summary import overview
from portal.roles import Role


@requires(Role.VIEWER)
def plugins(request: HttpRequest) -> HttpResponse:
    """The same as ``manage.py plugins`` tells."""
    return render(request, "portal/plugins.html", {"overview": overview(registry)})
