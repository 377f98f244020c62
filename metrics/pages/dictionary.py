"""The dictionary's pages: the list, a definition, hygiene, the mapping, reviews."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from metrics.boards.lines import passport_page, shown_month, trend_of
from metrics.boards.metric import metric_line
from metrics.definitions import queries
from metrics.definitions.filters import SORTS
from metrics.definitions.mapping import MappingRefused, map_indicator, resolve_conflict, unmap_indicator
from metrics.definitions.months import parse_month
from metrics.definitions.review import (
    ReviewRefused,
    approve_change,
    propose_change,
    refuse_change,
    scopes_of,
    withdraw_change,
)
from metrics.figures.months import Choice
from metrics.figures.months import conflicts as month_conflicts
from metrics.figures.question import Question
from metrics.forms import MapForm, ProposalForm
from metrics.models import MetricDefinition, ProposedChange
from metrics.models.dictionary import Indicator, TimeFrame
from metrics.periods import Month, Week
from portal.api.export import stream_csv
from portal.history.queries import history_of
from portal.permissions import has_role, requires, signed_in
from portal.roles import Role

PER_PAGE = 100
COLUMNS = (
    "key_path",
    "name",
    "description",
    "stage",
    "group",
    "status",
    "time_frame",
    "value_type",
    "data_category",
    "data_source",
    "indicator_types",
    "tiers",
    "milestone",
    "milestone_removed",
    "version",
)
ASIDE = frozenset({"raw", "raw_text", "findings", "source_file", "changed_at", "slot", "overrides", "version", "group"})
"""Fields whose changes say nothing about what a metric means."""


def _parameters(request: HttpRequest) -> dict[str, list[str]]:
    return {name: list(values) for name, values in request.GET.lists()}


def _sort(request: HttpRequest) -> str:
    wanted = request.GET.get("sort", "key_path")
    return wanted if wanted.removeprefix("-") in SORTS else "key_path"


@requires(Role.VIEWER)
def index(request: HttpRequest) -> HttpResponse:
    """The dictionary with search and filters."""
    parameters, sort = _parameters(request), _sort(request)
    facets = queries.facets(parameters)
    page = Paginator(queries.found_definitions(parameters, sort=sort), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page_obj": page,
        "facets": facets,
        "chips": _chips(request, facets),
        "heads": _heads(request, sort),
        "q": request.GET.get("q", ""),
        "sort": sort,
        "is_filtered": any(request.GET.get(name) for name in (*queries.FACETS, "section", "event", "value_type", "q")),
        "export_url": f"{reverse('metrics:export')}?{request.GET.urlencode()}",
    }
    return render(request, "metrics/dictionary.html", context)


def _chips(request: HttpRequest, facets: list[queries.Facet]) -> list[dict[str, str]]:
    """Each chosen value with the address that takes it out again."""
    chosen = queries.chosen_values(_parameters(request))
    titles = {(facet.name, value): title for facet in facets for value, title, _count in facet.options}
    labels = {**queries.FACETS, "section": "Section", "event": "Event", "value_type": "Value type"}
    chips = []
    for name, values in chosen.items():
        for value in values:
            rest = request.GET.copy()
            rest.setlist(name, [kept for kept in values if kept != value])
            rest.pop("page", None)
            chips.append(
                {
                    "label": labels[name],
                    "value": titles.get((name, value), value),
                    "url": f"?{rest.urlencode()}",
                }
            )
    return chips


def _heads(request: HttpRequest, sort: str) -> list[dict[str, str]]:
    """The table's heads: a click sorts by the column, a second one the other way around."""
    heads = []
    for name, label in (
        ("key_path", "Metric"),
        ("group", "Group"),
        ("status", "Status"),
        ("time_frame", "Time frame"),
        ("data_source", "Source"),
        ("", "Indicator"),
        ("", "Hygiene"),
    ):
        query = request.GET.copy()
        query.pop("page", None)
        query["sort"] = f"-{name}" if sort == name else name
        order = "ascending" if sort == name else "descending" if sort == f"-{name}" else ""
        heads.append({"label": label, "url": f"?{query.urlencode()}" if name else "", "order": order})
    return heads


@requires(Role.VIEWER)
def export(request: HttpRequest) -> HttpResponseBase:
    """The list as CSV: the same filters, the same order, all rows."""
    found = queries.found_definitions(_parameters(request), sort=_sort(request))
    return stream_csv(
        (_csv_row(definition) for definition in found.iterator(chunk_size=1000)),
        columns=COLUMNS,
        filename="metrics-dictionary.csv",
    )


def _csv_row(definition: MetricDefinition) -> dict[str, Any]:
    group = definition.group
    plain = {name: getattr(definition, name, "") for name in COLUMNS}
    return plain | {
        "stage": group.stage.key if group else "",
        "group": group.key if group else definition.product_group,
        "indicator_types": " ".join(definition.performance_indicator_type),
        "tiers": " ".join(definition.tiers),
    }


@requires(Role.VIEWER)
def definition(request: HttpRequest, key_path: str) -> HttpResponse:
    """All that the dictionary knows of one metric."""
    found = get_object_or_404(MetricDefinition.objects.select_related("group__stage__section"), key_path=key_path)
    events = queries.counted_events(found)
    scopes = scopes_of(found)
    context = {
        "definition": found,
        "mappings": queries.mappings().filter(metric=found),
        "events": events,
        "findings": queries.findings_of_definition(found, events),
        "history": _history(found),
        "weeks": _weeks(found),
        "line": (line := metric_line(found)),
        "chart": trend_of(line, marked=line.now.period, unit="") if line is not None and line.is_ever_there else None,
        "proposals": found.proposals.select_related("proposed_by", "decided_by")[:20],
        "may_propose": has_role(request.user, Role.METRIC_OWNER, scopes)
        or has_role(request.user, Role.REVIEWER, scopes),
        "may_review": has_role(request.user, Role.REVIEWER, scopes),
    }
    return render(request, "metrics/definition.html", context)


def _weeks(found: MetricDefinition) -> list[tuple[str, str]]:
    """The last eight whole weeks of a weekly metric, each with its passport."""
    if found.slot is None or found.time_frame != TimeFrame.WEEK:
        return []
    now = Week.of(timezone.now())
    weeks = [now.plus(-back) for back in range(1, 9)]
    return [(str(week), passport_page(Question("metric", week, found.key_path).id)) for week in weeks]


def _history(found: MetricDefinition) -> list[dict[str, Any]]:
    """Versions with what differs, newest first; rows that only changed what is aside are left out."""
    shown = []
    for entry in history_of(found, limit=100):
        changes = [change for change in entry.changes if change.field not in ASIDE]
        if entry.action.value == "created" or changes:
            version = next((change.after for change in entry.changes if change.field == "version"), 1)
            shown.append({"entry": entry, "changes": changes, "version": version})
    return shown


@requires(Role.VIEWER)
def hygiene(request: HttpRequest) -> HttpResponse:
    """What is untidy in the dictionary, by kind, each leading to the definitions that have it."""
    return render(request, "metrics/hygiene.html", {"counts": queries.hygiene_counts()})


@requires(Role.VIEWER)
def mapping(request: HttpRequest) -> HttpResponse:
    """Which metric stands for which figure, since when; conflicts first."""
    form = MapForm(initial={name: request.GET.get(name, "") for name in ("kind", "subject_key", "metric")})
    return _mapping_page(request, form)


def _mapping_page(request: HttpRequest, form: MapForm, status: int = 200) -> HttpResponse:
    rows = list(queries.mappings())
    kind = request.GET.get("show", "")
    month = shown_month(timezone.now().date())
    context = {
        "previews": previews(month),
        "month": month,
        "rows": [row for row in rows if row.subject_key is not None and kind in ("", row.kind)],
        "kinds": Indicator.choices,
        "kind": kind,
        "unresolved": [row for row in rows if row.subject_key is None],
        "conflicts": queries.conflicts(),
        "form": form,
        "may_review": has_role(request.user, Role.REVIEWER),
    }
    return render(request, "metrics/mapping.html", context, status=status)


def previews(month: Month) -> dict[str, Choice]:
    """What the figure of a month would be by each choice of each conflict, by ``kind:subject:metric``."""
    return {
        f"{conflict.kind}:{conflict.subject}:{choice.metric.key_path}": choice
        for conflict in month_conflicts(month)
        for choice in conflict.choices
    }


@require_POST
@requires(Role.REVIEWER)
def map_metric(request: HttpRequest) -> HttpResponse:
    """Make a metric the figure of a subject, from a month on."""
    form = MapForm(request.POST)
    if not form.is_valid():
        return _mapping_page(request, form, status=422)
    try:
        row = map_indicator(**form.cleaned_data, actor=signed_in(request))
    except MappingRefused as refused:
        form.add_error(None, str(refused))
        return _mapping_page(request, form, status=422)
    messages.success(request, f"{row.metric.key_path} now stands for it. The months concerned are being counted anew.")
    return redirect("metrics:mapping")


@require_POST
@requires(Role.REVIEWER)
def unmap_metric(request: HttpRequest) -> HttpResponse:
    """End a mapping, in all months or from one on."""
    return _with_metric(request, _unmap)


def _unmap(request: HttpRequest, metric: MetricDefinition) -> str:
    done = unmap_indicator(**_subject(request), metric=metric, actor=signed_in(request), from_month=_month(request))
    return "The mapping has ended." if done else "There was no such mapping."


@require_POST
@requires(Role.REVIEWER)
def resolve(request: HttpRequest) -> HttpResponse:
    """Choose the metric that stands for a subject in conflict."""
    return _with_metric(request, _resolve)


def _resolve(request: HttpRequest, metric: MetricDefinition) -> str:
    resolve_conflict(**_subject(request), keep=metric, actor=signed_in(request), from_month=_month(request))
    return f"The conflict is solved: {metric.key_path} stands."


def _with_metric(request: HttpRequest, act: Callable[[HttpRequest, MetricDefinition], str]) -> HttpResponse:
    metric = get_object_or_404(MetricDefinition, key_path=request.POST.get("metric", ""))
    try:
        messages.success(request, act(request, metric))
    except (MappingRefused, ValueError) as refused:
        messages.error(request, str(refused))
    return redirect("metrics:mapping")


def _subject(request: HttpRequest) -> dict[str, Any]:
    return {name: request.POST.get(name, "") for name in ("kind", "subject_key", "reason")}


def _month(request: HttpRequest) -> Any:
    text = request.POST.get("from_month", "").strip()
    return parse_month(text) if text else None


@requires(Role.METRIC_OWNER, anywhere=True)
def propose(request: HttpRequest, key_path: str) -> HttpResponse:
    """An owner's form for a change of a definition."""
    found = get_object_or_404(MetricDefinition.objects.select_related("group__stage__section"), key_path=key_path)
    allowed = has_role(request.user, Role.METRIC_OWNER, scopes_of(found))
    form = ProposalForm(request.POST or None, definition=found)
    if request.method == "POST" and allowed and form.is_valid():
        try:
            proposal = propose_change(
                definition=found,
                changes=form.changes(),
                reason=form.cleaned_data["reason"],
                from_month=form.cleaned_data["from_month"],
                actor=signed_in(request),
            )
        except ReviewRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, "The change is proposed; a reviewer will look at it.")
            return redirect("metrics:proposal", proposal.pk)
    context = {"definition": found, "form": form, "allowed": allowed}
    status = 403 if not allowed else 422 if form.errors else 200
    return render(request, "metrics/propose.html", context, status=status)


@requires(Role.VIEWER)
def reviews(request: HttpRequest) -> HttpResponse:
    """What waits for a reviewer, and what was decided lately."""
    decided = ProposedChange.objects.exclude(state=ProposedChange.State.OPEN).select_related(
        "definition", "proposed_by", "decided_by"
    )
    context = {"open": queries.open_proposals(), "decided": decided.order_by("-decided_at")[:50]}
    return render(request, "metrics/reviews.html", context)


@requires(Role.VIEWER)
def proposal(request: HttpRequest, pk: int) -> HttpResponse:
    """One proposal: each field as it is and as it would be, and the decision."""
    found = get_object_or_404(
        ProposedChange.objects.select_related("definition__group__stage__section", "proposed_by", "decided_by"), pk=pk
    )
    may_review = has_role(request.user, Role.REVIEWER, scopes_of(found.definition))
    error = ""
    if request.method == "POST":
        error = _decide(request, found, may_review)
        if not error:
            return redirect("metrics:proposal", found.pk)
    is_open = found.state == ProposedChange.State.OPEN
    context = {
        "proposal": found,
        "differences": [
            (name, _listed(getattr(found.definition, name)) if is_open else None, _listed(value))
            for name, value in found.changes.items()
        ],
        "is_open": is_open,
        "may_review": may_review and is_open,
        "is_own": found.proposed_by_id == request.user.pk,
        "may_withdraw": is_open and found.proposed_by_id == request.user.pk,
        "error": error,
        "decision": request.POST.get("decision", ""),
    }
    return render(request, "metrics/proposal.html", context, status=422 if error else 200)


def _listed(value: Any) -> Any:
    """A list as people write one; anything else as it is."""
    return ", ".join(str(one) for one in value) if isinstance(value, list) else value


def _decide(request: HttpRequest, found: ProposedChange, may_review: bool) -> str:
    """Take the step that was asked for; returns a sentence when it cannot be taken."""
    step, decision = request.POST.get("step", ""), request.POST.get("decision", "")
    try:
        if step == "withdraw":
            withdraw_change(proposal=found, actor=signed_in(request))
            messages.success(request, "The proposal is withdrawn.")
        elif not may_review:
            return "Only a reviewer decides about proposals."
        elif step == "approve":
            approve_change(proposal=found, actor=signed_in(request), decision=decision)
            messages.success(request, "Approved. The definition is changed.")
        elif step == "refuse":
            refuse_change(proposal=found, actor=signed_in(request), decision=decision)
            messages.success(request, "Refused. The owner sees the reason.")
        else:
            return "Choose to approve or to refuse."
    except ReviewRefused as refused:
        return str(refused)
    return ""
