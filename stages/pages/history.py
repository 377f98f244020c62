"""What happened to a stage's page: versions with readable differences, restoring, suggestions."""

from __future__ import annotations

from datetime import UTC, datetime, time
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.views.decorators.http import require_http_methods

from portal.permissions import has_role, requires
from portal.roles import Role
from stages import collaboration
from stages.blockform import whole_number
from stages.collaboration import Refused
from stages.content import differences, from_json
from stages.editing import HeadingTaken, content_at, content_of, find_block
from stages.facts import Entry, kind_of
from stages.history.page_of_day import page_of_day, restore_page
from stages.history.timeline import timeline
from stages.models import BlockRevision, Stage, Suggestion
from stages.pages.editor import editors_only, find_stage, person
from stages.pages.restructure import entry_or_404
from stages.restructuring import RestructureRefused, restore_facts
from stages.restructuring.undoing import undoable
from stages.restructuring.wishes import may_edit, must_edit


@requires(Role.VIEWER)
@require_http_methods(["GET", "POST"])
def history(request: HttpRequest, key: str) -> HttpResponse:
    """All that happened to a stage's page, newest first; versions can be brought back, or the page of a day."""
    stage = find_stage(request, key)
    if request.method == "POST":
        return restore(request, stage)
    number = whole_number(request.GET.get("block", ""))
    block = stage.blocks.filter(pk=number).first() if number is not None else None
    moment = moment_of(request.GET.get("as_of", ""))
    whole = timeline(stage, before=before_of(request), block=block)
    context = {
        "entry": stage,
        "stage": stage,
        "timeline": whole,
        "undoable": undoable([one.change for one in whole.happenings if one.change], request.user),
        "first_page": "before" not in request.GET,
        "can_edit": has_role(request.user, Role.EDITOR, stage.scopes),
        "as_of": request.GET.get("as_of", ""),
        "moment": moment,
        "then": page_of_day(stage, moment, user=request.user) if moment else None,
        "only": block,
        "today": timezone.now().date(),
    }
    return render(request, "stages/history.html", context)


@requires(Role.VIEWER)
@require_http_methods(["GET", "POST"])
def facts_history(request: HttpRequest, key: str, kind: str) -> HttpResponse:
    """All that happened to one section, stage, group or category; the facts of a version can be brought back."""
    entry = entry_or_404(kind, key)
    if request.method == "POST":
        return restore_version_of_facts(request, entry)
    whole = timeline(entry, before=before_of(request), own=True)
    context = {
        "entry": entry,
        "timeline": whole,
        "undoable": undoable([one.change for one in whole.happenings if one.change], request.user),
        "first_page": "before" not in request.GET,
        "can_edit": may_edit(request.user, entry),
        "today": timezone.now().date(),
    }
    return render(request, "stages/history.html", context)


def restore_version_of_facts(request: HttpRequest, entry: Entry) -> HttpResponse:
    """Bring the facts of a version back."""
    user = person(request)
    must_edit(user, entry)
    version = whole_number(request.POST.get("version", ""))
    try:
        if version is None:
            raise RestructureRefused("Choose a version.")
        why = request.POST.get("reason", "").replace("\x00", "").strip()[:1000]
        changed = restore_facts(entry=entry, version=version, actor=user, reason=why)
        messages.success(request, "The facts of that version are back." if changed else "They say that already.")
    except RestructureRefused as error:
        messages.error(request, str(error))
    return redirect(f"stages:{kind_of(entry)}-facts-history", key=entry.key)


def before_of(request: HttpRequest) -> datetime | None:
    """The moment at which a page of the timeline ends; the present where none is given."""
    try:
        found = parse_datetime(request.GET.get("before", ""))
    except ValueError:
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


def moment_of(text: str) -> datetime | None:
    """The end of a day that was typed."""
    try:
        day = parse_date(text)
    except ValueError:
        return None
    return datetime.combine(day, time.max, tzinfo=UTC) if day else None


def restore(request: HttpRequest, stage: Stage) -> HttpResponse:
    """Bring back one version of a block, or the whole page of a day."""
    user = editors_only(request, stage)
    number = whole_number(request.POST.get("revision", ""))
    if number is not None:
        revision = get_object_or_404(
            BlockRevision.objects.select_related("block__stage__section"), pk=number, block__stage=stage
        )
        try:
            saved = collaboration.restore(revision=revision, actor=user)
        except HeadingTaken as error:
            messages.error(request, f"Nothing was restored. {error}")
        else:
            said = f"Version {revision.version} is back." if saved.differences else "It says that already."
            messages.success(request, said)
    elif moment := moment_of(request.POST.get("as_of", "")):
        # The form of the preview says which changes of the structure to make; without it all are made.
        only = request.POST.getlist("change") if "choosing" in request.POST else None
        try:
            then = restore_page(stage=stage, moment=moment, actor=user, only=only)
        except RestructureRefused as error:
            messages.error(request, f"Nothing was restored. {error}")
            return redirect(f"{reverse('stages:history', args=[stage.key])}?as_of={moment:%Y-%m-%d}")
        changed = len(then.changes)
        parts = f"{changed} part{'' if changed == 1 else 's'} changed"
        messages.success(request, f"The page of {moment:%-d %b %Y} is back; {parts}.")
        for sentence in then.left:
            messages.warning(request, sentence)
    else:
        messages.error(request, "Choose a version, or a day written like 2026-11-20.")
    return redirect("stages:history", key=stage.key)


@requires(Role.VIEWER)
def suggestions(request: HttpRequest, key: str) -> HttpResponse:
    """What people suggested for a stage."""
    stage = find_stage(request, key)
    listed = stage.suggestions.select_related("author", "decided_by").order_by("-created_at")[:200]
    return render(request, "stages/suggestions.html", {"stage": stage, "suggestions": listed})


@requires(Role.VIEWER)
@require_http_methods(["GET", "POST"])
def suggestion(request: HttpRequest, pk: int) -> HttpResponse:
    """One suggestion: what it would change; editors of the stage accept, change or decline it."""
    found = get_object_or_404(Suggestion.objects.select_related("stage__section", "author", "decided_by"), pk=pk)
    stage = found.stage
    if request.method == "POST":
        user = editors_only(request, stage)
        if request.POST.get("action") == "change":
            # The answer goes along, as it would be lost otherwise.
            asked = {"suggestion": found.pk, "heading": found.heading, "reason": request.POST.get("answer", "")}
            told = urlencode({name: value for name, value in asked.items() if value})
            return redirect(f"{reverse('stages:edit', args=[stage.key, found.kind])}?{told}")
        accept = request.POST.get("action") == "accept"
        state = Suggestion.State.ACCEPTED if accept else Suggestion.State.DECLINED
        try:
            collaboration.decide_suggestion(
                suggestion=found, actor=user, state=state, answer=request.POST.get("answer", "")
            )
            messages.success(request, "Accepted; it is on the page." if accept else "Declined.")
        except Refused as error:
            messages.error(request, str(error))
        return redirect("stages:suggestion", pk=pk)
    block = find_block(stage, found.kind, found.heading)
    # A decided one is told as it was meant: by now the page may hold it.
    is_open = found.state == Suggestion.State.OPEN
    before = content_of(block) if is_open else content_at(block, found.base_version)
    context = {
        "suggestion": found,
        "stage": stage,
        "differences": differences(before, from_json(found.content)),
        "can_edit": has_role(request.user, Role.EDITOR, stage.scopes),
    }
    return render(request, "stages/suggestion.html", context)
