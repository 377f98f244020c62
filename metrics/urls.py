"""Addresses of the metrics pages."""

from __future__ import annotations

from django.urls import path

from metrics.pages import dashboards, dictionary, passports

app_name = "metrics"

urlpatterns = [
    path("dashboards/", dashboards.index, name="dashboard"),
    path("dashboards/figures.csv", dashboards.export, name="dashboard-csv"),
    path("figures/<str:figure_id>/", passports.passport, name="passport"),
    path("metrics/", dictionary.index, name="dictionary"),
    path("metrics/export.csv", dictionary.export, name="export"),
    path("metrics/hygiene/", dictionary.hygiene, name="hygiene"),
    path("metrics/mapping/", dictionary.mapping, name="mapping"),
    path("metrics/mapping/map/", dictionary.map_metric, name="map"),
    path("metrics/mapping/unmap/", dictionary.unmap_metric, name="unmap"),
    path("metrics/mapping/resolve/", dictionary.resolve, name="resolve"),
    path("metrics/reviews/", dictionary.reviews, name="reviews"),
    path("metrics/reviews/<int:pk>/", dictionary.proposal, name="proposal"),
    path("metrics/<str:key_path>/", dictionary.definition, name="definition"),
    path("metrics/<str:key_path>/propose/", dictionary.propose, name="propose"),
]
