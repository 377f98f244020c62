"""Pages of the catalog."""

from __future__ import annotations

from django.urls import path

from stages import views

app_name = "stages"

urlpatterns = [
    path("stages/", views.index, name="index"),
    path("stages/board/", views.board, name="board"),
    path("stages/resources/<int:pk>/", views.resource, name="resource"),
    path("stages/<str:key>/", views.stage, name="stage"),
    path("groups/<str:key>/", views.group, name="group"),
    path("sections/<str:key>/", views.section, name="section"),
    path("categories/<str:key>/", views.category, name="category"),
]
