"""Who is responsible for a section, stage or group: one line each, changed whole."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from portal.models import User
from portal.permissions import requires
from portal.roles import Role
from portal.saying import Offer, Said, say
from stages import drafts
from stages.blockform import whole_number
from stages.contacts import Owner, name_people, people_in_lines, take_people_back
from stages.derived import ROLES, role_in_words
from stages.facts import kind_of
from stages.models import Category
from stages.pages.editor import KEPT, UNDONE, draft_kept, person
from stages.pages.restructure import entry_or_404
from stages.restructuring import StaleEntry
from stages.restructuring.wishes import must_edit

MOST = 100
LONGEST = {"role": 100, "name": 200}


@requires(Role.VIEWER)
@require_http_methods(["GET", "POST"])
def people(request: HttpRequest, key: str, kind: str) -> HttpResponse:
    """The form, and saving it."""
    entry, user = entry_or_404(kind, key), person(request)
    if isinstance(entry, Category):
        raise Http404("Nobody is responsible for a category but its groups.")
    must_edit(user, entry)
    action = request.POST.get("action", "save")
    if action in ("discard", "afresh"):
        drafts.drop(user=user, subject=drafts.of_people(entry))
        return show(request, entry) if action == "afresh" else redirect(entry.get_absolute_url())
    if request.method == "GET":
        draft = drafts.find(user, drafts.of_people(entry))
        if draft is None:
            return show(request, entry)
        typed = draft.form
        return show(
            request, entry, text=typed["people"], reason=typed["reason"], version=draft.base_version,
            draft_at=draft.saved_at,
        )  # fmt: skip
    version = whole_number(request.POST.get("version", "")) or 0
    if action == "undo":
        return undo(request, entry, user, version)
    text = request.POST.get("people", "").replace("\x00", "").replace("\r\n", "\n")
    reason = request.POST.get("reason", "").replace("\x00", "")[:1000]
    if action == "draft":
        kept = keep_draft(entry, user, text, reason, version)
        answer = draft_kept(request, kept)
        return answer or show(request, entry, text=text, reason=reason, version=version, said=KEPT)
    pairs, error = pairs_of(text, held_by(entry))
    if error:
        return show(request, entry, text=text, reason=reason, version=version, error=error, status=422)
    try:
        changed = name_people(owner=entry, people=pairs, actor=user, reason=reason, version=version)
    except StaleEntry:
        theirs = people_in_lines(entry)
        if text.strip() != theirs.strip():
            keep_draft(entry, user, text, reason, entry.version)
            return show(request, entry, text=text, reason=reason, theirs=theirs, status=409)
        changed = False
    drafts.drop(user=user, subject=drafts.of_people(entry))
    said = "The people are saved." if changed else "Nothing was different, so nothing was saved."
    return done(request, entry, said, undo=entry.version if changed else 0)


def keep_draft(entry: Owner, user: User, text: str, reason: str, version: int) -> bool:
    """Keep what is typed; what says just what stands is no draft."""
    return drafts.keep_what_differs(
        user=user, subject=drafts.of_people(entry), form={"people": text, "reason": reason},
        stands={"people": people_in_lines(entry)}, base_version=version,
    )  # fmt: skip


def undo(request: HttpRequest, entry: Owner, user: User, version: int) -> HttpResponse:
    """Take the last change of people back."""
    try:
        changed = take_people_back(owner=entry, version=version, actor=user)
    except StaleEntry:
        return done(request, entry, "Somebody changed it meanwhile, so it was not undone. The history has it all.")
    return done(request, entry, UNDONE, undo=entry.version if changed else 0)


def done(request: HttpRequest, entry: Owner, sentence: str, *, undo: int = 0) -> HttpResponse:
    """Back to the entry. ``undo`` is the version that was saved."""
    offer = None
    if undo:
        url = reverse(f"stages:{kind_of(entry)}-people", args=[entry.key])
        label = "Redo" if sentence == UNDONE else "Undo"
        offer = Offer(label=label, url=url, fields={"action": "undo", "version": str(undo)})
    say(request, Said(sentence=sentence, offer=offer))
    return redirect(entry.get_absolute_url())


def show(
    request: HttpRequest,
    entry: Owner,
    *,
    text: str | None = None,
    reason: str = "",
    version: int | None = None,
    error: str = "",
    theirs: str = "",
    draft_at: datetime | None = None,
    said: str = "",
    status: int = 200,
) -> HttpResponse:
    """The form. It was made from ``version``; ``theirs`` is what somebody else saved meanwhile."""
    made_from = entry.version if version is None else version
    context = {
        "entry": entry, "kind": kind_of(entry), "text": people_in_lines(entry) if text is None else text,
        "reason": reason, "version": made_from, "error": error, "theirs": theirs, "draft_at": draft_at, "said": said,
        "behind": made_from != entry.version, "roles": sorted(set(ROLES.values())),
    }  # fmt: skip
    return render(request, "stages/people.html", context, status=status)


def held_by(entry: Owner) -> dict[tuple[str, str], str]:
    """What those who are responsible are, as their lines say it: the roles of the files by their words and the name.

    Several roles are called the same in words, and one that we have no words for is not to be read back from its own.
    """
    rows = entry.people.select_related("contact")
    return {(role_in_words(one.role).casefold(), one.contact.name): one.role for one in rows}


def pairs_of(text: str, held: Mapping[tuple[str, str], str]) -> tuple[list[tuple[str, str]], str]:
    """(role, name) pairs of lines like "Product manager: Ada", and what is wrong with them.

    Who is ``held`` to be something keeps that role, and a role that somebody has is given to others by the same words.
    """
    keys = {words.casefold(): key for key, words in ROLES.items()} | {words: role for (words, _), role in held.items()}
    pairs: list[tuple[str, str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        role, colon, name = (part.strip() for part in line.partition(":"))
        if not colon or not role or not name:
            return [], f"Line {number}: write a role, a colon and a name, like “Product manager: Ada Lovelace”."
        if len(role) > LONGEST["role"] or len(name) > LONGEST["name"]:
            return [], f"Line {number} is too long."
        words = role.casefold()
        pairs.append((held.get((words, name)) or keys.get(words, role), name))
    if len(pairs) > MOST:
        return [], f"These are {len(pairs)} people; at most {MOST} fit."
    return pairs, ""
