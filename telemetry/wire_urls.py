"""The senders' endpoints: found before all other paths, since they are called most."""

from __future__ import annotations

from django.urls import path

from telemetry import wire, wire_reports
from telemetry.api import pings

app_name = "telemetry-wire"

urlpatterns = [
    path("usage_data", wire.usage_data, name="usage-data"),
    path("api/v1/pings/", pings.pings, name="pings"),
    path("usage_ping_metadata", wire_reports.metadata, name="metadata"),
    path("usage_ping_errors", wire_reports.errors, name="error-reports"),
    path("check.json", wire_reports.check_json, name="check-json"),
    path("check.svg", wire_reports.check_svg, name="check-svg"),
]
