"""Pings that wait for a reviewer: why, and side by side with the installation's own history."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from metrics.definitions.catalogue import reading_plan
from metrics.past import last_reports
from portal.permissions import has_role, requires
from portal.roles import Role
from telemetry import population
from telemetry.models import Ping, PlausibilityRule, Review, Sender
from telemetry.queries import reading_of

PER_PAGE = 20
COMPARED = 8


@dataclass(frozen=True, slots=True)
class Compared:
    """One value beside the last trusted one."""

    key_path: str
    now: object
    before: object


@dataclass(frozen=True, slots=True)
class Case:
    """A ping before the reviewer."""

    ping: Ping
    sender: Sender | None
    reasons: list[str]
    values: list[Compared]


def cases(pings: list[Ping]) -> list[Case]:
    """Each ping with its sender's past; values of indicator metrics that differ most come first."""
    plan = reading_plan()
    slots = {
        plan.by_key_path[path].slot or 0: path
        for path in population.watched(population.INDICATORS, plan)
        if path in plan.by_key_path
    }
    indicators = set(slots.values())
    before = last_reports({(ping.uuid, ping.hostname) for ping in pings}, slots)
    senders = population.senders({(ping.uuid, ping.hostname) for ping in pings})
    found = []
    for ping in pings:
        sender = senders.get((ping.uuid, ping.hostname))
        report = before.get((ping.uuid, ping.hostname))
        past = {slots[slot]: value for slot, value in report.values.items()} if report else {}
        reading = reading_of(ping, plan)
        now = {path: value for path, value in reading.values.items() if path in indicators} if reading else {}
        paths = sorted(
            set(now) | (set(past) & indicators),
            key=lambda path: -abs(float(now.get(path, 0)) - float(past.get(path, 0))),
        )
        compared = [Compared(path, now.get(path), past.get(path)) for path in paths[:COMPARED]]
        found.append(Case(ping, sender, [reason for reason in ping.held.split("; ") if reason], compared))
    return found


@requires(Role.VIEWER)
def index(request: HttpRequest) -> HttpResponse:
    """What waits."""
    waiting = Ping.objects.filter(state=Ping.State.QUARANTINED).order_by("-id")
    page = Paginator(waiting, PER_PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "telemetry/quarantine.html",
        {
            "page_obj": page,
            "cases": cases(list(page)),
            "may_review": has_role(request.user, Role.REVIEWER),
            "decided": Review.objects.select_related("ping", "by")[:10],
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
