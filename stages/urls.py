"""Pages of the catalog."""

from __future__ import annotations

from django.urls import path

from stages import views
from stages.pages import (
    deciding,
    editor,
    facts,
    history,
    importing,
    keeping,
    links,
    own_texts,
    people,
    reading,
    restructure,
)

app_name = "stages"

urlpatterns = [
    path("stages/", views.index, name="index"),
    path("stages/board/", views.board, name="board"),
    path("stages/crash-course/", reading.crash_course, name="crash-course"),
    path("stages/compare/", reading.compare, name="compare"),
    path("stages/links/", links.links, name="links"),
    path("stages/links/check/", links.check_now, name="check-links"),
    path("stages/import/", importing.import_handbook, name="import"),
    path("stages/import/structure/", importing.import_structure, name="import-structure"),
    path("stages/import/runs/<int:pk>/", importing.run, name="import-run"),
    path("stages/structure/<str:name>.yml", importing.export_file, name="structure-file"),
    path("stages/import/pull/", importing.pull_now, name="pull-now"),
    path("stages/disputes/<int:pk>/", deciding.dispute, name="dispute"),
    path("stages/export/<str:form>/", reading.export, name="export-all"),
    path("stages/starting-points/", own_texts.starting_points, name="starting-points"),
    path("stages/texts/", own_texts.texts, name="texts"),
    path("stages/texts/new/", own_texts.text, name="new-text"),
    path("stages/texts/<int:pk>/", own_texts.text, name="text"),
    path("stages/resources/<int:pk>/", views.resource, name="resource"),
    path("stages/suggestions/<int:pk>/", history.suggestion, name="suggestion"),
    path("stages/conflicts/<int:pk>/", deciding.conflict, name="conflict"),
    path("stages/new/<str:kind>/", restructure.new, name="new"),
    path("stages/planned/<int:pk>/", restructure.planned, name="planned"),
    path("stages/changes/<int:pk>/undo/", restructure.undo_change, name="undo-change"),
    path("stages/<str:key>/", views.stage, name="stage"),
    path("stages/<str:key>/edit/<str:kind>/", editor.edit, name="edit"),
    path("stages/<str:key>/block/<str:kind>/", editor.block, name="block"),
    path("stages/<str:key>/tool/<str:kind>/", editor.tool, name="tool"),
    path("stages/<str:key>/keep/<str:kind>/", keeping.keep, name="keep"),
    path("stages/<str:key>/follow/", editor.follow, name="follow"),
    path("stages/<str:key>/history/", history.history, name="history"),
    path("stages/<str:key>/suggestions/", history.suggestions, name="suggestions"),
    path("stages/<str:key>/export/<str:form>/", reading.export, name="export"),
    path("groups/", views.to_index),
    path("sections/", views.to_index),
    path("categories/", views.to_index),
    path("groups/<str:key>/", views.group, name="group"),
    path("sections/<str:key>/", views.section, name="section"),
    path("categories/<str:key>/", views.category, name="category"),
]
for kind, plural in restructure.PLURALS.items():
    here, said = f"{plural}/<str:key>", {"kind": kind}
    urlpatterns += [
        path(f"{here}/facts/", facts.facts, said, name=f"{kind}-facts"),
        path(f"{here}/facts/history/", history.facts_history, said, name=f"{kind}-facts-history"),
        path(f"{here}/people/", people.people, said, name=f"{kind}-people"),
        path(f"{here}/restructure/", restructure.restructure, said, name=f"{kind}-restructure"),
    ]
