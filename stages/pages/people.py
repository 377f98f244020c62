"""Who is responsible for a section, stage or group: one line each, changed whole."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from portal.permissions import requires
from portal.roles import Role
from stages.blockform import whole_number
from stages.contacts import name_people
from stages.derived import ROLES, role_in_words
from stages.models import Category
from stages.pages.editor import person
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
    listed = entry.people.select_related("contact").exclude(contact__name="").order_by("order", "pk")
    text = "\n".join(f"{role_in_words(one.role)}: {one.contact.name}" for one in listed)
    error, status, reason = "", 200, request.POST.get("reason", "").replace("\x00", "")[:1000]
    if request.method == "POST":
        text = request.POST.get("people", "").replace("\x00", "")
        pairs, error = pairs_of(text)
        status = 422
        version = whole_number(request.POST.get("version", "")) or 0
        try:
            if not error:
                changed = name_people(owner=entry, people=pairs, actor=user, reason=reason, version=version)
                messages.success(request, "Saved." if changed else "Nothing was different, so nothing was saved.")
                return redirect(entry.get_absolute_url())
        except StaleEntry:
            error, status = "Somebody changed it meanwhile, so nothing was saved. What you wrote is still here.", 409
    context = {"entry": entry, "kind": kind, "text": text, "error": error, "reason": reason, "roles": ROLES.values()}
    return render(request, "stages/people.html", context, status=status)


def pairs_of(text: str) -> tuple[list[tuple[str, str]], str]:
    """(role, name) pairs of lines like "Product manager: Ada", and what is wrong with them."""
    keys = {words.casefold(): key for key, words in ROLES.items()}
    pairs: list[tuple[str, str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        role, colon, name = (part.strip() for part in line.partition(":"))
        if not colon or not role or not name:
            return [], f"Line {number}: write a role, a colon and a name, like “Product manager: Ada Lovelace”."
        if len(role) > LONGEST["role"] or len(name) > LONGEST["name"]:
            return [], f"Line {number} is too long."
        pairs.append((keys.get(role.casefold(), role), name))
    if len(pairs) > MOST:
        return [], f"These are {len(pairs)} people; at most {MOST} fit."
    return pairs, ""
