"""The home page: the state of the whole at a glance."""

from __future__ import annotations

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal import health
from portal.models import User
from portal.pages.attention import waiting_for
from portal.panels import draw_home
from portal.permissions import has_role, requires, signed_in
from portal.plugin import HealthState
from portal.roles import Role

HEALTH_KEPT = 30
"""Seconds for which the home page repeats what the checks said; ``/status/`` always asks anew."""


@requires(Role.VIEWER)
def home(request: HttpRequest) -> HttpResponse:
    """What waits for the reader, the plugins' cards, and what is not well."""
    user = signed_in(request)
    context = {
        "waiting": waiting_for(user),
        "panels": draw_home(request),
        "troubles": troubles_for(user),
    }
    return render(request, "portal/home.html", context)


def troubles_for(user: User) -> list[health.Result]:
    """What is not well: for administrators all of it, for others what is broken and so may explain what they see."""
    found = troubles()
    if has_role(user, Role.ADMINISTRATOR):
        return found
    return [result for result in found if result.state is HealthState.FAILED]


def troubles() -> list[health.Result]:
    """The checks that are not fine, kept for half a minute since some of them take a while."""
    kept: list[health.Result] | None = cache.get("portal:troubles")
    if kept is None:
        kept = [result for result in health.results() if result.state is not HealthState.OK]
        cache.set("portal:troubles", kept, HEALTH_KEPT)
    return kept
