"""Export and erasure of one installation, and the record that they happened."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render

from portal.api.export import stream_ndjson
from portal.permissions import requires, signed_in
from portal.roles import Role
from telemetry import conf
from telemetry.forms import EraseForm
from telemetry.models import PrivacyRecord
from telemetry.reading.personal import CUT
from telemetry.verbs.handover import export_installation
from telemetry.verbs.privacy import erase_installation

RETENTION = (
    ("Raw bodies, a month at a time", "keep_bodies"),
    ("Raw bodies of rejected pings", "keep_rejected"),
    ("Metadata and error reports", "keep_reports"),
    ("Uploads between preview and storing", "keep_uploads"),
    ("Answers to an Idempotency-Key", "keep_answers"),
    ("Addresses of senders", "keep_addresses"),
)


@requires(Role.ADMINISTRATOR)
def index(request: HttpRequest) -> HttpResponseBase:
    """What is kept for how long; hand out or erase everything of an installation."""
    form = EraseForm(request.POST or None, initial={key: request.GET.get(key, "") for key in ("uuid", "hostname")})
    if request.method == "POST" and form.is_valid():
        record = erase_installation(
            uuid=form.cleaned_data["uuid"],
            hostname=form.cleaned_data["hostname"],
            reason=form.cleaned_data["reason"],
            by=signed_in(request),
        )
        messages.success(request, f"Erased: {record.pings} pings and all that was derived from them.")
        return redirect("telemetry:privacy")
    return render(
        request,
        "telemetry/privacy.html",
        {
            "form": form,
            "records": PrivacyRecord.objects.select_related("by")[:50],
            "retention": [(words, getattr(conf.options, name).days) for words, name in RETENTION],
            "cut": CUT if conf.options.cut_personal else (),
            "address": conf.options.address,
            "uuid": request.GET.get("uuid", ""),
            "hostname": request.GET.get("hostname", ""),
        },
        status=400 if form.errors else 200,
    )


@requires(Role.ADMINISTRATOR)
def export(request: HttpRequest) -> HttpResponse | HttpResponseBase:
    """Everything of one installation as NDJSON."""
    uuid, hostname = request.GET.get("uuid", ""), request.GET.get("hostname", "")
    if not uuid or not hostname or "\x00" in uuid + hostname:
        messages.warning(request, "Name the installation by uuid and host name.")
        return redirect("telemetry:privacy")
    rows = export_installation(uuid=uuid, hostname=hostname, by=signed_in(request))
    return stream_ndjson(rows, filename="installation.ndjson")
