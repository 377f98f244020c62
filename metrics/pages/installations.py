"""Installations, and what administrators say of them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from metrics.boards.installations import counted_months, found_installations, labels_of, rows_of
from metrics.forms import LabelForm
from metrics.labels import LabelError, label_installation
from metrics.models.facts import Installation, InstallationLabel, Report
from metrics.slots import INSTALLATION_PANELS
from portal.permissions import has_role, requires, signed_in
from portal.roles import Role
from portal.sources import source_link

PER_PAGE = 100
SHOW = {"": "All", "saas": "SaaS", "excluded": "Excluded", "held": "With a report in quarantine"}


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
        "reports": found.reports.exclude(state=Report.State.REPLACED).count(),
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
        made = label_installation(**form.label(), actor=signed_in(request))
    except LabelError as error:
        form.add_error(None, str(error))
        return False
    said = "The label holds; the months it covers are being counted anew." if made else "That was said already."
    messages.success(request, said)
    return True
