"""What telemetry keeps: pings as they came, what was made of them, and who may send them."""

from telemetry.models.keys import IdempotentAnswer, IngestKey, KeyHolder, Organisation, SigningKey
from telemetry.models.pings import IssueCount, Ping, RawBody, Reread, Sender, UnknownKey, UnknownKeySet
from telemetry.models.privacy import PrivacyRecord
from telemetry.models.reports import ErrorReport, MetadataReport, MetricTiming
from telemetry.models.runs import Backfill, RereadRun
from telemetry.models.trust import PlausibilityRule, Quantile, Review
from telemetry.models.uploads import Upload, UploadItem
from telemetry.models.versions import Release, VersionCheck

__all__ = [
    "Backfill",
    "ErrorReport",
    "IdempotentAnswer",
    "IngestKey",
    "IssueCount",
    "KeyHolder",
    "MetadataReport",
    "MetricTiming",
    "Organisation",
    "Ping",
    "PlausibilityRule",
    "PrivacyRecord",
    "Quantile",
    "RawBody",
    "Release",
    "Reread",
    "RereadRun",
    "Review",
    "Sender",
    "SigningKey",
    "UnknownKey",
    "UnknownKeySet",
    "Upload",
    "UploadItem",
    "VersionCheck",
]
