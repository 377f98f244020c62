"""The catalog in the admin: to look at and to repair. Everyday editing is done on the stage's page."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from portal.admin import Admin, LookAdmin
from portal.permissions import has_role
from portal.roles import Role
from stages.contacts import remove_contact
from stages.models import (
    Block,
    BlockRevision,
    Category,
    Contact,
    Group,
    ImportConflict,
    ImportRun,
    LinkCheck,
    PageText,
    Placement,
    Resource,
    Section,
    Stage,
    StartingPoint,
    Succession,
    Suggestion,
)


class RepairAdmin(Admin):
    """Can be corrected; nothing is deleted, since history and links lead to it."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Things are retired, not deleted."""
        return False


@admin.register(Section, Stage, Group)
class StructuralAdmin(RepairAdmin):
    """Sections, stages, groups and categories."""

    list_display = ("name", "key", "in_structure", "retired_on")
    list_filter = ("in_structure",)
    search_fields = ("name", "key")
    readonly_fields = ("imported", "version")


@admin.register(Category)
class CategoryAdmin(RepairAdmin):
    """Categories; the maturity is changed on the category's page, where lowering it asks for a reason."""

    list_display = ("name", "key", "maturity", "in_structure", "retired_on")
    list_filter = ("in_structure", "maturity")
    search_fields = ("name", "key")
    readonly_fields = ("imported", "version", "maturity", "maturity_reason")


@admin.register(Resource)
class ResourceAdmin(RepairAdmin):
    """Shared resources: owner, access, official badge."""

    list_display = ("label", "kind", "url", "official", "owner_name")
    list_filter = ("kind", "official", "access")
    search_fields = ("label", "url")


@admin.register(StartingPoint)
class StartingPointAdmin(RepairAdmin):
    """Helpful places to start."""

    list_display = ("label", "url", "order")
    readonly_fields = ("imported",)


@admin.register(PageText)
class PageTextAdmin(RepairAdmin):
    """Texts of the handbook page outside its stages."""

    list_display = ("__str__", "place", "section", "order")
    list_select_related = ("section",)
    readonly_fields = ("imported",)


@admin.register(Contact)
class ContactAdmin(LookAdmin):
    """People of the structure files."""

    list_display = ("name", "removed_on")
    search_fields = ("name",)
    actions = ("remove_on_request",)

    @admin.action(description="Remove on request: forget the name for good", permissions=["view"])
    def remove_on_request(self, request: HttpRequest, chosen: QuerySet[Contact]) -> None:
        """Forget the names; later imports do not bring them back."""
        if not has_role(request.user, Role.ADMINISTRATOR):
            self.message_user(request, "Only administrators remove people.", messages.ERROR)
            return
        for contact in chosen:
            remove_contact(contact=contact, on=timezone.now().date())
        self.message_user(request, "Removed. A later import does not bring the names back.", messages.SUCCESS)


@admin.register(Block)
class BlockAdmin(LookAdmin):
    """Blocks of the stage pages."""

    list_display = ("stage", "kind", "heading", "version", "updated_at")
    list_filter = ("kind",)
    list_select_related = ("stage",)


@admin.register(Placement, BlockRevision, ImportRun, ImportConflict, LinkCheck, Suggestion, Succession)
class RecordAdmin(LookAdmin):
    """Records of what happened."""
