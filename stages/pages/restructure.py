"""Renaming, moving, splitting, merging and retiring a stage, each with its day and reason."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_http_methods

from portal.models import User
from portal.permissions import requires
from portal.roles import Role
from stages import restructuring
from stages.handbook.template import TEMPLATES
from stages.models import Group, Section, Stage, Succession
from stages.pages.editor import editors_only, find_stage


@requires(Role.VIEWER)
@require_http_methods(["GET", "POST"])
def restructure(request: HttpRequest, key: str) -> HttpResponse:
    """The forms, and what they do."""
    stage = find_stage(request, key)
    user = editors_only(request, stage)
    if request.method == "POST":
        try:
            target = act(request, stage, user)
        except restructuring.RestructureRefused as error:
            messages.error(request, str(error))
            return redirect("stages:restructure", key=stage.key)
        messages.success(request, "Done. Old links lead on, and the history keeps what was before.")
        return redirect(target.get_absolute_url())
    context = {
        "stage": stage,
        "groups": stage.groups.filter(retired_on=None),
        "sections": Section.objects.filter(retired_on=None),
        "others": Stage.objects.filter(retired_on=None).exclude(pk=stage.pk).order_by("name"),
        "kinds": [(template.kind, template.heading) for template in TEMPLATES],
        "today": restructuring.today(),
        "successions": Succession.objects.filter(kind="stage", from_key=stage.key),
    }
    return render(request, "stages/restructure.html", context)


def act(request: HttpRequest, stage: Stage, user: User) -> Stage:
    """Do what one of the forms asks; the stage to go to afterwards."""
    data = request.POST
    on, reason = day(data.get("on", "")), data.get("reason", "").strip()
    action = data.get("action", "")
    if action == "rename":
        restructuring.rename(
            entry=stage, name=data.get("name", ""), key=data.get("key", "").strip() or None, actor=user, on=on,
            reason=reason,
        )  # fmt: skip
    elif action == "move":
        section = get_object_or_404(Section, key=data.get("section", ""))
        restructuring.move(entry=stage, parent=section, actor=user, on=on, reason=reason)
    elif action == "move_group":
        group = get_object_or_404(Group.objects.select_related("stage"), key=data.get("group", ""), stage=stage)
        parent = get_object_or_404(Stage.objects.select_related("section"), key=data.get("stage", ""))
        editors_only(request, parent)
        restructuring.move(entry=group, parent=parent, actor=user, on=on, reason=reason)
    elif action == "merge":
        target = get_object_or_404(Stage.objects.select_related("section"), key=data.get("stage", ""))
        editors_only(request, target)
        restructuring.merge_stages(source=stage, target=target, actor=user, on=on, reason=reason)
        return target
    elif action == "split":
        return restructuring.split_stage(
            source=stage, key=data.get("key", "").strip(), name=data.get("name", ""),
            groups=stage.groups.filter(key__in=data.getlist("groups")), kinds=data.getlist("kinds"), actor=user,
            on=on, reason=reason,
        )  # fmt: skip
    elif action == "retire":
        restructuring.retire(entry=stage, actor=user, on=on, reason=reason)
    elif action == "bring_back":
        restructuring.bring_back(entry=stage, actor=user, on=on, reason=reason)
    else:
        raise restructuring.RestructureRefused("Choose what to do.")
    return stage


def day(text: str) -> date:
    """The day that was typed; today where there is none."""
    try:
        found = parse_date(text.strip()) if text.strip() else restructuring.today()
    except ValueError:
        found = None
    if found is None:
        raise restructuring.RestructureRefused(f"{text} is no day; write it like 2026-11-28.")
    return found
