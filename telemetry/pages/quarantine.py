"""Pings that wait for a reviewer: why, and side by side with the installation's own history; what was decided."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.db.models import Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from metrics.definitions.catalogue import reading_plan
from portal.permissions import has_role, requires
from portal.roles import Role
from telemetry.history import beside_history
from telemetry.models import Ping, PlausibilityRule, Review

PER_PAGE = 20


def waiting(words: str) -> QuerySet[Ping]:
    """What waits, newest first; ``words`` stand in a reason, the host name or the uuid."""
    pings = Ping.objects.filter(state=Ping.State.QUARANTINED).order_by("-id")
    if words := words.replace("\x00", "").strip():
        pings = pings.filter(Q(held__icontains=words) | Q(hostname__icontains=words) | Q(uuid__istartswith=words))
    return pings


@requires(Role.VIEWER)
def index(request: HttpRequest) -> HttpResponse:
    """What waits."""
    words = request.GET.get("q", "")
    page = Paginator(waiting(words), PER_PAGE).get_page(request.GET.get("page"))
    plan = reading_plan()
    return render(
        request,
        "telemetry/quarantine.html",
        {
            "page_obj": page,
            "cases": [(ping, _reasons(ping), beside_history(ping, plan)) for ping in page],
            "q": words,
            # Who decides about all of them has seen how many there are; what comes meanwhile waits for the next look.
            "newest": Ping.objects.aggregate(newest=Max("id"))["newest"] or 0,
            "may_review": has_role(request.user, Role.REVIEWER),
            "decided": Review.objects.select_related("ping", "by")[:10],
        },
    )


def _reasons(ping: Ping) -> list[str]:
    return [reason for reason in ping.held.split("; ") if reason]


@requires(Role.VIEWER)
def decisions(request: HttpRequest) -> HttpResponse:
    """All that was decided: what, why, by whom."""
    reviews = Review.objects.select_related("ping", "by")
    if (decision := request.GET.get("decision", "")) in Review.Decision.values:
        reviews = reviews.filter(decision=decision)
    if words := request.GET.get("q", "").replace("\x00", "").strip():
        reviews = reviews.filter(Q(reason__icontains=words) | Q(ping__hostname__icontains=words))
    return render(
        request,
        "telemetry/decisions.html",
        {
            "page_obj": Paginator(reviews, 50).get_page(request.GET.get("page")),
            "choices": Review.Decision.choices,
            "decision": decision,
            "q": words,
        },
    )


@requires(Role.VIEWER)
def rules(request: HttpRequest) -> HttpResponse:
    """The plausibility rules, in words."""
    return render(
        request,
        "telemetry/rules.html",
        {
            "rules": PlausibilityRule.objects.all(),
            "may_edit": has_role(request.user, Role.ADMINISTRATOR),
            "badges": {"hold": "warning", "note": "info", "off": "neutral"},
        },
    )
