"""What may differ between places, read from the environment once; each name begins with ``TELEMETRY_``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.core.exceptions import ImproperlyConfigured

from portal.settings import env

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Options:
    """The settings of this plugin. Read them as ``conf.options.name``, so that a test may put others in place."""

    anonymous: bool = True
    keyed_anonymous: str = "unverified"
    max_body: int = 8 * MEGABYTE
    max_batch: int = 64 * MEGABYTE
    max_lines: int = 10_000
    address: str = "truncated"
    forwarded: bool = False
    cut_personal: bool = True
    count_version_checks: bool = True
    rate_address: int = 120_000
    rate_installation: int = 600
    rate_key: int = 120_000
    rate_version_check: int = 120_000
    key_overlap: timedelta = timedelta(days=14)
    silent_after: timedelta = timedelta(days=14)
    keep_bodies: timedelta = timedelta(days=5 * 366)
    keep_rejected: timedelta = timedelta(days=90)
    keep_reports: timedelta = timedelta(days=90)
    keep_uploads: timedelta = timedelta(days=7)
    keep_answers: timedelta = timedelta(days=7)
    keep_addresses: timedelta = timedelta(days=30)

    @classmethod
    def from_environment(cls) -> Options:
        """The settings as this process was started with; a wrong one fails with its variable's name."""
        default = cls()

        def days(name: str, kept: timedelta) -> timedelta:
            return timedelta(days=env.integer(name, kept.days, least=1))

        return cls(
            anonymous=env.flag("TELEMETRY_ANONYMOUS", default.anonymous),
            keyed_anonymous=_one_of("TELEMETRY_KEYED_ANONYMOUS", default.keyed_anonymous, ("unverified", "refuse")),
            max_body=env.integer("TELEMETRY_MAX_BODY", default.max_body, least=1024),
            max_batch=env.integer("TELEMETRY_MAX_BATCH", default.max_batch, least=1024),
            max_lines=env.integer("TELEMETRY_MAX_LINES", default.max_lines, least=1),
            address=_one_of("TELEMETRY_ADDRESS", default.address, ("truncated", "none", "full")),
            forwarded=env.flag("TELEMETRY_TRUST_FORWARDED_FOR", default.forwarded),
            cut_personal=env.flag("TELEMETRY_CUT_PERSONAL", default.cut_personal),
            count_version_checks=env.flag("TELEMETRY_COUNT_VERSION_CHECKS", default.count_version_checks),
            rate_address=env.integer("TELEMETRY_RATE_ADDRESS", default.rate_address, least=0),
            rate_installation=env.integer("TELEMETRY_RATE_INSTALLATION", default.rate_installation, least=0),
            rate_key=env.integer("TELEMETRY_RATE_KEY", default.rate_key, least=0),
            rate_version_check=env.integer("TELEMETRY_RATE_VERSION_CHECK", default.rate_version_check, least=0),
            key_overlap=days("TELEMETRY_KEY_OVERLAP_DAYS", default.key_overlap),
            silent_after=days("TELEMETRY_SILENT_AFTER_DAYS", default.silent_after),
            keep_bodies=days("TELEMETRY_KEEP_BODIES_DAYS", default.keep_bodies),
            keep_rejected=days("TELEMETRY_KEEP_REJECTED_DAYS", default.keep_rejected),
            keep_reports=days("TELEMETRY_KEEP_REPORTS_DAYS", default.keep_reports),
            keep_uploads=days("TELEMETRY_KEEP_UPLOADS_DAYS", default.keep_uploads),
            keep_answers=days("TELEMETRY_KEEP_ANSWERS_DAYS", default.keep_answers),
            keep_addresses=days("TELEMETRY_KEEP_ADDRESSES_DAYS", default.keep_addresses),
        )


def _one_of(name: str, default: str, words: tuple[str, ...]) -> str:
    value = env.text(name, default).strip().lower()
    if value not in words:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(words)}; it is {value!r}.")
    return value


options = Options.from_environment()
