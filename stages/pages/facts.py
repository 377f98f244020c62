"""Facts of a section, stage, group or category, changed in place; without a script as a page of its own."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from portal.permissions import requires
from portal.roles import Role
from stages.blockform import whole_number
from stages.factform import FactForm, fact_views, form_class
from stages.facts import Entry, facts_of, kind_of, said_of
from stages.pages.editor import is_htmx, person
from stages.pages.restructure import entry_or_404
from stages.restructuring import RestructureRefused, StaleEntry, change_facts, give_back, restore_facts
from stages.restructuring.wishes import may_edit


@requires(Role.VIEWER)
@require_http_methods(["GET", "POST"])
def facts(request: HttpRequest, key: str, kind: str) -> HttpResponse:
    """The form of the facts, and what its buttons do: save, give one back to the files, undo."""
    entry, user = entry_or_404(kind, key), person(request)
    if not may_edit(user, entry):
        raise PermissionDenied(f"This needs the role editor for {entry.name}.")
    if request.method == "GET":
        return (
            card(request, entry) if "shown" in request.GET else form_of(request, entry, form_class(type(entry))(entry))
        )
    action, version = request.POST.get("action", "save"), whole_number(request.POST.get("version", "")) or 0
    if action == "cancel":
        return done(request, entry, "")
    if action.startswith("give-back-"):
        return attempt(
            request, entry, lambda: give_back(entry=entry, names=[action.removeprefix("give-back-")], actor=user)
        )
    if action == "undo":
        return attempt(
            request, entry,
            lambda: restore_facts(
                entry=entry, version=version - 1, actor=user, reason="Undone", made_from=exactly(entry, version)
            ),
            undone=True,
        )  # fmt: skip
    return save(request, entry, version)


def exactly(entry: Entry, version: int) -> int:
    """The version, if it is still the present one: undoing takes back the last change and no other."""
    if entry.version != version:
        raise StaleEntry(entry)
    return version


def save(request: HttpRequest, entry: Entry, version: int) -> HttpResponse:
    """Save the form; what somebody else changed meanwhile is kept, or shown where both changed the same."""
    form = form_class(type(entry))(entry, request.POST)
    if not form.is_valid():
        return form_of(request, entry, form, status=422)
    values = {name: form.cleaned_data[name] for name in form.fact_names}
    try:
        changed = change_facts(
            entry=entry, values=values, actor=person(request), reason=form.cleaned_data["reason"], version=version
        )
    except RestructureRefused as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return form_of(request, entry, form, status=422)
    except StaleEntry as error:
        conflicts = [
            (fact.label, said_of(fact, values[fact.name]), said_of(fact, getattr(error.entry, fact.name)))
            for fact in facts_of(type(entry))
            if fact.name in error.fields
        ]
        return form_of(request, error.entry, form, conflicts=conflicts, status=409)
    said = "Saved." if changed else "Nothing was different, so nothing was saved."
    return done(request, entry, said, undo=entry.version if changed else 0)


def attempt(request: HttpRequest, entry: Entry, change: Any, *, undone: bool = False) -> HttpResponse:
    """Do one of the small changes; say why not where it is refused."""
    try:
        changed = change()
    except (RestructureRefused, StaleEntry) as error:
        stale = "Somebody changed it meanwhile, so it was not undone. The history has every version."
        return done(request, entry, stale if isinstance(error, StaleEntry) else str(error))
    return done(request, entry, "Undone." if undone else "Saved.", undo=entry.version if changed and not undone else 0)


def form_of(
    request: HttpRequest, entry: Entry, form: FactForm, *, conflicts: Any = (), status: int = 200
) -> HttpResponse:
    """The form, as a part of the entry's page or as a page of its own."""
    context = {"entry": entry, "kind": kind_of(entry), "form": form, "conflicts": conflicts}
    if is_htmx(request):
        return render(request, "stages/_fact_form.html", context)
    return render(request, "stages/facts.html", context, status=status)


def card(request: HttpRequest, entry: Entry, said: str = "", undo: int = 0) -> HttpResponse:
    """The facts as the entry's page shows them."""
    context = {"entry": entry, "kind": kind_of(entry), "facts": fact_views(entry), "can_edit": True, "said": said,
               "undo": undo}  # fmt: skip
    return render(request, "stages/_facts.html", context)


def done(request: HttpRequest, entry: Entry, said: str, *, undo: int = 0) -> HttpResponse:
    """Back to the facts."""
    if is_htmx(request):
        return card(request, entry, said, undo)
    if said:
        messages.success(request, said)
    return redirect(f"{entry.get_absolute_url()}#facts")
