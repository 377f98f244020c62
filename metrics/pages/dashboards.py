"""The table of all indicator figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from metrics.boards.lines import shown_month
from metrics.boards.table import Part, overview
from metrics.engine.estimates import OFFICIAL
from metrics.exact import as_json
from metrics.figures.question import NO_CUT
from metrics.forms import CutForm
from portal.api.export import stream_csv
from portal.permissions import requires
from portal.roles import Role

COLUMNS = (
    "figure",
    "subject",
    "name",
    "month",
    "recorded",
    "uplift",
    "estimated",
    "recorded_month_before",
    "reporting",
    "pinging",
    "known",
    "state",
    "flags",
    "metric",
    "id",
)


def _asked(request: HttpRequest) -> tuple[CutForm, list[Part]]:
    """The form as filled in, and what it asks for; nothing when it cannot be understood."""
    form = CutForm(request.GET or None, today=timezone.now().date())
    if not form.is_bound:
        return form, overview(month=shown_month(timezone.now().date()), cut=NO_CUT, grain=OFFICIAL)
    if not form.is_valid():
        return form, []
    return form, overview(month=form.chosen_month, cut=form.chosen_cut, grain=form.chosen_grain)


@requires(Role.VIEWER)
def index(request: HttpRequest) -> HttpResponse:
    """All figures of one month and cut."""
    form, parts = _asked(request)
    context = {
        "form": form,
        "parts": parts,
        "month": form.chosen_month,
        "export_url": f"{reverse('metrics:dashboard-csv')}?{request.GET.urlencode()}",
    }
    return render(request, "metrics/dashboard.html", context, status=422 if form.is_bound and form.errors else 200)


@requires(Role.VIEWER)
def home(request: HttpRequest) -> HttpResponse:
    """Above the passports stands the table of all figures."""
    return redirect("metrics:dashboard")


@requires(Role.VIEWER)
def export(request: HttpRequest) -> HttpResponseBase:
    """The same as CSV."""
    form, parts = _asked(request)
    return stream_csv(_rows(parts), columns=COLUMNS, filename=f"figures-{form.chosen_month}.csv")


def _rows(parts: list[Part]) -> Iterator[dict[str, Any]]:
    for part in parts:
        for line in part.lines:
            figure = line.now
            yield {
                "figure": line.label,
                "subject": figure.question.subject,
                "name": line.name,
                "month": str(figure.period),
                "recorded": as_json(figure.recorded),
                "uplift": figure.uplift,
                "estimated": as_json(figure.estimated),
                "recorded_month_before": as_json(line.before.recorded) if line.before else None,
                "reporting": figure.coverage.reporting,
                "pinging": figure.coverage.pinging,
                "known": figure.coverage.known,
                "state": figure.state,
                "flags": " ".join(figure.flags),
                "metric": figure.metric.key_path if figure.metric else "",
                "id": figure.id,
            }
