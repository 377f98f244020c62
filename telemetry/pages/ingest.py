"""How the ingest is doing, unknown keys, issues over the population, costs of metrics, errors of senders."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from metrics.models import MetricDefinition
from portal.charts import Point, Series, trend
from portal.permissions import has_role, requires, signed_in
from portal.roles import Role
from telemetry import conf, metadata, watching
from telemetry.models import ErrorReport, IssueCount, MetadataReport, UnknownKey
from telemetry.reading.issues import IssueKind
from telemetry.reading.personal import CUT
from telemetry.verbs.defining import DefinitionRefused, define_key


@requires(Role.VIEWER)
def index(request: HttpRequest) -> HttpResponse:
    """Rate, lag, backlog, failures by cause, quarantine, heartbeat."""
    days = watching.days()
    chart = trend(
        title="Pings by day of receipt",
        series=[
            Series(name="Pings", kind="neutral", points=[Point(x=day.day, y=day.pings) for day in days]),
        ],
        unit="pings",
    )
    categories, unknown = watching.consent()
    return render(
        request,
        "telemetry/ingest.html",
        {
            "ingest": watching.ingest(),
            "chart": chart if any(day.pings for day in days) else None,
            "failures": watching.failures(),
            "heartbeat": watching.heartbeat(),
            "categories": categories,
            "categories_unknown": unknown,
            "may_review": has_role(request.user, Role.REVIEWER),
        },
    )


@requires(Role.VIEWER)
def unknown(request: HttpRequest) -> HttpResponse:
    """Keys that no definition describes, the most frequent first."""
    words = request.GET.get("q", "").replace("\x00", "").strip()
    ignored = request.GET.get("ignored") == "1"
    keys = UnknownKey.objects.filter(state=UnknownKey.State.IGNORED if ignored else UnknownKey.State.OPEN)
    if words:
        keys = keys.filter(key_path__icontains=words)
    page = Paginator(keys, 100).get_page(request.GET.get("page"))
    return render(
        request,
        "telemetry/unknown.html",
        {
            "page_obj": page,
            "q": words,
            "ignored": ignored,
            "may_edit": has_role(request.user, Role.REVIEWER),
        },
    )


SKELETON = """---
key_path: {path}
description: Say what is counted, in one sentence.
product_group:
value_type: {kind}
status: active
milestone: ""
introduced_by_url:
time_frame: {frame}
data_source: database
data_category: optional
tiers: [free, premium, ultimate]
"""


def _skeleton(key: UnknownKey) -> str:
    path = key.key_path
    frame = "28d" if "_monthly" in path else "7d" if "_weekly" in path else "none" if "settings" in path else "all"
    kind = {"list": "object", "null": "number"}.get(key.value_kind, key.value_kind)
    return SKELETON.format(path=path, kind=kind, frame=frame)


@requires(Role.VIEWER)
def unknown_key(request: HttpRequest, key_id: int) -> HttpResponse:
    """One unknown key, with the beginning of a definition for it."""
    key = get_object_or_404(UnknownKey.objects.select_related("example"), pk=key_id)
    return _unknown_key(request, key, text=_skeleton(key))


def _unknown_key(request: HttpRequest, key: UnknownKey, *, text: str, error: str = "") -> HttpResponse:
    may_edit = has_role(request.user, Role.REVIEWER)
    context = {"key": key, "text": text, "error": error, "may_edit": may_edit}
    return render(request, "telemetry/unknown_key.html", context, status=422 if error else 200)


@requires(Role.REVIEWER)
@require_POST
def define(request: HttpRequest, key_id: int) -> HttpResponseBase:
    """Add the definition to the dictionary, from where it is filled back."""
    key = get_object_or_404(UnknownKey.objects.select_related("example"), pk=key_id)
    text = request.POST.get("text", "")
    try:
        define_key(key=key, text=text, actor=signed_in(request))
    except DefinitionRefused as refused:
        return _unknown_key(request, key, text=text, error=str(refused))
    messages.success(request, f"{key.key_path} is in the dictionary; stored pings are filled back, see Tasks.")
    return redirect("telemetry:unknown")


@requires(Role.REVIEWER)
@require_POST
def ignore(request: HttpRequest, key_id: int) -> HttpResponseBase:
    """Take a key off the list, or put it back."""
    key = get_object_or_404(UnknownKey, pk=key_id)
    key.state = UnknownKey.State.OPEN if key.state == UnknownKey.State.IGNORED else UnknownKey.State.IGNORED
    key.save(update_fields=["state"])
    messages.success(request, f"{key.key_path} is {'ignored' if key.state == 'ignored' else 'on the list again'}.")
    return redirect("telemetry:unknown")


@requires(Role.VIEWER)
def issues(request: HttpRequest) -> HttpResponse:
    """Issues over the population: which kind at which key, in the newest month that has any."""
    months = list(IssueCount.objects.order_by("-month").values_list("month", flat=True).distinct()[:12])
    wanted = request.GET.get("month", "")
    month = next((each for each in months if f"{each:%Y-%m}" == wanted), months[0] if months else None)
    kind = request.GET.get("kind", "")
    rows = IssueCount.objects.exclude(kind=IssueKind.UNKNOWN.value)
    rows = rows.filter(month=month) if month else rows.none()
    kinds = rows.values("kind").annotate(pings=Sum("pings")).order_by("-pings")
    if kind in set(IssueKind):
        rows = rows.filter(kind=kind)
    return render(
        request,
        "telemetry/issues.html",
        {
            "rows": rows.order_by("-pings")[:200] if month else [],
            "kinds": kinds if month else [],
            "kind": kind,
            "month": month,
            "months": months,
        },
    )


@requires(Role.VIEWER)
def costs(request: HttpRequest) -> HttpResponse:
    """What metrics cost the instances, and which fail: from metadata reports."""
    versions = watching.timed_versions()
    asked = request.GET.get("version", "")
    version = asked if asked in versions else ""
    return render(
        request,
        "telemetry/costs.html",
        {
            **watching.slow_metrics(version),
            "versions": versions,
            "version": version,
            "reports": MetadataReport.objects.count(),
            "failures": metadata.failures(),
            "may_review": has_role(request.user, Role.REVIEWER),
        },
    )


@requires(Role.REVIEWER)
@require_POST
def retry_costs(request: HttpRequest) -> HttpResponseBase:
    """Count the metadata reports again that could not be counted."""
    count = metadata.retry_reports()
    messages.success(request, f"{count} metadata report{'' if count == 1 else 's'} will be counted again.")
    return redirect("telemetry:costs")


@requires(Role.VIEWER)
def metadata_reports(request: HttpRequest) -> HttpResponse:
    """Metadata reports one by one: of an installation, of a ping, or all."""
    reports = MetadataReport.objects.select_related("ping")
    if words := request.GET.get("q", "").replace("\x00", "").strip():
        reports = reports.filter(Q(ping__hostname__icontains=words) | Q(uuid=words))
    page = Paginator(reports.order_by("-id"), 50).get_page(request.GET.get("page"))
    return render(request, "telemetry/metadata_reports.html", {"page_obj": page, "q": words})


@requires(Role.VIEWER)
def metadata_report(request: HttpRequest, report_id: int) -> HttpResponse:
    """What one report says of each metric, failed and slow ones first."""
    report = get_object_or_404(MetadataReport.objects.select_related("ping"), pk=report_id)
    entries = metadata.entries_of(report)
    page = Paginator(entries, 200).get_page(request.GET.get("page"))
    return render(request, "telemetry/metadata_report.html", {"report": report, "page_obj": page})


@requires(Role.VIEWER)
def errors(request: HttpRequest) -> HttpResponse:
    """Errors that instances sent instead of a ping."""
    reports = ErrorReport.objects.all()
    if words := request.GET.get("q", "").replace("\x00", "").strip():
        reports = reports.filter(Q(message__icontains=words) | Q(hostname__icontains=words) | Q(uuid=words))
    return render(
        request,
        "telemetry/errors.html",
        {"page_obj": Paginator(reports.order_by("-id"), 50).get_page(request.GET.get("page")), "q": words},
    )


@requires(Role.ANONYMOUS)
def collected(request: HttpRequest) -> HttpResponse:
    """What is collected, why, in which category: public, generated from the dictionary."""
    groups: dict[str, list[Any]] = {}
    for definition in MetricDefinition.objects.exclude(status="removed").order_by("data_category", "key_path"):
        groups.setdefault(definition.data_category or "without a category", []).append(definition)
    return render(
        request,
        "telemetry/collected.html",
        {
            "groups": [(name, WHY.get(name, ""), rows) for name, rows in groups.items()],
            "personal": CUT,
            "cut_personal": conf.options.cut_personal,
            "address": conf.options.address,
            "address_days": conf.options.keep_addresses.days,
        },
    )


WHY = {
    "standard": "Identifies the installation: always part of a ping.",
    "subscription": "Belongs to the license: sent by licensed installations.",
    "operational": "Needed to run the contract: sent by licensed installations.",
    "optional": "Tells how features are used: sent only where the administrator permits it.",
}
