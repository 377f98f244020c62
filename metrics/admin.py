"""The metrics in the admin: to look at, with links to the pages where things are changed with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html

from metrics.models import EventDefinition, IndicatorMapping, MetricDefinition, ProposedChange

# Django's own class takes no type arguments when it runs.
if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = admin.ModelAdmin


class ReadOnlyAdmin(_Admin):
    """Lists and looks, changes nothing: rules of the domain live in verbs that the pages use."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nothing is added here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is changed here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is deleted here."""
        return False


@admin.register(MetricDefinition)
class MetricDefinitionAdmin(ReadOnlyAdmin):
    """Definitions, each with a link to its page in the dictionary."""

    list_display = ("key_path", "status", "time_frame", "value_type", "product_group", "group", "version", "page")
    list_filter = ("status", "time_frame", "value_type", "data_category")
    list_select_related = ("group",)
    search_fields = ("key_path", "name", "description")
    exclude = ("raw_text",)

    @admin.display(description="page")
    def page(self, definition: MetricDefinition) -> str:
        """Where its history, mapping and figures stand."""
        return format_html('<a href="{}">Dictionary</a>', definition.get_absolute_url())


@admin.register(IndicatorMapping)
class IndicatorMappingAdmin(ReadOnlyAdmin):
    """Which metric stands for which figure."""

    list_display = (
        "kind",
        "subject_kind",
        "subject_key",
        "product_group",
        "metric",
        "from_month",
        "to_month",
        "source",
    )
    list_filter = ("kind", "subject_kind", "source")
    list_select_related = ("metric",)
    search_fields = ("subject_key", "metric__key_path", "product_group")


@admin.register(EventDefinition)
class EventDefinitionAdmin(ReadOnlyAdmin):
    """Events that metrics count."""

    list_display = ("action", "category", "product_group", "internal_events")
    search_fields = ("action", "description")


@admin.register(ProposedChange)
class ProposedChangeAdmin(ReadOnlyAdmin):
    """Proposals and their decisions."""

    list_display = ("definition", "state", "proposed_by", "proposed_at", "decided_by", "decided_at")
    list_filter = ("state",)
    list_select_related = ("definition", "proposed_by", "decided_by")
