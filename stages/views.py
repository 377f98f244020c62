"""Pages of the catalog: understand the request, ask one query, answer."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from portal.history import history_of
from portal.models import User
from portal.permissions import has_role, has_role_anywhere, requires
from portal.roles import Role
from portal.saying import said_here
from stages import drafts, queries, slots
from stages.blockform import whole_number
from stages.conf import handbook_url
from stages.editing import item_of
from stages.factform import fact_views
from stages.facts import Entry, kind_of
from stages.forms import ResourceForm
from stages.models import FormerKey, Group, Resource, Section, Stage, StartingPoint
from stages.models.content import AccessLevel
from stages.planned import all_planned, plans_for
from stages.resources import StaleResource, state_of_resource
from stages.restructuring.wishes import entries, may_edit
from stages.stage_page import is_due, item_view, stage_named, stage_page
from stages.visits import note_visit

MEANWHILE = (
    "Somebody changed it meanwhile, so nothing was saved. The facts above are what stands now, what you wrote is still "
    "in the form: look at both, then save again."
)


@requires(Role.VIEWER)
def to_index(request: HttpRequest) -> HttpResponse:
    """The folders of sections, groups and categories: the catalog lists them all on one page."""
    return redirect("stages:index")


@requires(Role.VIEWER)
def index(request: HttpRequest) -> HttpResponse:
    """All stages by section."""
    context = {
        "sections": queries.stages_by_section(),
        "starting_points": StartingPoint.objects.all(),
        "catalog": queries.catalog(),
        "may_edit_starts": has_role(request.user, Role.EDITOR),
        "may_create": has_role_anywhere(request.user, Role.EDITOR),
        "CATALOG_OVERVIEW": slots.CATALOG_OVERVIEW,
    }
    return render(request, "stages/index.html", context)


@requires(Role.VIEWER)
def stage(request: HttpRequest, key: str) -> HttpResponse:
    """One stage on one screen."""
    user = signed_in(request)
    try:
        found = stage_named(key, user)
    except Stage.DoesNotExist:
        return redirect_former("stage", key)
    page = stage_page(found, user)
    note_visit(found, user)
    successor = queries.successor_of(found) if found.retired_on else None
    context = {
        "stage": found,
        "page": page,
        "facts": fact_views(found),
        "draft_at": page.facts_draft_at,
        "people_draft_at": page.people_draft_at,
        **said_here(request, ["facts", *(block.anchor for block in page.blocks)]),
        "successor": successor,
        "STAGE_FIGURES": slots.STAGE_FIGURES,
        "STAGE_TREND": slots.STAGE_TREND,
        "STAGE_FEATURES": slots.STAGE_FEATURES,
        "STAGE_GROUPS": slots.STAGE_GROUPS,
        "STAGE_NOTES": slots.STAGE_NOTES,
        "STAGE_DATA_DOCS": slots.STAGE_DATA_DOCS,
        "STAGE_INDICATORS": slots.STAGE_INDICATORS,
    }
    return render(request, "stages/stage.html", context)


def signed_in(request: HttpRequest) -> User:
    """The person; ``requires`` has seen to it that there is one."""
    user = request.user
    assert isinstance(user, User)  # noqa: S101
    return user


def redirect_former(kind: str, key: str) -> HttpResponse:
    """Lead an old address on to where the thing is now, or say that there is none."""
    former = FormerKey.objects.filter(kind=kind, key=key).first()
    if former is None:
        raise Http404(f"There is no {kind} with the key {key}.")
    return redirect(f"stages:{kind}", key=former.target_key)


@requires(Role.VIEWER)
def board(request: HttpRequest) -> HttpResponse:
    """How complete each stage is, and who can fill the gaps."""
    section = request.GET.get("section", "")
    context = {
        "board": queries.board(section),
        "section": section,
        "sections": Section.objects.filter(retired_on=None, stages__retired_on=None, stages__isnull=False).distinct(),
        "reviews": queries.reviews_due(),
        "planned": all_planned(),
    }
    return render(request, "stages/board.html", context)


@requires(Role.VIEWER)
@require_http_methods(["GET", "POST"])
def resource(request: HttpRequest, pk: int) -> HttpResponse:
    """A resource, the stages that use it, and who keeps it."""
    found = get_object_or_404(Resource.objects.select_related("link_check"), pk=pk)
    placements = list(found.placements.select_related("block__stage__section", "resource__link_check", "group__stage"))
    scopes = [scope for one in placements for scope in one.block.stage.scopes]
    can_edit = has_role(request.user, Role.EDITOR, scopes)
    form, status = ResourceForm(instance=found), 200
    if request.method == "POST":
        if not can_edit:
            raise PermissionDenied("This needs the role editor for one of the stages that use it.")
        user = signed_in(request)
        earlier = whole_number(request.POST.get("restore", ""))
        form, status = ResourceForm(posted_resource(request, found, earlier), instance=copy(found)), 422
        if form.is_valid() and not form.refuse_foreign(found, user):
            try:
                form.save_changes(user)
            except StaleResource:
                form.add_error(None, MEANWHILE)
                status = 409
            else:
                messages.success(request, "Saved." if earlier is None else f"Version {earlier} is back.")
                return redirect("stages:resource", pk=pk)
    views = [(one.block, item_view(one, item_of(one), handbook_url())) for one in placements]
    context = {
        "resource": found,
        "form": form,
        "views": views,
        "can_edit": can_edit,
        "levels": AccessLevel.choices,
        "history": [entry for entry in history_of(found) if entry.changes],
        "review_due": is_due(found.reviewed_on, found.review_every_days, timezone.now().date()),
    }
    return render(request, "stages/resource.html", context, status=status)


def about(entry: Entry, request: HttpRequest) -> dict[str, Any]:
    """What the pages of sections, groups and categories share: the facts, and where it went if it is retired."""
    facts, people = drafts.of_facts(entry), drafts.of_people(entry)
    typed = drafts.kept_at(signed_in(request), [facts, people])
    return {
        **said_here(request, ["facts"]),
        "draft_at": typed.get(facts.name),
        "people_draft_at": typed.get(people.name),
        "entry": entry,
        "kind": kind_of(entry),
        "facts": fact_views(entry),
        "can_edit": may_edit(request.user, entry),
        "successor": queries.successor_of(entry) if entry.retired_on else None,
        "plans": plans_for(entry),
    }


def posted_resource(request: HttpRequest, found: Resource, earlier: int | None) -> Mapping[str, Any]:
    """What the form says; of a restore, what the resource was in that version."""
    if earlier is None:
        return request.POST
    state = state_of_resource(found.pk, earlier)
    if state is None:
        raise Http404(f"The history has no version {earlier} of this resource.")
    given = {name: value for name, value in state.items() if value not in (None, False)}
    return {**given, "version": request.POST.get("version", ""), "reason": f"Restored version {earlier}"}


@requires(Role.VIEWER)
def group(request: HttpRequest, key: str) -> HttpResponse:
    """A group with its categories, and what stages refer to for it."""
    found = Group.objects.select_related("stage__section").filter(key=key).first()
    if found is None:
        return redirect_former("group", key)
    named = found.placements.select_related("block__stage", "resource__link_check", "group__stage").order_by(
        "block__stage__name", "pk"
    )
    context = {
        **about(found, request),
        "group": found,
        "categories": queries.categories_of(found),
        "people": queries.people_of(found),
        "resources": [(one.block, item_view(one, item_of(one), handbook_url())) for one in named[:200]],
        "GROUP_FIGURES": slots.GROUP_FIGURES,
    }
    return render(request, "stages/group.html", context)


@requires(Role.VIEWER)
def section(request: HttpRequest, key: str) -> HttpResponse:
    """A section with its stages."""
    found = Section.objects.filter(key=key).first()
    if found is None:
        return redirect_former("section", key)
    context = {
        **about(found, request),
        "section": found,
        "stages": found.stages.filter(retired_on=None),
        "people": queries.people_of(found),
        "SECTION_FIGURES": slots.SECTION_FIGURES,
    }
    return render(request, "stages/section.html", context)


@requires(Role.VIEWER)
def category(request: HttpRequest, key: str) -> HttpResponse:
    """A category: maturity, dates and the groups that build it."""
    found = entries("category").filter(key=key).first()
    if found is None:
        return redirect_former("category", key)
    groups = list(found.groups.all())
    context = {
        **about(found, request),
        "category": found,
        "groups": groups,
        "differs": bool(groups and found.stage_id and found.stage_id not in {group.stage_id for group in groups}),
    }
    return render(request, "stages/category.html", context)
