"""What the portal has told the reader."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from portal.models import User
from portal.notify import mark_read
from portal.permissions import requires, signed_in
from portal.roles import Role

PER_PAGE = 50


class MailForm(forms.ModelForm):  # type: ignore[type-arg]  # Django has no type parameter when it runs
    """When to send e-mail."""

    class Meta:
        model = User
        fields = ["mail"]
        labels = {"mail": "E-mail"}


@requires(Role.VIEWER)
def notifications(request: HttpRequest) -> HttpResponse:
    """All of them, the newest first."""
    user = signed_in(request)
    only_unread = request.GET.get("unread") == "1"
    rows = user.notifications.filter(read_at=None) if only_unread else user.notifications.all()
    context = {
        "page": Paginator(rows, PER_PAGE).get_page(request.GET.get("page")),
        "only_unread": only_unread,
        "form": MailForm(instance=user),
    }
    return render(request, "portal/notifications.html", context)


@requires(Role.VIEWER)
def follow(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark one as read and go where it leads. Only into this portal: a row may not send people elsewhere."""
    row = get_object_or_404(signed_in(request).notifications, pk=pk)
    mark_read(user=row.user, ids=[row.pk])
    if row.url and url_has_allowed_host_and_scheme(row.url, allowed_hosts=None):
        return redirect(row.url)
    return redirect("portal:notifications")


@require_POST
@requires(Role.VIEWER)
def read(request: HttpRequest) -> HttpResponse:
    """Mark all as read."""
    mark_read(user=signed_in(request))
    return redirect("portal:notifications")


@require_POST
@requires(Role.VIEWER)
def mail(request: HttpRequest) -> HttpResponse:
    """Keep when to send e-mail."""
    form = MailForm(request.POST, instance=signed_in(request))
    if form.is_valid():
        form.save()
        messages.success(request, "Your choice is saved.")
    else:
        messages.error(request, "That is not one of the choices; nothing was changed.")
    return redirect("portal:notifications")
