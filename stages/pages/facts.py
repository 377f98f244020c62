"""Facts of a section, stage, group or category, changed in place; without a script as a page of its own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from portal.models import User
from portal.permissions import requires
from portal.roles import Role
from portal.saying import Offer, Said, say
from stages import drafts
from stages.blockform import whole_number
from stages.factform import FactForm, fact_views, form_class
from stages.facts import Entry, facts_of, kind_of, said_of, wrong_with
from stages.models import Stage
from stages.pages.editor import KEPT, UNDONE, draft_kept, find_stage, is_htmx, person
from stages.pages.restructure import entry_or_404
from stages.restructuring import RestructureRefused, StaleEntry, change_facts, give_back, restore_facts
from stages.restructuring.wishes import may_edit
from stages.stage_page import stage_page


@requires(Role.VIEWER)
@require_http_methods(["GET", "POST"])
def facts(request: HttpRequest, key: str, kind: str) -> HttpResponse:
    """The form of the facts, and what its buttons do: save, give one back to the files, undo."""
    entry, user = entry_or_404(kind, key), person(request)
    if not may_edit(user, entry):
        raise PermissionDenied(f"This needs the role editor for {entry.name}.")
    action, version = request.POST.get("action", ""), whole_number(request.POST.get("version", "")) or 0
    if request.method == "GET":
        return card(request, entry) if "shown" in request.GET else begun(request, entry, user)
    if action in ("cancel", "discard", "afresh"):
        drafts.drop(user=user, subject=drafts.of_facts(entry))
        return begun(request, entry, user) if action == "afresh" else done(request, entry, "")
    if action == "draft":
        return keep_draft(request, entry, user, version)
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


def begun(request: HttpRequest, entry: Entry, user: User) -> HttpResponse:
    """The form as it stands, or as this person left it."""
    draft = drafts.find(user, drafts.of_facts(entry))
    if draft is None:
        return form_of(request, entry, form_class(type(entry))(entry))
    form = form_class(type(entry))(entry, initial=draft.form)
    return form_of(request, entry, form, version=draft.base_version, draft_at=draft.saved_at)


def keep_draft(request: HttpRequest, entry: Entry, user: User, version: int) -> HttpResponse:
    """Keep what is typed."""
    form, subject = form_class(type(entry))(entry, request.POST), drafts.of_facts(entry)
    kept = not form.says_what_stands(entry)
    if kept:
        drafts.keep(user=user, subject=subject, form=form.as_draft(), base_version=version)
    else:
        drafts.drop(user=user, subject=subject)
    answer = draft_kept(request, kept)
    if answer is None:
        form = form_class(type(entry))(entry, initial=form.as_draft())
        return form_of(request, entry, form, version=version, said=KEPT)
    return answer


def exactly(entry: Entry, version: int) -> int:
    """The version, if it is still the present one: undoing takes back the last change and no other."""
    if entry.version != version:
        raise StaleEntry(entry)
    return version


def save(request: HttpRequest, entry: Entry, version: int) -> HttpResponse:
    """Save the form; what somebody else changed meanwhile is kept, or shown where both changed the same."""
    form = form_class(type(entry))(entry, request.POST)
    if not form.is_valid() or version == entry.version:
        # All that is wrong is told at once, not only what the fields see by themselves.
        typed = {name: form.cleaned_data[name] for name in form.fact_names if name in form.cleaned_data}
        for name, sentence in wrong_with(entry, typed).items():
            form.add_error(name, sentence)
    if form.errors:
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
        drafts.keep(
            user=person(request), subject=drafts.of_facts(entry), form=form.as_draft(),
            base_version=error.entry.version,
        )  # fmt: skip
        return form_of(request, error.entry, form, conflicts=conflicts, status=409)
    drafts.drop(user=person(request), subject=drafts.of_facts(entry))
    said = "Saved." if changed else "Nothing was different, so nothing was saved."
    return done(request, entry, said, undo=entry.version if changed else 0)


def attempt(request: HttpRequest, entry: Entry, change: Any, *, undone: bool = False) -> HttpResponse:
    """Do one of the small changes; say why not where it is refused."""
    try:
        changed = change()
    except (RestructureRefused, StaleEntry) as error:
        stale = "Somebody changed it meanwhile, so it was not undone. The history has every version."
        return done(request, entry, stale if isinstance(error, StaleEntry) else str(error))
    return done(request, entry, UNDONE if undone else "Saved.", undo=entry.version if changed else 0)


def form_of(
    request: HttpRequest,
    entry: Entry,
    form: FactForm,
    *,
    version: int | None = None,
    draft_at: datetime | None = None,
    said: str = "",
    conflicts: Any = (),
    status: int = 200,
) -> HttpResponse:
    """The form, as a part of the entry's page or as a page of its own. It was made from ``version``."""
    made_from = entry.version if version is None else version
    context = {
        "entry": entry, "kind": kind_of(entry), "form": form, "conflicts": conflicts, "version": made_from,
        "draft_at": draft_at, "behind": made_from != entry.version, "said": said,
    }  # fmt: skip
    if is_htmx(request):
        return render(request, "stages/_fact_form.html", context)
    return render(request, "stages/facts.html", context, status=status)


def card(request: HttpRequest, entry: Entry, said: Said | None = None) -> HttpResponse:
    """The facts as the entry's page shows them."""
    subjects = [drafts.of_facts(entry), drafts.of_people(entry)]
    typed = drafts.kept_at(person(request), subjects)
    context: dict[str, Any] = {
        "entry": entry, "kind": kind_of(entry), "facts": fact_views(entry), "can_edit": True, "swap": True,
        "said_at": {"facts": said} if said else {},
        "draft_at": typed.get(subjects[0].name), "people_draft_at": typed.get(subjects[1].name),
    }  # fmt: skip
    if isinstance(entry, Stage):
        # The head of the page tells some of the facts as well.
        stage = find_stage(request, entry.key)
        context |= {"stage": stage, "page": stage_page(stage, request.user)}
        return render(request, "stages/_facts_saved.html", context)
    return render(request, "stages/_facts.html", context)


def done(request: HttpRequest, entry: Entry, sentence: str, *, undo: int = 0) -> HttpResponse:
    """Back to the facts. ``undo`` is the version that was saved."""
    offer = None
    if undo:
        url = reverse(f"stages:{kind_of(entry)}-facts", args=[entry.key])
        label = "Redo" if sentence == UNDONE else "Undo"
        offer = Offer(label=label, url=url, fields={"action": "undo", "version": str(undo)})
    said = Said(sentence=sentence, offer=offer, place="facts") if sentence else None
    if is_htmx(request):
        return card(request, entry, said)
    if said:
        say(request, said)
    return redirect(f"{entry.get_absolute_url()}#facts")
