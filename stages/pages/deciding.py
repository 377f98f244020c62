"""What an import and the portal both changed: decided here, a block item by item, a field alone; and taken back."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from portal.permissions import has_role, requires
from portal.roles import Role
from portal.saying import Offer, Said, say
from stages import conflicts, disputes
from stages.blockform import whole_number
from stages.collaboration import Refused
from stages.models import FieldConflict, ImportConflict, Stage
from stages.models.changes import ConflictDecision
from stages.pages.editor import editors_only, person
from stages.settling import TAKEN, Take

ASK = "decide-"
"""What the names of the form's choices begin with; the id of what is in dispute follows."""
ALL = {"all-portal": Take.PORTAL, "all-source": Take.SOURCE}
UNDONE = "Undone. It waits for a decision again."


@requires(Role.VIEWER)
@require_http_methods(["GET", "POST"])
def conflict(request: HttpRequest, pk: int) -> HttpResponse:
    """A block that both the portal and the last import changed: for each item keep ours, take theirs, or keep both."""
    rows = ImportConflict.objects.select_related("block__stage__section", "run", "decided_by")
    found = get_object_or_404(rows, pk=pk)
    stage = found.block.stage
    if request.method == "POST":
        editors_only(request, stage)
        if request.POST.get("action") == "undo":
            return undo(request, found)
        return decide(request, found, stage)
    return show(request, found)


def decide(request: HttpRequest, found: ImportConflict, stage: Stage) -> HttpResponse:
    """Write what was chosen, and offer to take it back."""
    user = person(request)
    reason = request.POST.get("reason", "").replace("\x00", "").strip()
    posted = {name: str(value) for name, value in request.POST.items() if value}
    chosen = {name.removeprefix(ASK): value for name, value in posted.items() if name.startswith(ASK)}
    take = ALL.get(request.POST.get("action", ""))
    try:
        if take is not None:
            done = conflicts.decide_all(conflict=found, take=take, actor=user, reason=reason)
        elif not set(chosen.values()) <= {str(one) for one in Take}:
            raise Refused("Choose whose to keep.")
        else:
            takes = {number: Take(value) for number, value in chosen.items()}
            done = conflicts.decide(conflict=found, takes=takes, actor=user, reason=reason)
    except Refused as error:
        return show(request, found, error=str(error), chosen=chosen, status=422)
    here = reverse("stages:conflict", args=[found.pk])
    offer = Offer(label="Undo", url=here, fields={"action": "undo", "decision": str(done.decision.pk)})
    left = f" {done.left} still to decide." if done.left else ""
    # On the stage's page it stands at the block; while something is left, on top of this page.
    say(request, Said(sentence=f"{sentence_of(done)}{left}", offer=offer, place="" if left else found.block.anchor))
    return redirect(here if left else f"{stage.get_absolute_url()}#{found.block.anchor}")


def sentence_of(done: conflicts.Decided) -> str:
    """What was decided, in a sentence."""
    takes = {one["take"] for one in done.decision.told}
    if len(takes) > 1:
        return f"Decided: {len(done.decision.told)} items."
    return {"portal": "Kept the portal's.", "source": "Took the source's.", "both": "Kept both."}[takes.pop()]


def undo(request: HttpRequest, found: ImportConflict) -> HttpResponse:
    """Take a decision back, and offer to decide so again."""
    number = whole_number(request.POST.get("decision", ""))
    decision = get_object_or_404(ConflictDecision, pk=number or 0, conflict=found)
    here = reverse("stages:conflict", args=[found.pk])
    try:
        conflicts.take_back(decision=decision, actor=person(request))
    except Refused as error:
        say(request, Said(sentence=str(error), level="warning"))
        return redirect(here)
    again = {f"{ASK}{one['id']}": str(one["take"]) for one in decision.told}
    fields = {"action": "decide", "reason": decision.reason, **again}
    say(request, Said(sentence=UNDONE, offer=Offer(label="Redo", url=here, fields=fields)))
    return redirect(here)


def show(
    request: HttpRequest,
    found: ImportConflict,
    *,
    error: str = "",
    chosen: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page: what is in dispute with the three readings of each, and what was decided."""
    stage, can_edit = found.block.stage, has_role(request.user, Role.EDITOR, found.block.stage.scopes)
    decisions = list(found.decisions.exclude(told=[]).order_by("-pk"))
    for one in decisions:
        one.told = [{**told, "words": TAKEN[Take(told["take"])]} for told in one.told]
    last = next((one for one in decisions if one.undone_at is None), None)
    undoable = last is not None and can_edit and not conflicts.standing_in_the_way(last, found.block, found)
    context = {
        "conflict": found,
        "stage": stage,
        "can_edit": can_edit,
        "open": [(one, (chosen or {}).get(one.id, "")) for one in conflicts.in_dispute(found)],
        "decisions": decisions,
        "undoable": last.pk if last is not None and undoable else 0,
        "error": error,
        "reason": request.POST.get("reason", ""),
    }
    return render(request, "stages/conflict.html", context, status=status)


@requires(Role.VIEWER)
@require_http_methods(["GET", "POST"])
def dispute(request: HttpRequest, pk: int) -> HttpResponse:
    """A field that the source and the portal both changed: keep ours or take theirs."""
    found = disputes.disagreements([get_object_or_404(FieldConflict, pk=pk)])
    if not found:
        return redirect("stages:import")
    one = found[0]
    can_edit = has_role(request.user, Role.EDITOR, one.scopes)
    if request.method != "POST":
        undoable = can_edit and not disputes.standing_in_the_way(one.conflict)
        return render(request, "stages/dispute.html", {"one": one, "can_edit": can_edit, "undoable": undoable})
    if not can_edit:
        raise PermissionDenied(f"This needs the role editor for {one.name}.")
    here, action = reverse("stages:dispute", args=[pk]), request.POST.get("action", "")
    reason = request.POST.get("reason", "").replace("\x00", "").strip()[:1000]
    if action == "undo":
        took = one.conflict.state == FieldConflict.State.SOURCE
        try:
            disputes.take_back(conflict=one.conflict, actor=person(request))
        except Refused as error:
            say(request, Said(sentence=str(error), level="warning"))
            return redirect(here)
        fields = {"action": "source" if took else "portal", "reason": one.conflict.reason}
        say(request, Said(sentence=UNDONE, offer=Offer(label="Redo", url=here, fields=fields)))
        return redirect(here)
    if action not in ("source", "portal"):
        messages.error(request, "Choose whose value to keep.")
        return redirect(here)
    take = action == "source"
    try:
        disputes.decide(conflict=one.conflict, take_source=take, actor=person(request), reason=reason)
    except Refused as error:
        say(request, Said(sentence=str(error), level="warning"))
        return redirect(here)
    offer = Offer(label="Undo", url=here, fields={"action": "undo"})
    say(request, Said(sentence="Took the source's value." if take else "Kept the portal's value.", offer=offer))
    return redirect(one.address)
