"""Making, renaming, moving, splitting, merging and retiring sections, stages, groups and categories."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Max, Q
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_http_methods, require_POST

from portal.models import User
from portal.permissions import requires
from portal.roles import Role
from portal.saying import Offer, Said, say
from stages.blockform import whole_number
from stages.facts import MODELS, PARENT_OF, PART_OF, Entry, kind_of
from stages.handbook.template import TEMPLATES
from stages.models import Category, Group, PlannedChange, Section, Stage, Succession
from stages.names import key_of
from stages.pages.editor import key_now, person
from stages.planned import plans_for
from stages.restructuring import RestructureRefused, StaleEntry, today
from stages.restructuring.common import in_words, one_name
from stages.restructuring.lifecycle import reasons_to_keep
from stages.restructuring.planning import ask, cancel, carry_out_now
from stages.restructuring.undoing import undo, undoable
from stages.restructuring.wishes import (
    Wish,
    entries,
    find,
    make,
    may_create,
    may_edit,
    may_split,
    must_edit,
)

PLURALS = {"section": "sections", "stage": "stages", "group": "groups", "category": "categories"}


PREFIX = {"rename": "r", "move": "m", "split": "s", "merge": "x", "retire": "t", "bring_back": "t", "delete": "d",
          "create": "n"}  # fmt: skip
"""How the ids of each form's fields begin."""
FIELDS = ("name", "key", "parents", "target", "taking", "kinds", "on", "reason")
ELSEWHERE = {"section": "parents", "stage": "parents", "group": "parents", "groups": "parents"}
TAKEN_ALONG = {"stages": "taking", "groups": "taking", "categories": "taking", "parts": "taking"}
"""Where the form has what the verbs name in the words of the API."""


@dataclass(frozen=True, kw_only=True)
class ChangeForm:
    """One of the forms of a change: as it stands, or as it was sent with what is wrong with it, and at which field."""

    action: str
    name: str = ""
    key: str = ""
    parents: frozenset[str] = frozenset()
    target: str = ""
    taking: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    on: str = ""
    reason: str = ""
    error: str = ""
    field: str = ""

    @property
    def prefix(self) -> str:
        """How the ids of its fields begin."""
        return PREFIX[self.action]

    @classmethod
    def sent(cls, action: str, data: QueryDict, error: str = "", field: str = "") -> ChangeForm:
        """All that was typed and chosen."""
        known = (TAKEN_ALONG if action == "split" else ELSEWHERE).get(field, field)
        text = {name: data.get(name, "").replace("\x00", "") for name in ("name", "key", "target", "on", "reason")}
        parents, taking, kinds = (frozenset(data.getlist(name)) for name in ("parents", "taking", "kinds"))
        return cls(
            action=action, name=text["name"], key=text["key"], parents=parents, target=text["target"], taking=taking,
            kinds=kinds, on=text["on"], reason=text["reason"], error=error, field=known if known in FIELDS else "",
        )  # fmt: skip


def entry_or_404(kind: str, key: str) -> Entry:
    """The entry of an address, also of an old one: what a form in an open window sends is not lost by a new key."""
    try:
        return find(kind, key)
    except RestructureRefused as error:
        if (now := key_now(kind, key)) is None:
            raise Http404(str(error)) from error
        return find(kind, now)


@requires(Role.VIEWER)
@require_http_methods(["GET", "POST"])
def restructure(request: HttpRequest, key: str, kind: str) -> HttpResponse:
    """The forms for one entry, and what they do."""
    entry, user = entry_or_404(kind, key), person(request)
    must_edit(user, entry)
    if request.method == "POST":
        latest = latest_change()
        try:
            wish = wished(request.POST)
            if wish.action == "split":
                wish = named(wish)
            after = ask(entry, wish, user, whole_number(str(request.POST.get("version", ""))))
        except RestructureRefused as error:
            return refused(request, kind, key, str(error), 422, error.field)
        except StaleEntry as error:
            stale = f"Somebody changed {error.entry.name} meanwhile. Look at it as it is now, and ask again."
            return refused(request, kind, error.entry.key, stale, 409)
        if isinstance(after, PlannedChange):
            messages.success(request, f"Planned for {after.on:%-d %b %Y}. Nothing changes before that day.")
            return redirect(f"stages:{kind}-restructure", key=entry.key)
        if after is None:
            messages.success(request, f"{entry.name} is deleted.")
            return redirect("stages:index")
        said_with_undo(request, kind, latest)
        return redirect(after.get_absolute_url())
    return render(request, "stages/restructure.html", context_of(entry, request))


def refused(request: HttpRequest, kind: str, key: str, sentence: str, status: int, field: str = "") -> HttpResponse:
    """The forms once more, that which was sent with all that it held and why it was not done."""
    context = context_of(entry_or_404(kind, key), request)
    action = request.POST.get("action", "")
    if action in context["forms"]:
        form = ChangeForm.sent(action, request.POST, sentence, field)
        # A field that the page does not have cannot say what is wrong with it; the form does.
        unseen = {"taking": not context["parts"], "kinds": not context["kinds"]}.get(form.field, False)
        context["forms"][action] = replace(form, field="") if unseen else form
    else:
        messages.error(request, sentence)
    return render(request, "stages/restructure.html", context, status=status)


def forms_of(entry: Entry, others: bool) -> dict[str, ChangeForm]:
    """The forms that the page has, as they stand. ``others``: there is something to merge it into."""
    retired = entry.retired_on is not None
    shown = {
        "rename": True, "move": kind_of(entry) in PARENT_OF, "split": True, "merge": others, "retire": not retired,
        "bring_back": retired, "delete": True,
    }  # fmt: skip
    forms = {action: ChangeForm(action=action, on=today().isoformat()) for action, there in shown.items() if there}
    forms["rename"] = replace(forms["rename"], name=entry.name, key=entry.key)
    if "move" in forms:
        forms["move"] = replace(forms["move"], parents=current_parents(entry))
    return forms


def latest_change() -> int:
    """The number of the latest change of the structure, to tell which one a request made."""
    return Succession.objects.aggregate(latest=Max("pk"))["latest"] or 0


def said_with_undo(request: HttpRequest, kind: str, latest: int, said: str = "", *, label: str = "Undo") -> None:
    """Say what was done, with a button that takes the change of this request back."""
    made = Succession.objects.filter(kind=kind, actor=person(request), pk__gt=latest).order_by("pk").first()
    offer = None
    if made is not None and made.pk in undoable([made], person(request)):
        offer = Offer(label=label, url=reverse("stages:undo-change", args=[made.pk]))
    say(request, Said(sentence=said or done_in_words(made), offer=offer))


def done_in_words(change: Succession | None) -> str:
    """What was done, in a sentence, such as: Renamed the stage Create to Make. Old links lead on."""
    if change is None:
        return "Nothing was different, so nothing was changed."
    words = in_words(change.how, change.kind, change.from_name, change.to_name)
    leads = " Old links lead on." if change.from_key != change.to_key and change.how in ("renamed", "merged") else ""
    return f"{words[0].upper()}{words[1:]}.{leads}"


@requires(Role.VIEWER)
@require_POST
def undo_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a change of the structure back; where that cannot be done, a sentence says why."""
    change, latest = get_object_or_404(Succession, pk=pk), latest_change()
    try:
        done = undo(change=change, user=person(request))
    except RestructureRefused as error:
        messages.error(request, f"It was not taken back. {error}")
        entry = entries(change.kind).filter(pk=change.entry).first()
        return redirect(f"stages:{change.kind}-facts-history", key=entry.key) if entry else redirect("stages:index")
    said_with_undo(request, change.kind, latest, "Taken back. The history keeps both.", label="Redo")
    for sentence in done.stayed:
        messages.warning(request, sentence)
    return redirect(done.entry.get_absolute_url() if done.entry else "stages:index")


@requires(Role.VIEWER)
@require_POST
def planned(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel what is planned, or do it now."""
    change, user = get_object_or_404(PlannedChange, pk=pk), person(request)
    entry = entries(change.kind).filter(pk=change.entry).first()
    latest, now = latest_change(), request.POST.get("action") == "now"
    try:
        if now:
            entry = carry_out_now(change=change, user=user)
        else:
            cancel(change=change, user=user)
    except RestructureRefused as error:
        messages.error(request, f"It was not {'done' if now else 'cancelled'}. {error}")
    else:
        if now:
            said_with_undo(request, change.kind, latest)
            return redirect(entry.get_absolute_url() if entry else "stages:index")
        messages.success(request, "Cancelled. The history keeps that it was planned.")
    return redirect(f"stages:{change.kind}-restructure", key=entry.key) if entry else redirect("stages:index")


def context_of(entry: Entry, request: HttpRequest) -> dict[str, Any]:
    """What the forms offer: only what this person may choose."""
    kind, user = kind_of(entry), person(request)
    parent_kind, part_kind = PARENT_OF.get(kind, ""), PART_OF.get(kind, "")
    in_use = entries(kind).filter(retired_on=None).exclude(pk=entry.pk).order_by("name")
    others = [one for one in in_use if may_edit(user, one)]
    of_it = Q(from_key=entry.key) | Q(to_key=entry.key) | Q(entry=entry.pk)
    successions = list(Succession.objects.filter(of_it, kind=kind).select_related("actor", "undoes", "undone_by"))
    return {
        "entry": entry,
        "kind": kind,
        "kinds": [(template.kind, template.heading) for template in TEMPLATES] if kind == "stage" else [],
        "parent_kind": parent_kind,
        "parents": possible_parents(parent_kind, user),
        "part_kind": part_kind,
        "part_word": PLURALS.get(part_kind, ""),
        "parts": parts_of(entry),
        "may_split": may_split(user, entry),
        "others": others,
        "kept_because": reasons_to_keep(entry),
        "plans": plans_for(entry),
        "successions": successions,
        "undoable": undoable(successions, user),
        "today": today(),
        "forms": forms_of(entry, bool(others)),
    }


def possible_parents(kind: str, user: User) -> list[Entry]:
    """What this person may put something under, by name."""
    found = [one for one in entries(kind).filter(retired_on=None) if may_edit(user, one)] if kind else []
    return sorted(found, key=lambda one: str(getattr(one, "full_name", one.name)))


def current_parents(entry: Entry) -> frozenset[str]:
    """The keys of what it belongs to."""
    if isinstance(entry, Stage):
        return frozenset([entry.section.key] if entry.section else [])
    if isinstance(entry, Group):
        return frozenset([entry.stage.key])
    return frozenset(group.key for group in entry.groups.all()) if isinstance(entry, Category) else frozenset()


def parts_of(entry: Entry) -> list[Entry]:
    """What belongs to it."""
    if isinstance(entry, Section):
        return list(entry.stages.filter(retired_on=None))
    if isinstance(entry, Stage):
        return list(entry.groups.filter(retired_on=None))
    return list(entry.categories.filter(retired_on=None).order_by("name")) if isinstance(entry, Group) else []


def wished(data: QueryDict) -> Wish:
    """What one of the forms asks for."""
    return Wish(
        action=data.get("action", ""),
        on=day(data.get("on", "")),
        reason=data.get("reason", "").replace("\x00", "").strip(),
        name=data.get("name", ""),
        key=data.get("key", "").strip(),
        parents=[key for key in data.getlist("parents") if key],
        target=data.get("target", ""),
        taking=data.getlist("taking"),
        kinds=data.getlist("kinds"),
    )


def named(wish: Wish) -> Wish:
    """The wish for something new with a key made of its name where none is given; a form needs the name itself."""
    return replace(wish, key=wish.key or key_of(one_name(wish.name))[:100])


@requires(Role.VIEWER)
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, kind: str) -> HttpResponse:
    """A form for another section, stage, group or category."""
    if kind not in MODELS:
        raise Http404(f"There is no kind {kind}.")
    user, form = person(request), ChangeForm.sent("create", request.GET)
    if request.method == "POST":
        latest = latest_change()
        try:
            made = make(kind, named(wished(request.POST)), user)
        except RestructureRefused as error:
            form = ChangeForm.sent("create", request.POST, str(error), error.field)
        else:
            said_with_undo(request, kind, latest, f"{made.name} is there.")
            return redirect(made.get_absolute_url())
    parent_kind = PARENT_OF.get(kind, "")
    parents = possible_parents(parent_kind, user)
    if not parents and not may_make_alone(kind, request):
        where = f"a {parent_kind}" if parent_kind else "everything"
        raise PermissionDenied(f"This needs the role editor for {where}.")
    context = {
        "kind": kind,
        "parent_kind": parent_kind,
        "parents": parents,
        "form": form if form.error else replace(form, on=form.on or today().isoformat()),
        "today": today(),
    }
    return render(request, "stages/new.html", context, status=422 if form.error else 200)


def may_make_alone(kind: str, request: HttpRequest) -> bool:
    """Whether this person may make one that belongs to nothing: a section, or a stage without one."""
    return kind in ("section", "stage") and may_create(person(request), [])


def day(text: str) -> date:
    """The day that was typed; today where there is none."""
    try:
        found = parse_date(text.strip()) if text.strip() else today()
    except ValueError:
        found = None
    if found is None:
        raise RestructureRefused(f"{text[:40]} is no day; write it like 2026-11-28.", "on")
    return found
