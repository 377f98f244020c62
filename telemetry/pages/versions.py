"""Versions: how current the population is, and how fast it moves."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from portal.charts import Point, Series, trend
from portal.permissions import has_role, requires
from portal.roles import Role
from telemetry import versions
from telemetry.models import Release, VersionCheck


@requires(Role.VIEWER)
def index(request: HttpRequest) -> HttpResponse:
    """Adoption curve, installations past end of life, days to move, releases."""
    adoption = versions.adoption()
    chart = None
    if adoption.minors:
        newest = adoption.weeks[-1]
        chart = trend(
            title="Share of installations by minor version, per cent of those that pinged in the week",
            series=[
                Series(
                    name=minor,
                    kind="neutral",
                    points=[
                        Point(
                            x=week,
                            y=(Decimal(100 * adoption.counts.get((week, minor), 0)) / adoption.totals[week]).quantize(
                                Decimal("0.1")
                            )
                            if adoption.totals.get(week)
                            else None,
                            unfinished=week == newest,
                        )
                        for week in adoption.weeks
                    ],
                )
                for minor in adoption.minors
            ],
            unit="per cent",
        )
    shares, past = versions.by_version()
    checks = (
        VersionCheck.objects.filter(day__gte=timezone.now().date() - timedelta(days=28))
        .values("version")
        .annotate(total=Sum("checks"))
        .order_by("-total")[:10]
    )
    return render(
        request,
        "telemetry/versions.html",
        {
            "chart": chart,
            "shares": shares,
            "past": past,
            "moves": versions.moves(),
            "releases": Release.objects.all()[:40],
            "checks": checks,
            "may_edit": has_role(request.user, Role.ADMINISTRATOR),
        },
    )
