"""The host's own pages, under the namespace ``portal``."""

from __future__ import annotations

from django.urls import path, re_path

from portal.pages import attention, charts, home, styleguide
from portal.pages.plugins import plugins
from portal.theme import choose_theme

app_name = "portal"

urlpatterns = [
    path("", home.home, name="home"),
    path("search/", home.soon, name="search"),
    path("search/suggest/", attention.attention_count, name="search-suggest"),
    path("attention/", attention.attention, name="attention"),
    path("attention/count/", attention.attention_count, name="attention-count"),
    path("tasks/", home.soon, name="tasks"),
    path("status/", home.soon, name="status"),
    path("docs/", home.soon, name="docs"),
    path("profile/", home.soon, name="profile"),
    path("plugins/", plugins, name="plugins"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    re_path(r"^charts/(?P<digest>[0-9a-f]{32})\.(?P<form>svg|png|csv|json)$", charts.chart, name="chart"),
    path("theme/", choose_theme, name="theme"),
]
