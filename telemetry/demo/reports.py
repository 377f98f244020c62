"""What a report of the demo world says: its body in the form of the wire."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from telemetry.demo.catalogue import (
    BROKEN_PATH,
    BROKEN_SINCE,
    COUNTERS,
    OUTAGE_PATH,
    UNDEFINED,
    Counter,
    Kind,
    release_name,
    release_number,
)
from telemetry.demo.values import CE, Installation, season

EVERY: tuple[Counter, ...] = COUNTERS + UNDEFINED
_PATHS: dict[str, tuple[str, ...]] = {counter.path: tuple(counter.path.split(".")) for counter in EVERY}
_SUCCESS = ("usage_activity_by_stage_monthly", "check", "pipeline_success_rate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporting:
    """An installation at the moment of a report: ``days`` after the world began, on a release, in the outage or not."""

    installation: Installation
    recorded: datetime
    version: int
    days: int
    outage: bool

    @property
    def day(self) -> date:
        return self.recorded.date()

    @property
    def people(self) -> float:
        """How many work there by now."""
        grown: float = (1 + self.installation.growth) ** (max(self.days, 0) / 30.4)
        return self.installation.people * grown


def body_of(report: Reporting, chance: random.Random) -> dict[str, Any]:
    """The whole report."""
    installation, version, day, people = report.installation, report.version, report.day, report.people
    name = f"{release_name(version)}.{1 if version % 3 == 1 and day.day > 27 else 0}"
    enterprise = installation.edition != CE
    body: dict[str, Any] = {
        "uuid": installation.uuid,
        "hostname": installation.hostname,
        "version": f"{name}-pre" if installation.saas else f"{name}-ee" if enterprise else name,
        "installation_type": "quayside-helm" if installation.index % 3 == 0 else "quayside-package",
        "recorded_at": _stamp(report.recorded, version),
        "edition": installation.edition,
        "active_user_count": round(people * 1.31),
    }
    if enterprise:
        body["historical_max_users"] = round(people * 1.38)
    if installation.plan:
        body.update(_licence(installation, day))
    body["settings"] = _settings(report, enterprise=enterprise)
    body["database"] = {"adapter": "postgresql", "version": f"{13 + installation.index % 5}.{version % 9}"}
    if installation.optional_data:
        body["database"]["flavor"] = "managed" if installation.index % 2 else "own"
        body["storage"] = {
            "servers": max(1, round(people / 800)),
            "filesystems": ["EXT_2_3_4", "XFS"][: 1 + installation.index % 2],
        }
    _count(body, report, chance)
    return body


def _settings(report: Reporting, *, enterprise: bool) -> dict[str, Any]:
    installation = report.installation
    settings: dict[str, Any] = {}
    if installation.optional_data:
        settings = {"sign_up_enabled": not enterprise, "sso_enabled": bool(installation.plan)}
    if report.version >= release_number("8.1"):
        permitted = ["standard", "subscription", "operational"]
        settings["collected_data_categories"] = permitted + ["optional"] * installation.optional_data
    return settings


def _count(body: dict[str, Any], report: Reporting, chance: random.Random) -> None:
    installation, version = report.installation, report.version
    wobble = 1 + chance.uniform(-0.02, 0.02)
    active = report.people * season(report.day) * wobble
    for counter, adoption in zip(EVERY, installation.adoption, strict=True):
        if not _sends(installation, version, counter):
            continue
        if counter.kind is Kind.TOTAL:
            value = _total(counter, adoption, report)
        else:
            value = _people_or_events(counter, adoption, report, active, chance.random)
        _put(body, _PATHS[counter.path], value)
    if version >= release_number("8.7") and installation.optional_data:
        _put(body, _SUCCESS, round(0.72 + 0.2 * (installation.index % 10) / 10 + 0.04 * chance.random(), 4))
    if installation.index == 17:  # A customer's own reporting script formats its numbers for people.
        body["counts"]["packages"] = f"{body['counts'].get('packages', 1204):,}"
    if installation.index == 23:
        body["storage"] = None


def _sends(installation: Installation, version: int, counter: Counter) -> bool:
    """Whether the release knows the counter, and the installation's plan and consent let it be sent."""
    if not counter.since <= version < counter.until:
        return False
    if counter.optional and not installation.optional_data:
        return False
    if counter.paid_only and not installation.plan:
        return False
    return not counter.ultimate_only or installation.plan == "ultimate"


def _total(counter: Counter, adoption: float, report: Reporting) -> int:
    """A counter of all time, which begins anew with a reset."""
    installation, day, days = report.installation, report.day, report.days
    if counter.path == "counts.webhooks_sent_by_old_sender" and report.version >= release_number("8.6"):
        return -1000  # Deprecated before it was removed.
    rate = counter.share * adoption * installation.people
    if installation.reset_on and day >= installation.reset_on:
        return int(rate * (day - installation.reset_on).days)
    return int(rate * (700 + days + installation.growth * days * days / 60))


def _people_or_events(
    counter: Counter, adoption: float, report: Reporting, active: float, drawn: Callable[[], float]
) -> int:
    """A counter of some days; what could not be counted is one of the sender's sentinels."""
    large = report.installation.people > 1_800 and not report.installation.saas
    if counter.path == OUTAGE_PATH and report.outage:
        return -1
    if counter.path == BROKEN_PATH and report.version >= BROKEN_SINCE:
        return -2
    if counter.heavy and large and drawn() < 0.10:
        return -1
    months = report.days / 30.4
    amount = active * adoption * counter.share * (1 + counter.trend) ** months * (0.985 + 0.03 * drawn())
    if counter.kind is Kind.EVENTS_28D:
        amount *= 20
    elif counter.kind is Kind.EVENTS_7D:
        amount *= 5
    else:
        amount = min(amount, report.people)
    return int(amount + 0.5)


def _put(body: dict[str, Any], path: tuple[str, ...], value: object) -> None:
    node = body
    for key in path[:-1]:
        node = node.setdefault(key, {})
    node[path[-1]] = value


def _stamp(moment: datetime, version: int) -> str:
    """``recorded_at`` in the form that a release writes: there were three."""
    if version < release_number("8.0"):
        return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
    text = moment.isoformat(timespec="milliseconds")
    return text if version < release_number("8.9") else text.replace("+00:00", "Z")


def _licence(installation: Installation, day: date) -> dict[str, Any]:
    ends = installation.licence_ends or date(day.year + (1 if day.month >= 6 else 0), 6, 1)
    digest = hashlib.md5(installation.subscription.encode(), usedforsecurity=False).hexdigest()
    word = installation.account.split(" ", maxsplit=1)[0].lower()
    return {
        "license_md5": digest,
        "license_sha256": hashlib.sha256(installation.subscription.encode()).hexdigest(),
        "license_id": 4000 + installation.index,
        "license_subscription_id": installation.subscription,
        "license_plan": installation.plan,
        "license_trial": False,
        "license_trial_ends_on": None,
        "license_starts_at": date(ends.year - 1, ends.month, 1).isoformat(),
        "license_expires_at": ends.isoformat(),
        "license_user_count": installation.seats,
        "license_add_ons": {},
        "licensee": {
            "Name": f"Licence office of {installation.account}",
            "Email": f"licences@{word}.example",
            "Company": installation.account,
        },
    }
