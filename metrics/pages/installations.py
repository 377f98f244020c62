"""Installations, what administrators say of them, and the list of subscriptions."""

from __future__ import annotations

import base64
import zlib
from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from metrics.boards.installations import counted_months, found_installations, labels_of, rows_of
from metrics.forms import LabelForm
from metrics.imports import SUBSCRIPTION_COLUMNS, Outcome, Unreadable, import_subscriptions
from metrics.labels import LabelError, label_installation
from metrics.models.facts import Installation, InstallationLabel, Report, Subscription
from metrics.slots import INSTALLATION_PANELS
from portal.models import User
from portal.permissions import has_role, requires
from portal.roles import Role
from portal.sources import source_link

PER_PAGE = 100
SHOW = {"": "All", "saas": "SaaS", "excluded": "Excluded", "held": "With a report in quarantine"}
WAITING = "metrics_subscriptions"
"""Where the session keeps a CSV between its preview and the decision."""
LARGEST_CSV = 32 * 1024 * 1024


@requires(Role.VIEWER)
def index(request: HttpRequest) -> HttpResponse:
    """All installations that ever reported."""
    words, show = request.GET.get("q", "").strip(), request.GET.get("show", "")
    show = show if show in SHOW else ""
    page = Paginator(found_installations(words=words, show=show), PER_PAGE).get_page(request.GET.get("page"))
    context = {"page_obj": page, "rows": rows_of(list(page)), "q": words, "show": show, "shows": SHOW}
    return render(request, "metrics/installations.html", context)


@requires(Role.VIEWER)
def installation(request: HttpRequest, pk: int) -> HttpResponse:
    """One installation: what it is, since when, in which months it counts, and what its source knows of it."""
    found = get_object_or_404(Installation, pk=pk)
    return _installation_page(request, found, LabelForm(named=found))


def _installation_page(request: HttpRequest, found: Installation, form: LabelForm, status: int = 200) -> HttpResponse:
    months = counted_months(found)
    context: dict[str, Any] = {
        "installation": found,
        "row": rows_of([found])[0],
        "labels": labels_of(found),
        "months": [(one, _source(one.report)) for one in months],
        "reports": found.reports.count(),
        "held": found.reports.filter(state=Report.State.HELD).count(),
        "INSTALLATION_PANELS": INSTALLATION_PANELS,
        "form": form,
        "may_label": has_role(request.user, Role.ADMINISTRATOR),
    }
    return render(request, "metrics/installation.html", context, status=status)


def _source(report: Report | None) -> str:
    link = source_link(report.source) if report is not None else None
    return link.url if link is not None else ""


@require_POST
@requires(Role.ADMINISTRATOR)
def label(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what this installation is."""
    found = get_object_or_404(Installation, pk=pk)
    form = LabelForm(request.POST, named=found)
    if not _labelled(request, form):
        return _installation_page(request, found, form, status=422)
    return redirect("metrics:installation", pk)


@requires(Role.VIEWER)
def labels(request: HttpRequest) -> HttpResponse:
    """Everything that administrators have said of installations, and a form for one that has not reported yet."""
    may_label = has_role(request.user, Role.ADMINISTRATOR)
    form = LabelForm(request.POST or None)
    if request.method == "POST" and may_label and _labelled(request, form):
        return redirect("metrics:labels")
    page = Paginator(InstallationLabel.objects.select_related("made_by"), PER_PAGE).get_page(request.GET.get("page"))
    known = {
        (one.uuid, one.hostname): one.pk for one in Installation.objects.filter(uuid__in=[label.uuid for label in page])
    }
    context = {
        "page_obj": page,
        "rows": [(one, known.get((one.uuid, one.hostname))) for one in page],
        "form": form,
        "may_label": may_label,
    }
    status = 403 if request.method == "POST" and not may_label else 422 if form.errors else 200
    return render(request, "metrics/labels.html", context, status=status)


def _labelled(request: HttpRequest, form: LabelForm) -> bool:
    if not form.is_valid():
        return False
    try:
        made = label_installation(**form.label(), actor=cast(User, request.user))
    except LabelError as error:
        form.add_error(None, str(error))
        return False
    said = "The label holds; the months it covers are being counted anew." if made else "That was said already."
    messages.success(request, said)
    return True


@requires(Role.VIEWER)
def subscriptions(request: HttpRequest) -> HttpResponse:
    """The list of subscriptions, which estimates and coverage are made from."""
    words = request.GET.get("q", "").strip()
    found = Subscription.objects.order_by("subscription_id")
    if words:
        found = found.filter(Q(subscription_id__icontains=words) | Q(account__icontains=words))
    context = {
        "page_obj": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
        "q": words,
        "may_import": has_role(request.user, Role.ADMINISTRATOR),
        "columns": ",".join(SUBSCRIPTION_COLUMNS),
    }
    return render(request, "metrics/subscriptions.html", context)


@require_POST
@requires(Role.ADMINISTRATOR)
def preview_subscriptions(request: HttpRequest) -> HttpResponse:
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
        actor=cast(User, request.user),
    )
    if outcome.imported:
        messages.success(
            request, f"{outcome.created:,} new, {outcome.changed:,} changed, {outcome.unchanged:,} unchanged."
        )
    else:
        messages.error(request, f"Nothing was imported: {len(outcome.faults):,} lines are faulty.")
    return redirect("metrics:subscriptions")
