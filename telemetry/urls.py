"""The URLs of telemetry's pages; the senders' endpoints stand in ``wire_urls``."""

from __future__ import annotations

from django.urls import path

from telemetry.pages import holders, ingest, keys, pings, privacy, quarantine, uploads, versions

app_name = "telemetry"

urlpatterns = [
    path("usage_data/new", uploads.upload, name="upload"),
    path("telemetry/", ingest.index, name="ingest"),
    path("telemetry/uploads/<int:upload_id>/", uploads.preview, name="upload-preview"),
    path("telemetry/uploads/<int:upload_id>/store/", uploads.store, name="upload-store"),
    path("telemetry/pings/", pings.index, name="pings"),
    path("telemetry/pings/decide/", pings.decide, name="decide"),
    path("telemetry/pings/retry/", pings.retry, name="retry"),
    path("telemetry/pings/reread/", pings.reread_many, name="reread-many"),
    path("telemetry/pings/<int:ping_id>/", pings.detail, name="ping"),
    path("telemetry/pings/<int:ping_id>/raw/", pings.raw, name="ping-raw"),
    path("telemetry/pings/<int:ping_id>/reread/", pings.reread, name="reread"),
    path("telemetry/quarantine/", quarantine.index, name="quarantine"),
    path("telemetry/quarantine/decisions/", quarantine.decisions, name="decisions"),
    path("telemetry/rules/", quarantine.rules, name="rules"),
    path("telemetry/unknown/", ingest.unknown, name="unknown"),
    path("telemetry/unknown/<int:key_id>/", ingest.unknown_key, name="unknown-key"),
    path("telemetry/unknown/<int:key_id>/define/", ingest.define, name="define"),
    path("telemetry/unknown/<int:key_id>/ignore/", ingest.ignore, name="ignore"),
    path("telemetry/issues/", ingest.issues, name="issues"),
    path("telemetry/costs/", ingest.costs, name="costs"),
    path("telemetry/costs/retry/", ingest.retry_costs, name="costs-retry"),
    path("telemetry/metadata/", ingest.metadata_reports, name="metadata-reports"),
    path("telemetry/metadata/<int:report_id>/", ingest.metadata_report, name="metadata-report"),
    path("telemetry/errors/", ingest.errors, name="errors"),
    path("telemetry/versions/", versions.index, name="versions"),
    path("telemetry/keys/", keys.index, name="keys"),
    path("telemetry/keys/<int:key_id>/rotate/", keys.rotate, name="key-rotate"),
    path("telemetry/keys/<int:key_id>/revoke/", keys.revoke, name="key-revoke"),
    path("telemetry/organisations/", holders.organisations, name="organisations"),
    path("telemetry/organisations/<int:organisation_id>/", holders.organisation, name="organisation"),
    path("telemetry/holders/<int:holder_id>/let-go/", holders.let_go, name="let-go"),
    path("telemetry/signing-keys/", holders.signing_keys, name="signing-keys"),
    path("telemetry/signing-keys/<int:key_id>/revoke/", holders.revoke_signing, name="signing-key-revoke"),
    path("telemetry/privacy/", privacy.index, name="privacy"),
    path("telemetry/privacy/export/", privacy.export, name="privacy-export"),
    path("telemetry/collected/", ingest.collected, name="collected"),
]
