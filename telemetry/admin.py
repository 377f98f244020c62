"""Telemetry in the admin: pings to look at; rules, releases, organisations and signing keys to edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html

from telemetry import models, versions

# Django's own class takes no type arguments when it runs.
if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = admin.ModelAdmin


class LookAdmin(_Admin):
    """Lists and looks, changes nothing: what has a rule is done on the pages."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nothing is added here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is changed here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is deleted here."""
        return False


@admin.register(models.Ping)
class PingAdmin(LookAdmin):
    """Pings, each with a link to its page."""

    list_display = ("id", "hostname", "recorded_at", "received_at", "channel", "state", "version", "page")
    list_filter = ("state", "channel", "proof")
    search_fields = ("hostname", "uuid")
    exclude = ("sha256",)
    readonly_fields = ("sha256_hex",)

    @admin.display(description="page")
    def page(self, ping: models.Ping) -> str:
        """What came, what was made of it, what it changed."""
        return format_html('<a href="{}">Ping page</a>', ping.get_absolute_url())


@admin.register(models.RawBody)
class RawBodyAdmin(LookAdmin):
    """Which raw bodies are there; the bytes are shown on the ping's page."""

    list_display = ("ping_id", "recorded_at")
    exclude = ("body",)


@admin.register(models.Sender)
class SenderAdmin(LookAdmin):
    """What is remembered of installations."""

    list_display = ("hostname", "uuid", "pings", "last_at", "version", "back_at")
    search_fields = ("hostname", "uuid")


@admin.register(models.UnknownKey)
class UnknownKeyAdmin(LookAdmin):
    """Keys without a definition."""

    list_display = ("key_path", "value_kind", "pings", "last_seen_at", "state")
    list_filter = ("state", "value_kind")
    search_fields = ("key_path",)


@admin.register(models.IngestKey)
class IngestKeyAdmin(LookAdmin):
    """Ingest keys; they are made, rotated and revoked on their page."""

    list_display = ("label", "prefix", "scope", "created_at", "expires_at", "revoked_at", "last_used_at")
    exclude = ("digest",)


@admin.register(models.Review)
class ReviewAdmin(LookAdmin):
    """Decisions of reviewers."""

    list_display = ("ping", "decision", "by", "at", "reason")
    list_filter = ("decision",)
    raw_id_fields = ("ping",)


@admin.register(models.PrivacyRecord)
class PrivacyRecordAdmin(LookAdmin):
    """What was handed out and erased."""

    list_display = ("at", "kind", "by", "by_key", "pings")


@admin.register(models.MetricTiming)
class MetricTimingAdmin(LookAdmin):
    """What metrics cost."""

    list_display = ("key_path", "samples", "mean", "slowest", "errors")
    search_fields = ("key_path",)


@admin.register(models.ErrorReport)
class ErrorReportAdmin(LookAdmin):
    """What senders could not do."""

    list_display = ("hostname", "version", "received_at", "message")
    search_fields = ("hostname", "message")


@admin.register(models.Backfill)
class BackfillAdmin(LookAdmin):
    """How far filling back has come."""

    list_display = ("id", "state", "created_at", "looked_at", "filled", "failed", "cause")


@admin.register(models.RereadRun)
class RereadRunAdmin(LookAdmin):
    """How far reading again has come."""

    list_display = ("id", "scope", "state", "created_at", "looked_at", "changed", "failed", "cause")


@admin.register(models.PlausibilityRule)
class PlausibilityRuleAdmin(_Admin):
    """The rules of quarantine, as data."""

    list_display = ("code", "kind", "action", "metrics", "parameters", "order")
    list_filter = ("action",)


@admin.register(models.Release)
class ReleaseAdmin(_Admin):
    """Released versions."""

    list_display = ("version", "released_on", "supported_until", "security", "vulnerable", "critical_vulnerability")
    list_filter = ("security", "vulnerable")
    search_fields = ("version",)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save, and let this process answer with it at once."""
        super().save_model(request, obj, form, change)
        versions.forget()


@admin.register(models.Organisation)
class OrganisationAdmin(_Admin):
    """Who runs several installations."""

    list_display = ("name", "created_at")
    search_fields = ("name",)


@admin.register(models.SigningKey)
class SigningKeyAdmin(_Admin):
    """Public keys of those who sign bundles."""

    list_display = ("label", "public_key", "hostname", "created_at", "revoked_at")
