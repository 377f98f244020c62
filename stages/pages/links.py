"""The links of the catalog as they were last found, those in trouble first; looking again on request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from portal.models import Job
from portal.permissions import has_role, requires
from portal.roles import Role
from portal.wakeups import wake
from stages.blockform import whole_number
from stages.linkcheck.verbs import JOB, ask_for, due_links
from stages.models import LinkCheck, LinkRun, Placement, Resource

TASK = "stages.tasks.check_links"
PER_PAGE = 50
TROUBLE = (LinkCheck.State.DEAD, LinkCheck.State.UNREACHABLE, LinkCheck.State.MOVED)
MEANING = {
    LinkCheck.State.DEAD: ("danger", "The page answered that it is gone."),
    LinkCheck.State.UNREACHABLE: ("warning", "No answer from here; that says nothing about the page."),
    LinkCheck.State.MOVED: ("warning", "It leads on to another address."),
    LinkCheck.State.RESTRICTED: ("neutral", "Only people can look."),
    LinkCheck.State.REFUSED: ("neutral", "Not looked at: a private network, or no web address."),
    LinkCheck.State.ROBOTS: ("neutral", "The site's robots.txt lets no program look."),
    LinkCheck.State.OK: ("ok", "It works."),
}


@requires(Role.VIEWER)
def links(request: HttpRequest) -> HttpResponse:
    """Every link that was looked at, narrowed to a state; in trouble where none is named."""
    state = request.GET.get("state", "")
    counts = Counter(LinkCheck.objects.order_by().values_list("state", flat=True))
    checks = in_state(state)
    page = Paginator(checks, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "rows": [(check, MEANING[LinkCheck.State(check.state)][0]) for check in page],
        "page_obj": page,
        "state": state,
        "states": states_of(counts),
        "trouble": sum(counts[one] for one in TROUBLE),
        "all": counts.total(),
        "may_edit": has_role(request.user, Role.EDITOR),
        "run": LinkRun.objects.first(),
        "due": due_links(timezone.now()).count(),
        "running": Job.objects.filter(name=JOB, state=Job.State.RUNNING).exists(),
    }
    return render(request, "stages/links.html", context)


def in_state(state: str) -> QuerySet[LinkCheck]:
    """The checks of a state: ``all``, or those in trouble where none is named, the worst and longest first."""
    checks = LinkCheck.objects.select_related("resource").prefetch_related(
        Prefetch("resource__placements", Placement.objects.select_related("block__stage"))
    )
    if state in LinkCheck.State.values:
        checks = checks.filter(state=state)
    elif state != "all":
        checks = checks.filter(state__in=TROUBLE)
    return checks.order_by("state", "failing_since", "pk")


def states_of(counts: Mapping[str, int]) -> list[tuple[str, str, str, int]]:
    """The states that were met: word, name, meaning and how many."""
    return [
        (one.value, str(one.label), meaning, counts[one.value])
        for one, (_, meaning) in MEANING.items()
        if counts[one.value]
    ]


@requires(Role.EDITOR)
@require_http_methods(["POST"])
def check_now(request: HttpRequest) -> HttpResponse:
    """Have one link, or all that do not work and all that are due, looked at at once."""
    number = request.POST.get("resource", "")
    back = request.POST.get("next", "")
    if number:
        resource = get_object_or_404(Resource, pk=whole_number(number) or 0)
        ask_for([resource.pk])
        said = f"{resource} is looked at now. Load this page again in a moment."
    else:
        ask_for()
        said = "The links are looked at now, one a second and host at most. Load this page again in a moment."
    wake("catalog", TASK)
    messages.success(request, said)
    safe = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    return redirect(back if safe else "stages:links")
