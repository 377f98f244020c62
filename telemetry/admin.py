"""Telemetry in the admin: pings to look at; rules, releases, organisations and signing keys to edit."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html

from portal.admin import Admin, LookAdmin
from telemetry import models, versions


class RecordAdmin(LookAdmin):
    """Only to look at, without counting rows of which there are millions."""

    show_full_result_count = False


@admin.register(models.Ping)
class PingAdmin(RecordAdmin):
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
class RawBodyAdmin(RecordAdmin):
    """Which raw bodies are there; the bytes are shown on the ping's page."""

    list_display = ("ping_id", "recorded_at")
    exclude = ("body",)


@admin.register(models.Sender)
class SenderAdmin(RecordAdmin):
    """What is remembered of installations."""

    list_display = ("hostname", "uuid", "pings", "last_at", "version", "back_at")
    search_fields = ("hostname", "uuid")


@admin.register(models.UnknownKey)
class UnknownKeyAdmin(RecordAdmin):
    """Keys without a definition."""

    list_display = ("key_path", "value_kind", "pings", "last_seen_at", "state")
    list_filter = ("state", "value_kind")
    search_fields = ("key_path",)


@admin.register(models.IngestKey)
class IngestKeyAdmin(RecordAdmin):
    """Ingest keys; they are made, rotated and revoked on their page."""

    list_display = ("label", "prefix", "scope", "created_at", "expires_at", "revoked_at", "last_used_at")
    exclude = ("digest",)


@admin.register(models.Review)
class ReviewAdmin(RecordAdmin):
    """Decisions of reviewers."""

    list_display = ("ping", "decision", "by", "at", "reason")
    list_filter = ("decision",)
    raw_id_fields = ("ping",)


@admin.register(models.PrivacyRecord)
class PrivacyRecordAdmin(RecordAdmin):
    """What was handed out and erased."""

    list_display = ("at", "kind", "by", "by_key", "pings")


@admin.register(models.MetricTiming)
class MetricTimingAdmin(RecordAdmin):
    """What metrics cost."""

    list_display = ("key_path", "samples", "mean", "slowest", "errors")
    search_fields = ("key_path",)


@admin.register(models.ErrorReport)
class ErrorReportAdmin(RecordAdmin):
    """What senders could not do."""

    list_display = ("hostname", "version", "received_at", "message")
    search_fields = ("hostname", "message")


@admin.register(models.Backfill)
class BackfillAdmin(RecordAdmin):
    """How far filling back has come."""

    list_display = ("id", "state", "created_at", "looked_at", "filled", "failed", "cause")


@admin.register(models.RereadRun)
class RereadRunAdmin(RecordAdmin):
    """How far reading again has come."""

    list_display = ("id", "scope", "state", "created_at", "looked_at", "changed", "failed", "cause")


@admin.register(models.PlausibilityRule)
class PlausibilityRuleAdmin(Admin):
    """The rules of quarantine, as data."""

    list_display = ("code", "kind", "action", "metrics", "parameters", "order")
    list_filter = ("action",)


@admin.register(models.Release)
class ReleaseAdmin(Admin):
    """Released versions."""

    list_display = ("version", "released_on", "supported_until", "security", "vulnerable", "critical_vulnerability")
    list_filter = ("security", "vulnerable")
    search_fields = ("version",)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save, and let this process answer with it at once."""
        super().save_model(request, obj, form, change)
        versions.forget()


@admin.register(models.Organisation)
class OrganisationAdmin(Admin):
    """Who runs several installations."""

    list_display = ("name", "created_at")
    search_fields = ("name",)


@admin.register(models.SigningKey)
class SigningKeyAdmin(Admin):
    """Public keys of those who sign bundles."""

    list_display = ("label", "public_key", "hostname", "created_at", "revoked_at")
