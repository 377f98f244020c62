"""Personal API tokens: made, shown once, revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from portal.models import ApiToken, TokenScope, User
from portal.permissions import has_role, requires
from portal.roles import Role
from portal.tokens import TokenRefused, make_token, revoke_token

ENDS = {7: "in a week", 30: "in 30 days", 90: "in 90 days", 365: "in a year"}


class TokenForm(forms.Form):
    """What a token is for, what it may do, and when it ends."""

    name = forms.CharField(max_length=100, label="Name", help_text="What uses it, so that you know it again.")
    scopes = forms.MultipleChoiceField(
        label="It may", choices=TokenScope.choices, widget=forms.CheckboxSelectMultiple, initial=[TokenScope.READ.value]
    )
    ends = forms.TypedChoiceField(label="It ends", coerce=int, initial=90, choices=[])

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ends: list[tuple[int, str]] = list(ENDS.items())
        if user.is_service:
            ends.append((0, "never"))
        cast(forms.ChoiceField, self.fields["ends"]).choices = ends

    def chosen(self) -> dict[str, Any]:
        """What ``make_token`` is told."""
        days = self.cleaned_data["ends"]
        return {
            "name": self.cleaned_data["name"],
            "scopes": [TokenScope(scope) for scope in self.cleaned_data["scopes"]],
            "expires_at": timezone.now() + timedelta(days=days) if days else None,
        }


@requires(Role.VIEWER)
def tokens(request: HttpRequest) -> HttpResponse:
    """One's own tokens, and a form for another."""
    user = request.user
    assert isinstance(user, User)  # noqa: S101  ``requires`` lets no one else in
    form = TokenForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        try:
            secret, token = make_token(user=user, actor=user, **form.chosen())
        except TokenRefused as refused:
            form.add_error(None, str(refused))
        else:
            return show_secret(request, secret=secret, token=token)
    own = sorted(user.api_tokens.all(), key=lambda token: (not token.in_force(), -token.pk))
    return render(request, "portal/tokens.html", {"form": form, "tokens": own}, status=422 if form.errors else 200)


@never_cache
@sensitive_variables("secret")
def show_secret(request: HttpRequest, *, secret: str, token: ApiToken) -> HttpResponse:
    """The one time that a token is shown, as the answer to the request that made it; it is stored nowhere."""
    return render(request, "portal/token_made.html", {"secret": secret, "token": token})


@require_POST
@requires(Role.VIEWER)
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of one's own tokens; administrators end anyone's."""
    found = ApiToken.objects.select_related("user")
    if not has_role(request.user, Role.ADMINISTRATOR):
        found = found.filter(user=request.user)  # type: ignore[misc]  # ``requires`` lets no one else in
    token = get_object_or_404(found, pk=pk)
    revoke_token(token=token)
    messages.success(request, f"The token {token.name} is revoked; it no longer works.")
    if token.user_id != request.user.pk:
        return redirect("portal:person", pk=token.user_id)
    return redirect("portal:tokens")
