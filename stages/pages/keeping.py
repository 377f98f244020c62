"""Who keeps a block, how long a review of it holds, and that it is right as it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from portal.models import User
from portal.permissions import requires
from portal.roles import Role
from stages import collaboration
from stages.blockform import whole_number
from stages.editing import ensure_block, find_block
from stages.models import BlockKind, Stage
from stages.models.content import REVIEW_LIMITS
from stages.pages.editor import checked, done, editors_only, find_stage, heading_of, is_htmx, view_of

MOST_NAMES = 200


@dataclass
class Asked:
    """What the form says, and what is wrong with it."""

    owner: str
    every: str
    reviewed: bool
    errors: dict[str, str] = field(default_factory=dict)

    def person(self) -> User | None:
        """The person that is named, by username or by their name if only one has it."""
        if not self.owner:
            return None
        people = User.objects.filter(is_active=True, is_service=False)
        found = list(people.filter(username=self.owner)[:1]) or list(people.filter(display_name=self.owner)[:2])
        if len(found) != 1:
            said = "Several people are" if found else "Nobody is"
            self.errors["owner"] = f"{said} called {self.owner[:100]}. Give the username."
            return None
        return found[0]

    def days(self) -> int | None:
        """How many days a review holds."""
        days = whole_number(self.every)
        try:
            if days is None:
                raise ValidationError("Give a number of days.")
            for limit in REVIEW_LIMITS:
                limit(days)
        except ValidationError as error:
            self.errors["every"] = " ".join(error.messages)
            return None
        return days


@requires(Role.VIEWER)
@require_http_methods(["GET", "POST"])
def keep(request: HttpRequest, key: str, kind: str) -> HttpResponse:
    """The form, and saving it; of a block that nobody filled yet as well."""
    stage = find_stage(request, key)
    user = editors_only(request, stage)
    heading = heading_of(request.GET.get("heading", "")) if checked(kind) == BlockKind.OTHER else ""
    view = view_of(stage, kind, heading, request)
    if view is None:
        raise Http404("There is no such block.")
    if request.method == "GET":
        return show(request, stage, view, Asked(view.owner_username, str(view.review_every_days), False))
    if request.POST.get("action") == "cancel":
        return done(request, stage, kind, heading, "")
    asked = Asked(
        request.POST.get("owner", "").replace("\x00", "").strip(),
        request.POST.get("every", ""),
        "reviewed" in request.POST,
    )
    keeper, days = asked.person(), asked.days()
    if asked.errors:
        return show(request, stage, view, asked, status=422)
    block = find_block(stage, kind, heading) or ensure_block(stage, kind)
    with transaction.atomic():
        collaboration.own(block=block, user=keeper, actor=user)
        collaboration.review(block=block, actor=user, every_days=days, reviewed=asked.reviewed)
    return done(request, stage, kind, heading, "Saved.")


def show(request: HttpRequest, stage: Stage, view: Any, asked: Asked, *, status: int = 200) -> HttpResponse:
    """The form, in the block's place or as a page of its own."""
    people = User.objects.filter(is_active=True, is_service=False)
    editors = people.filter(Q(role_grants__role__in=["editor", "administrator"])).distinct()
    context = {
        "stage": stage,
        "kept": view,
        "asked": asked,
        "people": editors.order_by("display_name", "username")[:MOST_NAMES],
    }
    if is_htmx(request):
        return render(request, "stages/_keep_form.html", context)
    return render(request, "stages/keep.html", context, status=status)
