"""The list of pings, a ping, and what can be done about it."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from metrics.models.facts import Report
from portal.permissions import has_role, requires, signed_in
from portal.roles import Role
from portal.wakeups import wake
from telemetry import watching
from telemetry.models import ErrorReport, Ping, RereadRun, Sender
from telemetry.pages.quarantine import waiting
from telemetry.pages.tree import states_of, tree_of
from telemetry.queries import body_of_ping, reading_of, receipt, used_in
from telemetry.tasks import REREAD_TASK
from telemetry.verbs.rereading import plan_reread, reread_ping
from telemetry.verbs.reviews import NoReason, hold_pings, reject_pings, release_pings, retry_pings

PER_PAGE = 50
STATE_BADGES = {
    Ping.State.ACCEPTED: "info",
    Ping.State.READ: "ok",
    Ping.State.QUARANTINED: "warning",
    Ping.State.REJECTED: "neutral",
    Ping.State.FAILED: "danger",
}


def found_pings(request: HttpRequest) -> QuerySet[Ping]:
    """The pings that the address's filters leave, newest first."""
    pings = Ping.objects.order_by("-id")
    words = request.GET.get("q", "").replace("\x00", "").strip()
    if words:
        pings = pings.filter(Q(hostname__icontains=words) | Q(uuid__istartswith=words) | Q(version__startswith=words))
    if (state := request.GET.get("state", "")) in Ping.State.values:
        pings = pings.filter(state=state)
    if (channel := request.GET.get("channel", "")) in Ping.Channel.values:
        pings = pings.filter(channel=channel)
    if (cause := request.GET.get("cause")) is not None:
        pings = pings.filter(pk__in=watching.failed_by(cause.replace("\x00", "")).values("pk"))
    if request.GET.get("proof") == "unverified":
        pings = pings.filter(proof=Ping.Proof.UNVERIFIED)
    return pings


@requires(Role.VIEWER)
def index(request: HttpRequest) -> HttpResponse:
    """All pings, newest first."""
    page = Paginator(found_pings(request), PER_PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "telemetry/pings.html",
        {
            "page_obj": page,
            "states": Ping.State.choices,
            "channels": Ping.Channel.choices,
            "badges": STATE_BADGES,
            "q": request.GET.get("q", ""),
            "state": request.GET.get("state", ""),
            "channel": request.GET.get("channel", ""),
            "is_filtered": any(request.GET.get(name) for name in ("q", "state", "channel", "proof", "cause")),
        },
    )


@requires(Role.VIEWER)
def detail(request: HttpRequest, ping_id: int) -> HttpResponse:
    """What came, what we made of it, what it changed, and the raw body as a tree."""
    ping = get_object_or_404(Ping.objects.select_related("key"), pk=ping_id)
    reading = reading_of(ping, keep_leaves=True)
    words, state = request.GET.get("leaf", ""), request.GET.get("leaf_state", "")
    tree, found, states = None, 0, []
    if reading is not None and reading.leaves is not None:
        tree, found = tree_of(reading.leaves, words=words, state=state)
        states = states_of(reading.leaves)
    told = receipt(ping, with_use=False)
    report = Report.objects.filter(source=ping.source).only("installation_id").first()
    return render(
        request,
        "telemetry/ping.html",
        {
            "ping": ping,
            "receipt": told,
            "badge": STATE_BADGES[Ping.State(ping.state)],
            "uses": used_in(ping),
            "installation_id": report.installation_id if report else None,
            "tree": tree,
            "leaves_found": found,
            "leaf_states": states,
            "leaf": words,
            "leaf_state": state,
            "sender": Sender.objects.filter(uuid=ping.uuid, hostname=ping.hostname).first(),
            "neighbours": Ping.objects.filter(uuid=ping.uuid, hostname=ping.hostname)
            .exclude(pk=ping.pk)
            .order_by("-recorded_at")[:8],
            "siblings": Sender.objects.filter(uuid=ping.uuid).exclude(hostname=ping.hostname)[:8],
            "metadata": ping.metadata.order_by("-id")[:5],
            "errors": ErrorReport.objects.filter(uuid=ping.uuid, hostname=ping.hostname)[:5],
            "reviews": ping.reviews.select_related("by"),
            "rereads": ping.rereads.select_related("by")[:5],
            "may_review": has_role(request.user, Role.REVIEWER),
            "raw_url": reverse("telemetry:ping-raw", args=[ping.pk]),
            "receipt_url": reverse("telemetry-receipt", args=[ping.pk]),
        },
    )


@requires(Role.VIEWER)
def raw(request: HttpRequest, ping_id: int) -> HttpResponse:
    """The stored bytes."""
    body = body_of_ping(get_object_or_404(Ping, pk=ping_id))
    if body is None:
        raise Http404("The raw body was removed by retention.")
    # As a download: the bytes are a stranger's, and a browser must not think about what they may be.
    response = HttpResponse(body, content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="ping-{ping_id}.json"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


DECISIONS = {"release": release_pings, "reject": reject_pings, "hold": hold_pings}
DONE = {"release": "released", "reject": "rejected", "hold": "put into quarantine"}


@requires(Role.REVIEWER)
@require_POST
def decide(request: HttpRequest) -> HttpResponseBase:
    """Release, reject or hold one ping or many, with a reason."""
    decision = request.POST.get("decision", "")
    ids = [int(text) for text in request.POST.getlist("ping") if text.isdecimal() and len(text) < 19]
    newest = request.POST.get("newest", "")
    if request.POST.get("every") == "1" and newest.isdecimal() and len(newest) < 19:
        ids = list(waiting(request.POST.get("q", "")).filter(pk__lte=int(newest)).values_list("pk", flat=True))
    back = request.POST.get("back", "")
    target = back if back.startswith("/telemetry/") else reverse("telemetry:quarantine")
    if decision not in DECISIONS or not ids:
        messages.warning(request, "Choose at least one ping, and what to do with it.")
        return redirect(target)
    try:
        changed = DECISIONS[decision](ids=ids, by=signed_in(request), reason=request.POST.get("reason", ""))
    except NoReason as error:
        messages.error(request, str(error))
        return redirect(target)
    count = len(changed)
    messages.success(request, f"{count} ping{'' if count == 1 else 's'} {DONE[decision]}. The figures follow.")
    return redirect(target)


@requires(Role.REVIEWER)
@require_POST
def reread(request: HttpRequest, ping_id: int) -> HttpResponseBase:
    """Read a ping again with the present parser and dictionary."""
    ping = get_object_or_404(Ping, pk=ping_id)
    change = reread_ping(ping=ping, by=signed_in(request))
    if change.body_gone:
        messages.warning(request, f"{change.sentence.capitalize()}.")
    elif change.failure:
        messages.error(request, f"Read again: {change.sentence}.")
    else:
        messages.success(request, f"Read again: {change.sentence}.")
    return redirect("telemetry:ping", ping_id)


@requires(Role.REVIEWER)
@require_POST
def reread_many(request: HttpRequest) -> HttpResponseBase:
    """Read all pings again, or those of an older parser, in a run that is found under Tasks."""
    scope = request.POST.get("scope", "")
    if scope not in RereadRun.Scope.values:
        raise BadRequest(f"scope is one of {', '.join(RereadRun.Scope.values)}, not {scope[:40]!r}")
    plan_reread(scope=scope, by=signed_in(request))
    transaction.on_commit(lambda: wake("default", REREAD_TASK))
    messages.success(request, "The pings are read again; the progress is found here.")
    return redirect("portal:tasks")


@requires(Role.REVIEWER)
@require_POST
def retry(request: HttpRequest) -> HttpResponseBase:
    """Let failed pings be read again: one, those of one cause, or all."""
    named, cause = request.POST.get("ping", ""), request.POST.get("cause")
    ids = [int(named)] if named.isdecimal() else None
    if ids is None and cause is not None:
        ids = list(watching.failed_by(cause).values_list("pk", flat=True))
    count = retry_pings(ids=ids)
    messages.success(request, f"{count} ping{'' if count == 1 else 's'} will be read again.")
    return redirect("telemetry:ping", int(named)) if named.isdecimal() else redirect("telemetry:ingest")
