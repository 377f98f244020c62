"""Editing the helpful places to start: a line each, with plain forms."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from portal.history import history_of_all
from portal.permissions import requires
from portal.roles import Role
from stages.blockform import whole_number
from stages.models import StartingPoint
from stages.pages.editor import person
from stages.starting_points import StaleStart, StartRefused, move_start, take_start_away, write_start


@requires(Role.EDITOR)
@require_http_methods(["GET", "POST"])
def starting_points(request: HttpRequest) -> HttpResponse:
    """The lines with their forms, a form for another one, and what changed last."""
    typed, error, status = "", "", 200
    wrong: int | None = None
    if request.method == "POST":
        wrong, typed = whole_number(request.POST.get("pk", "")), request.POST.get("text", "")
        try:
            said = act(request, wrong)
        except StartRefused as refused:
            error, status = str(refused), 422
        except StaleStart:
            error, status = "Somebody changed or removed this line meanwhile; what you wrote is still in the form.", 409
        else:
            messages.success(request, said)
            return redirect("stages:starting-points")
    rows = list(StartingPoint.objects.all())
    context = {
        "rows": [(row, typed if error and row.pk == wrong else row.text) for row in rows],
        "added": typed if error and wrong not in {row.pk for row in rows} else "",
        "error": error,
        "history": history_of_all(StartingPoint, limit=20),
    }
    return render(request, "stages/starting_points.html", context, status=status)


def act(request: HttpRequest, pk: int | None) -> str:
    """Do what a button says; what to tell afterwards."""
    data, user = request.POST, person(request)
    version = whole_number(data.get("version", ""))
    action = data.get("action", "save")
    if pk is not None and action in ("up", "down"):
        move_start(pk=pk, up=action == "up", actor=user)
        return "Moved."
    if pk is not None and action == "remove":
        take_start_away(pk=pk, version=version or 0, actor=user)
        return "Taken away. The history keeps it."
    write_start(pk=pk, text=data.get("text", ""), version=None if pk is None else version or 0, actor=user)
    return "Saved."
