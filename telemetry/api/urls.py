"""The URLs of telemetry's API that are no viewsets."""

from __future__ import annotations

from django.urls import path

from telemetry.api import pings, privacy

urlpatterns = [
    path("pings/", pings.pings, name="telemetry-pings"),
    path("pings/own-data/", privacy.OwnDataView.as_view(), name="telemetry-own-data"),
    path("pings/<int:ping_id>/", pings.ReceiptView.as_view(), name="telemetry-receipt"),
    path("pings/<int:ping_id>/raw/", pings.RawView.as_view(), name="telemetry-raw"),
]
