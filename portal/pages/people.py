"""People and their roles: for administrators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from allauth.account.forms import ResetPasswordForm
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from portal import people as verbs
from portal.history import Action, Entry, history_of_all
from portal.history.queries import tracked_by
from portal.models import RoleGrant, User
from portal.pages.tokens import TokenForm, show_secret
from portal.permissions import requires, signed_in
from portal.roles import Role
from portal.tokens import TokenRefused, make_token

PER_PAGE = 50


@dataclass(frozen=True, kw_only=True)
class Line:
    """A change in words: who (in ``entry``) did what."""

    entry: Entry
    words: str


class GiveForm(forms.Form):
    """A role, what it is limited to, and why it is given."""

    role = forms.ChoiceField(choices=[])
    scope = forms.ChoiceField(
        label="Limited to", required=False, choices=[], help_text="Administrators are always for everything."
    )
    reason = forms.CharField(max_length=500, help_text="Kept in the history, beside your name.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles = [(role.value, words(role)) for role in verbs.GIVEN_ROLES]
        cast(forms.ChoiceField, self.fields["role"]).choices = roles
        groups: list[tuple[str, Any]] = [("", "everything")]
        for group in verbs.scope_groups():
            groups.append((group.title, [(scope.scope, scope.label) for scope in group.scopes]))
        cast(forms.ChoiceField, self.fields["scope"]).choices = groups


class PersonForm(forms.Form):
    """Someone new."""

    username = forms.CharField(max_length=150, label="User name")
    email = forms.EmailField(label="E-mail", help_text="A link to set a password is sent there.")
    display_name = forms.CharField(max_length=200, label="Name", required=False)


class ServiceForm(forms.Form):
    """A new service account."""

    username = forms.CharField(max_length=150, label="User name", help_text="As in history and logs, like ci-imports.")
    display_name = forms.CharField(max_length=200, label="What it is for", required=False)


def words(role: Role) -> str:
    """A role as people read it."""
    return role.value.replace("_", " ")


@requires(Role.ADMINISTRATOR)
def people(request: HttpRequest) -> HttpResponse:
    """Everyone, with the roles they hold."""
    query, role, kind = (request.GET.get(name, "").strip() for name in ("q", "role", "kind"))
    found = User.objects.order_by("-is_active", "is_service", "username").prefetch_related(
        Prefetch("role_grants", RoleGrant.objects.order_by("role", "scope"))
    )
    if query:
        found = found.filter(
            Q(username__icontains=query) | Q(display_name__icontains=query) | Q(email__icontains=query)
        )
    if role == Role.ADMINISTRATOR.value:
        found = found.filter(Q(is_superuser=True) | Q(role_grants__role=role)).distinct()
    elif role:
        found = found.filter(role_grants__role=role).distinct()
    if kind in {"person", "service"}:
        found = found.filter(is_service=kind == "service")
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "query": query,
        "role": role,
        "kind": kind,
        "roles": [(role.value, words(role)) for role in verbs.GIVEN_ROLES],
        "labels": verbs.scope_labels(),
        "permissions": [(words(role), *rest) for role, *rest in verbs.permissions_by_role()],
    }
    return render(request, "portal/people.html", context)


@requires(Role.ADMINISTRATOR)
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """One account: its roles, how to give one, its tokens, and what was changed."""
    return person_page(request, get_object_or_404(User, pk=pk))


def person_page(request: HttpRequest, shown: User, *, status: int = 200, **forms_with_errors: Any) -> HttpResponse:
    """The page of an account, with a form that holds errors where there is one."""
    grants = list(shown.role_grants.select_related("granted_by").order_by("role", "scope"))
    labels = verbs.scope_labels()
    context = {
        "person": shown,
        "grants": [(grant, labels.get(grant.scope, grant.scope) or "everything") for grant in grants],
        "give_form": GiveForm(),
        "token_form": TokenForm(user=shown) if shown.is_service else None,
        "tokens": verbs.tokens_of(shown),
        "lines": lines_about(shown),
        **forms_with_errors,
    }
    return render(request, "portal/person.html", context, status=status)


def lines_about(shown: User) -> list[Line]:
    """What was changed about an account and its roles, newest first."""
    keys = set(tracked_by(RoleGrant)._default_manager.filter(user=shown).values_list("pgh_obj_id", flat=True))
    of_account = [Line(entry=entry, words=account_words(entry)) for entry in history_of_all(User, keys=[shown.pk])]
    of_roles = grant_lines(history_of_all(RoleGrant, keys=keys))
    return sorted([*of_account, *of_roles], key=lambda line: line.entry.at, reverse=True)[:50]


def account_words(entry: Entry) -> str:
    """A change of an account in words."""
    if entry.action is Action.CREATED:
        return "made the account"
    return "set " + ", ".join(f"{change.label} to {change.after_text}" for change in entry.changes)


def grant_lines(entries: list[Entry]) -> list[Line]:
    """Grants in words: who gave or took what, for what, to whom."""
    people = User.objects.in_bulk({entry.row["user_id"] for entry in entries})
    labels = verbs.scope_labels()
    lines: list[Line] = []
    for entry in entries:
        scope = entry.row["scope"]
        role = f"{entry.row['role'].replace('_', ' ')} for {labels.get(scope, scope) or 'everything'}"
        person = people.get(entry.row["user_id"], "an account that is gone")
        done = f"took {role} from {person}" if entry.action is Action.DELETED else f"gave {role} to {person}"
        lines.append(Line(entry=entry, words=done))
    return lines


@requires(Role.ADMINISTRATOR)
def history(request: HttpRequest) -> HttpResponse:
    """Who gave and took which roles."""
    return render(request, "portal/people_history.html", {"lines": grant_lines(history_of_all(RoleGrant, limit=200))})


@require_POST
@requires(Role.ADMINISTRATOR)
def give(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a role."""
    shown = get_object_or_404(User, pk=pk)
    form = GiveForm(request.POST)
    if form.is_valid():
        role = Role(form.cleaned_data["role"])
        try:
            verbs.give_role(
                user=shown,
                role=role,
                scope=form.cleaned_data["scope"],
                actor=signed_in(request),
                reason=form.cleaned_data["reason"],
            )
        except verbs.RoleNotGiven as refused:
            form.add_error("scope", str(refused))
        else:
            messages.success(request, f"{shown} is now {words(role)}.")
            return redirect("portal:person", pk=pk)
    return person_page(request, shown, status=422, give_form=form)


@require_POST
@requires(Role.ADMINISTRATOR)
def take(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a role back."""
    grant = get_object_or_404(RoleGrant.objects.select_related("user"), pk=pk)
    try:
        verbs.take_role(grant=grant, actor=signed_in(request), reason=request.POST.get("reason", "")[:500])
    except verbs.LastAdministrator as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"{grant.user} is {grant.role_words} no longer.")
    return redirect("portal:person", pk=grant.user_id)


@require_POST
@requires(Role.ADMINISTRATOR)
def activity(request: HttpRequest, pk: int) -> HttpResponse:
    """Close an account or open it again."""
    shown = get_object_or_404(User, pk=pk)
    active = request.POST.get("active") == "1"
    try:
        verbs.set_active(
            user=shown, active=active, actor=signed_in(request), reason=request.POST.get("reason", "")[:500]
        )
    except verbs.LastAdministrator as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"The account of {shown} is {'open' if active else 'closed'}.")
    return redirect("portal:person", pk=pk)


@requires(Role.ADMINISTRATOR)
def add_person(request: HttpRequest) -> HttpResponse:
    """Make an account for someone and send them the way in."""
    form = PersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = verbs.add_person(actor=signed_in(request), **form.cleaned_data)
        except ValidationError as errors:
            form.add_error(None, errors)
        else:
            send_way_in(request, made)
            messages.success(request, f"{made} can now sign in; a link to set a password was sent to {made.email}.")
            return redirect("portal:person", pk=made.pk)
    context = {"form": form, "title": "Add a person", "lede": "Everyone with an account reads everything."}
    return render(request, "portal/person_add.html", context, status=422 if form.errors else 200)


def send_way_in(request: HttpRequest, made: User) -> None:
    """The mail with a link to set the first password."""
    reset = ResetPasswordForm({"email": made.email})
    if reset.is_valid():
        reset.save(request)


@requires(Role.ADMINISTRATOR)
def add_service(request: HttpRequest) -> HttpResponse:
    """Make a service account."""
    form = ServiceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = verbs.add_service_account(actor=signed_in(request), **form.cleaned_data)
        except ValidationError as errors:
            form.add_error(None, errors)
        else:
            messages.success(request, f"{made} is there. Give it a token, and roles if it has to write.")
            return redirect("portal:person", pk=made.pk)
    context = {
        "form": form,
        "title": "Add a service account",
        "lede": "For a CI job or a script: it has tokens and roles, but no password and no sign-in.",
    }
    return render(request, "portal/person_add.html", context, status=422 if form.errors else 200)


@require_POST
@requires(Role.ADMINISTRATOR)
def service_token(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a token of a service account; people make their own."""
    shown = get_object_or_404(User, pk=pk, is_service=True)
    form = TokenForm(request.POST, user=shown)
    if form.is_valid():
        try:
            secret, token = make_token(user=shown, actor=signed_in(request), **form.chosen())
        except TokenRefused as refused:
            form.add_error(None, str(refused))
        else:
            return show_secret(request, secret=secret, token=token)
    return person_page(request, shown, status=422, token_form=form)
