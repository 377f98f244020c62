"""The rows that the triggers wrote of a model's past."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet


def events_of(model: type[Model]) -> QuerySet[Any]:
    """All events of a model that has ``@pghistory.track()``, of links between rows as well."""
    found: QuerySet[Any] = model.pgh_event_model._default_manager.all()  # type: ignore[attr-defined]  # ``track`` sets it
    return found
