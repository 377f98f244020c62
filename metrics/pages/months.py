"""The months: state, what changed since, closing and re-opening with a reason, conflicts, plausibility."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from metrics.boards.table import overview
from metrics.definitions.queries import conflicts as all_conflicts
from metrics.engine.estimates import OFFICIAL
from metrics.engine.months import MonthError, close_month, reopen_month
from metrics.figures.months import conflicts, month_facts, month_log
from metrics.figures.question import NO_CUT
from metrics.periods import Month
from portal.permissions import has_role, requires, signed_in
from portal.roles import Role


def _month(text: str) -> Month:
    try:
        return Month.parse(text)
    except ValueError as error:
        raise Http404(str(error)) from error


@requires(Role.VIEWER)
def index(request: HttpRequest) -> HttpResponse:
    """All months with their states."""
    context = {"months": month_facts(), "conflicts": all_conflicts()}
    return render(request, "metrics/months.html", context)


@requires(Role.VIEWER)
def month(request: HttpRequest, month: str) -> HttpResponse:
    """One month: its state, its log, its conflicts, what looks odd, and which figures were restated."""
    wanted = _month(month)
    found = month_facts([wanted])
    if not found:
        raise Http404(f"Nothing is known of {wanted}.")
    lines = [line for part in overview(month=wanted, cut=NO_CUT, grain=OFFICIAL) for line in part.lines]
    log = month_log(wanted)
    context: dict[str, Any] = {
        "facts": found[0],
        "month": wanted,
        "log": log,
        "since_publication": [change for change in log if change.after_publication],
        "restated": [line for line in lines if line.now.is_restated],
        "conflicts": conflicts(wanted),
        "may_review": has_role(request.user, Role.REVIEWER),
        "is_published": found[0].published_at is not None,
        "may_close": found[0].published_at is None or found[0].is_reopened,
    }
    return render(request, "metrics/month.html", context)


@require_POST
@requires(Role.REVIEWER)
def close(request: HttpRequest, month: str) -> HttpResponse:
    """Publish the month's figures as they are now."""
    return _act(request, month, close_month, "is closed and its figures are published")


@require_POST
@requires(Role.REVIEWER)
def reopen(request: HttpRequest, month: str) -> HttpResponse:
    """Take a closed month back to provisional."""
    return _act(request, month, reopen_month, "is open again; what was published stays to compare with")


def _act(request: HttpRequest, month: str, verb: Callable[..., Any], done: str) -> HttpResponse:
    wanted = _month(month)
    try:
        verb(month=wanted, actor=signed_in(request), reason=request.POST.get("reason", ""))
        messages.success(request, f"{wanted} {done}.")
    except MonthError as error:
        messages.error(request, str(error))
    return redirect("metrics:month", str(wanted))
