"""The URLs of telemetry: the senders' endpoints at the root, pages below ``/telemetry/``."""

from __future__ import annotations

from django.urls import path

from telemetry import wire

app_name = "telemetry"

urlpatterns = [
    path("usage_data", wire.usage_data, name="usage-data"),
]
