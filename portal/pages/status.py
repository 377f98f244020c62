"""``/status/``: each check in words, worst first."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from portal import health
from portal.permissions import requires
from portal.plugin import HealthState
from portal.roles import Role

BADGES = {HealthState.OK: "ok", HealthState.WARNING: "warning", HealthState.FAILED: "danger"}
WORDS = {HealthState.OK: "well", HealthState.WARNING: "worth a look", HealthState.FAILED: "broken"}
SENTENCES = {
    HealthState.OK: "All is well.",
    HealthState.WARNING: "The portal works; something is worth a look.",
    HealthState.FAILED: "Something is broken. The sentences below say what and what to do.",
}


@never_cache
@requires(Role.VIEWER)
def status(request: HttpRequest) -> HttpResponse:
    """Runs every check now."""
    results = health.results()
    worst = health.worst(results)
    order = [HealthState.FAILED, HealthState.WARNING, HealthState.OK]
    rows = [
        (result, BADGES[result.state], WORDS[result.state])
        for result in sorted(results, key=lambda result: order.index(result.state))
    ]
    context = {"rows": rows, "kind": BADGES[worst], "sentence": SENTENCES[worst], "now": timezone.now()}
    return render(request, "portal/status.html", context)
