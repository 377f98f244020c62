"""The profile: how one is called, which roles one holds, and where the rest of one's account is."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from portal.models import User
from portal.permissions import requires, signed_in
from portal.roles import Role


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]  # Django has no type parameter when it runs
    """What a person may change about themselves."""

    class Meta:
        model = User
        fields = ["display_name"]
        labels = {"display_name": "Name"}
        help_texts = {"display_name": "As others see it beside what you change. Empty: your user name."}


@requires(Role.VIEWER)
def profile(request: HttpRequest) -> HttpResponse:
    """Show and change one's own account."""
    user = signed_in(request)
    form = ProfileForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Your profile is saved.")
        return redirect("portal:profile")
    context = {"form": form, "grants": user.role_grants.order_by("role", "scope")}
    return render(request, "portal/profile.html", context)
