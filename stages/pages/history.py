"""What happened to a stage's page: versions with readable differences, restoring, suggestions, import conflicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_http_methods

from portal.permissions import has_role, requires
from portal.roles import Role
from stages import collaboration
from stages.collaboration import Refused
from stages.content import Difference, differences, from_json
from stages.editing import content_of, find_block
from stages.handbook.importing import decide_conflict
from stages.models import BlockRevision, ImportConflict, Stage, Succession, Suggestion
from stages.pages.editor import editors_only, find_stage

PER_PAGE = 30


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A version with what it changed."""

    revision: BlockRevision
    differences: tuple[Difference, ...]

    @property
    def who(self) -> str:
        """Who saved it."""
        return self.revision.actor_name or ("an import" if self.revision.how == "import" else "the system")


def entries(revisions: Sequence[BlockRevision]) -> list[Entry]:
    """The versions with their differences to the ones before; one query more."""
    keys = {(one.block_id, one.version - 1) for one in revisions}
    blocks = {block for block, _ in keys}
    versions = {version for _, version in keys}
    before = {
        (one.block_id, one.version): one for one in BlockRevision.objects.filter(block__in=blocks, version__in=versions)
    }
    return [
        Entry(
            revision=one,
            differences=tuple(
                differences(
                    from_json(earlier.content if (earlier := before.get((one.block_id, one.version - 1))) else None),
                    from_json(one.content),
                )
            ),
        )
        for one in revisions
    ]


@requires(Role.VIEWER)
@require_http_methods(["GET", "POST"])
def history(request: HttpRequest, key: str) -> HttpResponse:
    """The versions of a stage's page, newest first; any of them can be restored, or the page of a day."""
    stage = find_stage(request, key)
    if request.method == "POST":
        return restore(request, stage)
    revisions = BlockRevision.objects.filter(block__stage=stage).select_related("block").order_by("-at", "-pk")
    chosen = request.GET.get("block", "")
    if chosen.isdecimal():
        revisions = revisions.filter(block=int(chosen))
    listed = Paginator(revisions, PER_PAGE).get_page(request.GET.get("page"))
    moment = moment_of(request.GET.get("as_of", ""))
    context = {
        "stage": stage,
        "entries": entries(list(listed)),
        "listed": listed,
        "can_edit": has_role(request.user, Role.EDITOR, stage.scopes),
        "as_of": request.GET.get("as_of", ""),
        "moment": moment,
        "old": [
            (block, from_json(revision.content if revision else None))
            for block, revision in collaboration.contents_as_of(stage, moment)
        ]
        if moment
        else [],
        "successions": Succession.objects.filter(kind="stage", from_key=stage.key)
        | Succession.objects.filter(kind="stage", to_key=stage.key),
        "block": stage.blocks.filter(pk=int(chosen)).first() if chosen.isdecimal() else None,
        "today": timezone.now().date(),
    }
    return render(request, "stages/history.html", context)


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
    number = request.POST.get("revision", "")
    if number.isdecimal():
        revision = get_object_or_404(
            BlockRevision.objects.select_related("block__stage__section"), pk=number, block__stage=stage
        )
        saved = collaboration.restore(revision=revision, actor=user)
        said = f"Version {revision.version} is back." if saved.differences else "It says that already."
        messages.success(request, said)
    elif moment := moment_of(request.POST.get("as_of", "")):
        changed = collaboration.restore_page(stage=stage, moment=moment, actor=user)
        messages.success(request, f"The page is what it was on {moment:%d %b %Y}; {changed} blocks changed.")
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
    current = content_of(find_block(stage, found.kind, found.heading))
    context = {
        "suggestion": found,
        "stage": stage,
        "differences": differences(current, from_json(found.content)),
        "can_edit": has_role(request.user, Role.EDITOR, stage.scopes),
    }
    return render(request, "stages/suggestion.html", context)


@requires(Role.VIEWER)
@require_http_methods(["GET", "POST"])
def conflict(request: HttpRequest, pk: int) -> HttpResponse:
    """A block that both the portal and the last import changed: keep ours or take theirs."""
    found = get_object_or_404(ImportConflict.objects.select_related("block__stage__section"), pk=pk)
    stage = found.block.stage
    if request.method == "POST":
        user = editors_only(request, stage)
        take = request.POST.get("action") == "source"
        decide_conflict(conflict=found, take_source=take, actor=user)
        messages.success(request, "Took the source's text." if take else "Kept the portal's text.")
        return redirect(stage.get_absolute_url())
    context = {"conflict": found, "stage": stage, "can_edit": has_role(request.user, Role.EDITOR, stage.scopes)}
    return render(request, "stages/conflict.html", context)
