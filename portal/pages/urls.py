"""The host's own pages, under the namespace ``portal``."""

from __future__ import annotations

from django.urls import path, re_path

from portal.pages import attention, charts, docs, home, profile, search, status, styleguide, tasks
from portal.pages.plugins import plugins
from portal.theme import choose_theme

app_name = "portal"

urlpatterns = [
    path("", home.home, name="home"),
    path("search/", search.search_page, name="search"),
    path("search/suggest/", search.suggest, name="search-suggest"),
    path("attention/", attention.attention, name="attention"),
    path("attention/count/", attention.attention_count, name="attention-count"),
    path("tasks/", tasks.tasks, name="tasks"),
    path("tasks/<int:pk>/", tasks.task, name="task"),
    path("tasks/<int:pk>/cancel/", tasks.cancel, name="task-cancel"),
    path("status/", status.status, name="status"),
    path("docs/", docs.index, name="docs"),
    path("docs/<path:slug>/", docs.page, name="docs-page"),
    path("profile/", profile.profile, name="profile"),
    path("plugins/", plugins, name="plugins"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    re_path(r"^charts/(?P<digest>[0-9a-f]{32})\.(?P<form>svg|png|csv|json)$", charts.chart, name="chart"),
    path("theme/", choose_theme, name="theme"),
]
