"""Addresses of the metrics pages."""

from __future__ import annotations

from django.urls import path

from metrics.pages import dashboards, dictionary, explore, installations, months, passports, subscriptions

app_name = "metrics"

urlpatterns = [
    path("dashboards/", dashboards.index, name="dashboard"),
    path("dashboards/figures.csv", dashboards.export, name="dashboard-csv"),
    path("explore/", explore.index, name="explore"),
    path("explore/figures.csv", explore.export, name="explore-csv"),
    path("figures/", dashboards.home, name="figures"),
    path("figures/months/", months.index, name="months"),
    path("figures/months/<str:month>/", months.month, name="month"),
    path("figures/months/<str:month>/close/", months.close, name="close"),
    path("figures/months/<str:month>/reopen/", months.reopen, name="reopen"),
    path("figures/installations/", installations.index, name="installations"),
    path("figures/installations/<int:pk>/", installations.installation, name="installation"),
    path("figures/installations/<int:pk>/label/", installations.label, name="label"),
    path("figures/labels/", installations.labels, name="labels"),
    path("figures/subscriptions/", subscriptions.index, name="subscriptions"),
    path("figures/subscriptions/preview/", subscriptions.preview, name="subscriptions-preview"),
    path("figures/subscriptions/import/", subscriptions.import_previewed, name="subscriptions-import"),
    path("figures/subscriptions/add/", subscriptions.add, name="subscription-add"),
    path("figures/subscriptions/<int:pk>/", subscriptions.subscription, name="subscription"),
    path("figures/subscriptions/<int:pk>/remove/", subscriptions.remove, name="subscription-remove"),
    path("figures/<str:figure_id>/", passports.passport, name="passport"),
    path("figures/<str:figure_id>/left-out/short/", passports.left_out_in_short, name="left-out-short"),
    path("figures/<str:figure_id>/why/", passports.why, name="why"),
    path("figures/<str:figure_id>/why/short/", passports.why_in_short, name="why-short"),
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
