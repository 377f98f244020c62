"""Ingest keys: made, shown once, rotated, revoked."""

from __future__ import annotations

from datetime import UTC, datetime, time

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from portal.permissions import requires, signed_in
from portal.roles import Role
from telemetry.forms import KeyForm
from telemetry.models import IngestKey
from telemetry.verbs.keys import make_ingest_key, revoke_ingest_key, rotate_ingest_key


def _page(request: HttpRequest, form: KeyForm, *, secret: str = "", fresh: IngestKey | None = None) -> HttpResponse:
    now = timezone.now()
    keys = list(IngestKey.objects.select_related("organisation", "created_by", "replaced_by"))
    response = render(
        request,
        "telemetry/keys.html",
        {
            "form": form,
            "secret": secret,
            "fresh": fresh,
            "keys": [(key, key.in_force(now)) for key in keys],
        },
        status=400 if form.errors else 200,
    )
    if secret:
        # The only time that the text is seen: it must not lie in a cache.
        response["Cache-Control"] = "no-store"
    return response


@requires(Role.ADMINISTRATOR)
def index(request: HttpRequest) -> HttpResponse:
    """All keys, and a form for a new one. A new key's text is shown in the answer to the form, once."""
    if request.method != "POST":
        return _page(request, KeyForm(initial={name: request.GET.get(name, "") for name in ("uuid", "hostname")}))
    form = KeyForm(request.POST)
    if not form.is_valid():
        return _page(request, form)
    day = form.cleaned_data["expires_on"]
    key, secret = make_ingest_key(
        label=form.cleaned_data["label"],
        uuid=form.cleaned_data["uuid"].strip(),
        hostname=form.cleaned_data["hostname"].strip(),
        organisation=form.organisation_row(),
        by=signed_in(request),
        expires_at=datetime.combine(day, time.max, tzinfo=UTC) if day else None,
    )
    return _page(request, KeyForm(), secret=secret, fresh=key)


@requires(Role.ADMINISTRATOR)
@require_POST
def rotate(request: HttpRequest, key_id: int) -> HttpResponseBase:
    """A successor; the old key goes on working for the overlap."""
    key = get_object_or_404(IngestKey, pk=key_id)
    try:
        fresh, secret = rotate_ingest_key(key=key, by=signed_in(request))
    except ValueError as error:
        messages.error(request, str(error))
        return redirect("telemetry:keys")
    return _page(request, KeyForm(), secret=secret, fresh=fresh)


@requires(Role.ADMINISTRATOR)
@require_POST
def revoke(request: HttpRequest, key_id: int) -> HttpResponseBase:
    """Close the door at once."""
    key = get_object_or_404(IngestKey, pk=key_id)
    revoke_ingest_key(key=key)
    messages.success(request, f"{key.label} ({key.prefix}…) is revoked; it opens nothing any more.")
    return redirect("telemetry:keys")
