"""Version check: is a version current, and how fast does the population move. Pure; rows come in as values."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from telemetry.judging import version_of

Number = tuple[int, int, int]
LONGEST_INFO = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """A release as the check needs it."""

    version: str
    number: Number
    released_on: date
    supported_until: date | None = None
    security: bool = False
    vulnerable: bool = False
    critical: bool = False
    details: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an instance is told. ``severity``: success, warning, danger; empty where nothing can be said."""

    severity: str = ""
    latest_version: str = ""
    latest_stable_versions: tuple[str, ...] = ()
    latest_stable_version_of_minor: str = ""
    critical_vulnerability: bool = False
    details: str = ""

    def as_json(self) -> dict[str, Any]:
        """The fields that clients know."""
        return {
            "latest_version": self.latest_version,
            "severity": self.severity or None,
            "latest_stable_versions": list(self.latest_stable_versions),
            "latest_stable_version_of_minor": self.latest_stable_version_of_minor,
            "critical_vulnerability": self.critical_vulnerability,
            "details": self.details,
        }


WORDS = {"success": "up-to-date", "warning": "update available", "danger": "update ASAP", "": "unknown version"}


def version_in(info: str) -> str:
    """The version inside ``gitlab_info``: URL-safe Base64 of ``{"version": …}``. Empty for anything else."""
    if not info or len(info) > LONGEST_INFO:
        return ""
    text = info.strip().replace(" ", "+").replace("+", "-").replace("/", "_")
    try:
        decoded = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return ""
    version = decoded.get("version") if isinstance(decoded, dict) else None
    return version.strip() if isinstance(version, str) and len(version) <= 100 else ""


def check(version: str, releases: Iterable[Released]) -> Answer:
    """How current a version is.

    Update as soon as possible: it has a known hole, or a later release of its minor (or a later minor, where its own
    is no longer supported) mends one. Update available: there is a newer one. Otherwise up to date.
    """
    known = sorted(releases, key=lambda release: release.number)
    if not known:
        return Answer()
    newest = known[-1]
    minors: dict[tuple[int, int], Released] = {}
    for release in known:
        minors[release.number[:2]] = release
    stable = tuple(release.version for release in reversed(list(minors.values())[-3:]))
    number = version_of(version)
    if number is None:
        return Answer(latest_version=newest.version, latest_stable_versions=stable)
    own = next((release for release in known if release.number == number), None)
    of_minor = minors.get(number[:2])
    later = [release for release in known if release.number > number]
    # A security release mends what was before it: in the own minor, or anywhere where the minor has none.
    mended = [release for release in later if release.security and release.number[:2] == number[:2]]
    left_behind = of_minor is None and any(release.security for release in later)
    critical = bool(own and own.critical)
    if critical or (own and own.vulnerable) or mended or left_behind:
        severity = "danger"
    elif later:
        severity = "warning"
    else:
        severity = "success"
    return Answer(
        severity=severity,
        latest_version=newest.version,
        latest_stable_versions=stable,
        latest_stable_version_of_minor=of_minor.version if of_minor else "",
        critical_vulnerability=critical,
        details=own.details if own else "",
    )


COLOURS = {"success": "#17693f", "warning": "#7a4f00", "danger": "#a8231b", "": "#56606e"}


def badge_svg(severity: str) -> str:
    """The picture that old instances put on their pages."""
    words = WORDS.get(severity, WORDS[""])
    width = 16 + 7 * len(words)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{words}">'
        f'<rect width="{width}" height="20" rx="3" fill="{COLOURS.get(severity, COLOURS[""])}"/>'
        f'<text x="{width / 2}" y="14" fill="#fff" text-anchor="middle" font-family="sans-serif" font-size="12">'
        f"{words}</text></svg>"
    )
