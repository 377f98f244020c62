"""The host's own pages, under the namespace ``portal``."""

from __future__ import annotations

from django.urls import path, re_path

from portal.pages import (
    attention,
    charts,
    docs,
    home,
    notifications,
    people,
    profile,
    search,
    status,
    styleguide,
    tasks,
    tokens,
)
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
    path("tasks/<int:pk>/retry/", tasks.retry, name="task-retry"),
    path("status/", status.status, name="status"),
    path("docs/", docs.index, name="docs"),
    path("docs/<path:slug>/", docs.page, name="docs-page"),
    path("profile/", profile.profile, name="profile"),
    path("plugins/", plugins, name="plugins"),
    path("people/", people.people, name="people"),
    path("people/history/", people.history, name="people-history"),
    path("people/add/", people.add_person, name="person-add"),
    path("people/add-service/", people.add_service, name="service-add"),
    path("people/<int:pk>/", people.person, name="person"),
    path("people/<int:pk>/give/", people.give, name="role-give"),
    path("people/<int:pk>/active/", people.activity, name="person-active"),
    path("people/<int:pk>/tokens/", people.service_token, name="service-token"),
    path("people/grants/<int:pk>/take/", people.take, name="role-take"),
    path("account/tokens/", tokens.tokens, name="tokens"),
    path("account/tokens/<int:pk>/revoke/", tokens.revoke, name="token-revoke"),
    path("notifications/", notifications.notifications, name="notifications"),
    path("notifications/read/", notifications.read, name="notifications-read"),
    path("notifications/mail/", notifications.mail, name="notifications-mail"),
    path("notifications/<int:pk>/", notifications.follow, name="notification"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    re_path(r"^charts/(?P<digest>[0-9a-f]{32})\.(?P<form>svg|png|csv|json)$", charts.chart, name="chart"),
    path("theme/", choose_theme, name="theme"),
]
