"""The list of subscriptions: to look at, to import, to correct one by one."""

from __future__ import annotations

import base64
import zlib

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from metrics.forms import SubscriptionForm
from metrics.imports import (
    SUBSCRIPTION_COLUMNS,
    Outcome,
    Unreadable,
    change_subscription,
    import_subscriptions,
    remove_subscription,
)
from metrics.models.facts import Subscription
from portal.permissions import has_role, requires, signed_in
from portal.roles import Role

PER_PAGE = 100
WAITING = "metrics_subscriptions"
"""Where the session keeps a CSV between its preview and the decision."""
LARGEST_CSV = 32 * 1024 * 1024


@requires(Role.VIEWER)
def index(request: HttpRequest) -> HttpResponse:
    """The list of subscriptions, which estimates and coverage are made from."""
    words = request.GET.get("q", "").strip()
    found = Subscription.objects.order_by("subscription_id")
    if words:
        found = found.filter(Q(subscription_id__icontains=words) | Q(account__icontains=words))
    context = {
        "page_obj": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
        "q": words,
        "may_change": has_role(request.user, Role.ADMINISTRATOR),
        "columns": ",".join(SUBSCRIPTION_COLUMNS),
    }
    return render(request, "metrics/subscriptions.html", context)


@require_POST
@requires(Role.ADMINISTRATOR)
def preview(request: HttpRequest) -> HttpResponse:
    """Read a CSV and say what it would do; nothing is written yet."""
    upload = request.FILES.get("file")
    if upload is None:
        return _preview_page(request, None, "Choose a CSV file first.")
    if (upload.size or 0) > LARGEST_CSV:
        return _preview_page(request, None, f"The file is larger than {LARGEST_CSV // 1024 // 1024} MB.")
    content = upload.read()
    try:
        outcome = import_subscriptions(content=content, dry_run=True, good_lines=True)
    except Unreadable as error:
        return _preview_page(request, None, str(error))
    request.session[WAITING] = base64.b64encode(zlib.compress(content)).decode()
    return _preview_page(request, outcome, "")


def _preview_page(request: HttpRequest, outcome: Outcome | None, error: str) -> HttpResponse:
    context = {"outcome": outcome, "error": error}
    return render(request, "metrics/subscriptions_preview.html", context, status=422 if error else 200)


@require_POST
@requires(Role.ADMINISTRATOR)
def import_previewed(request: HttpRequest) -> HttpResponse:
    """Import what was previewed: all of it, or only the good lines."""
    kept = request.session.pop(WAITING, None)
    if kept is None:
        messages.error(request, "There is nothing to import any more; choose the file again.")
        return redirect("metrics:subscriptions")
    if request.POST.get("step") == "cancel":
        messages.info(request, "Nothing was imported.")
        return redirect("metrics:subscriptions")
    outcome = import_subscriptions(
        content=zlib.decompress(base64.b64decode(kept)),
        good_lines=request.POST.get("step") == "good",
        actor=signed_in(request),
    )
    if outcome.imported:
        messages.success(
            request, f"{outcome.created:,} new, {outcome.changed:,} changed, {outcome.unchanged:,} unchanged."
        )
    else:
        messages.error(request, f"Nothing was imported: {len(outcome.faults):,} lines are faulty.")
    return redirect("metrics:subscriptions")


@requires(Role.ADMINISTRATOR)
def add(request: HttpRequest) -> HttpResponse:
    """Put one subscription on the list."""
    return _form_page(request, SubscriptionForm(request.POST or None), None)


@requires(Role.ADMINISTRATOR)
def subscription(request: HttpRequest, pk: int) -> HttpResponse:
    """One subscription, to be corrected."""
    found = get_object_or_404(Subscription, pk=pk)
    return _form_page(request, SubscriptionForm(request.POST or None, instance=found), found)


def _form_page(request: HttpRequest, form: SubscriptionForm, found: Subscription | None) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        changed = change_subscription(wanted=form.wanted(), actor=signed_in(request))
        said = "The months it is part of are being counted anew." if changed else "That is what the list says already."
        messages.success(request, said)
        return redirect("metrics:subscriptions")
    context = {"form": form, "subscription": found}
    return render(request, "metrics/subscription.html", context, status=422 if form.errors else 200)


@require_POST
@requires(Role.ADMINISTRATOR)
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a subscription off the list."""
    found = get_object_or_404(Subscription, pk=pk)
    remove_subscription(subscription_id=found.subscription_id, actor=signed_in(request))
    messages.success(request, f"{found.subscription_id} is off the list; the months it was part of are counted anew.")
    return redirect("metrics:subscriptions")
