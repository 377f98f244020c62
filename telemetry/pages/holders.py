"""Organisations with the installations their keys are good for, and the keys by which bundles are signed."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from portal.permissions import requires
from portal.roles import Role
from telemetry.forms import HolderForm, SigningKeyForm
from telemetry.models import KeyHolder, Organisation, SigningKey
from telemetry.verbs.keys import hold_installation, let_go_of_installation
from telemetry.verbs.signing import revoke_signing_key


@requires(Role.ADMINISTRATOR)
def organisations(request: HttpRequest) -> HttpResponse:
    """Who sends for several installations."""
    found = Organisation.objects.annotate(
        keys=Count("ingest_keys", distinct=True), installations=Count("holders", distinct=True)
    )
    page = Paginator(found.order_by("name"), 100).get_page(request.GET.get("page"))
    return render(request, "telemetry/organisations.html", {"page_obj": page})


@requires(Role.ADMINISTRATOR)
def organisation(request: HttpRequest, organisation_id: int) -> HttpResponseBase:
    """The installations of one organisation, and a form for another."""
    found = get_object_or_404(Organisation, pk=organisation_id)
    form = HolderForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        holder = hold_installation(organisation=found, **form.cleaned_data)
        messages.success(request, f"{holder.hostname} is one of {found}'s from now on.")
        return redirect("telemetry:organisation", found.pk)
    holders = found.holders.order_by("hostname", "uuid")
    context = {
        "organisation": found,
        "form": form,
        "keys": found.ingest_keys.order_by("-created_at"),
        "page_obj": Paginator(holders, 100).get_page(request.GET.get("page")),
    }
    return render(request, "telemetry/organisation.html", context, status=400 if form.errors else 200)


@requires(Role.ADMINISTRATOR)
@require_POST
def let_go(request: HttpRequest, holder_id: int) -> HttpResponseBase:
    """Take an installation from its organisation."""
    holder = get_object_or_404(KeyHolder, pk=holder_id, organisation__isnull=False)
    let_go_of_installation(holder=holder)
    messages.success(request, f"{holder.hostname} is nobody's any more.")
    return redirect("telemetry:organisation", holder.organisation_id)


@requires(Role.ADMINISTRATOR)
def signing_keys(request: HttpRequest) -> HttpResponseBase:
    """Whose signatures are known, and a form for another key."""
    form = SigningKeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        key = form.save()
        messages.success(request, f"Bundles signed with {key.label} are recognised from now on.")
        return redirect("telemetry:signing-keys")
    context = {"form": form, "keys": SigningKey.objects.order_by("label")}
    return render(request, "telemetry/signing_keys.html", context, status=400 if form.errors else 200)


@requires(Role.ADMINISTRATOR)
@require_POST
def revoke_signing(request: HttpRequest, key_id: int) -> HttpResponseBase:
    """Its signatures are worth nothing from now on."""
    key = get_object_or_404(SigningKey, pk=key_id)
    revoke_signing_key(key=key)
    messages.success(request, f"{key.label} is revoked; bundles signed with it count as signed by nobody known.")
    return redirect("telemetry:signing-keys")
