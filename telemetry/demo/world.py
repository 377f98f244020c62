"""The demo world: some two hundred installations of an invented product, and every report they sent.

Pure and deterministic: the same month gives the same world, byte for byte. Believable trouble is part of it, because
a portal can only be judged by what it does with trouble: see the properties of ``World`` for each story.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import random
import uuid as uuids
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any

import orjson

from telemetry.demo.catalogue import (
    BROKEN_PATH,
    BROKEN_SINCE,
    COUNTERS,
    LATEST,
    OUTAGE_PATH,
    PAID_SAAS,
    UNDEFINED,
    Counter,
    Kind,
    release_name,
    release_number,
)
from telemetry.demo.names import FIRST, SECOND

SEED = "quayside"
MONTHS = 14
INSTALLATIONS = 226

_SEASON = {12: 0.87, 1: 0.97, 7: 0.95, 8: 0.92, 4: 0.98}
_FREE_EE, _CE = "EE Free", "CE"


def first_of_month(day: date, months: int = 0) -> date:
    """The first day of the month of ``day``, some months later or (negative) earlier."""
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def last_month(today: date) -> date:
    """The month before the one of ``today``: the newest of a demo world made today."""
    return first_of_month(today, -1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One installation and its habits."""

    index: int
    uuid: str
    hostname: str
    account: str
    edition: str
    plan: str = ""
    subscription: str = ""
    seats: int = 0
    people: float
    growth: float
    starts: date
    stops: date | None = None
    silent: tuple[date, ...] = ()
    """Months (first days) in which nothing is sent."""
    habit: str = "monthly"
    """How it upgrades: prompt, monthly, quarterly, yearly or never."""
    optional_data: bool = True
    licence_ends: date | None = None
    reset_on: date | None = None
    saas: bool = False
    air_gapped: bool = False
    adoption: tuple[float, ...] = field(default=(), repr=False)
    """For each counter of the catalogue, what this installation makes of its usual share."""

    @property
    def identity(self) -> tuple[str, str]:
        return self.uuid, self.hostname


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """A report on its way: ``body`` is what is sent, ``received_at`` when it arrives."""

    uuid: str
    hostname: str
    recorded_at: datetime
    received_at: datetime
    body: bytes = field(repr=False)
    duplicate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What an administrator says about an installation."""

    uuid: str
    hostname: str
    delivery: str = ""
    exclude: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A version that exists, for the version check and for what is believable."""

    version: str
    released_on: date
    supported_until: date
    security: bool = False
    """It mends a hole of an earlier release."""
    vulnerable: bool = False
    """It has a known hole itself."""
    critical: bool = False
    details: str = ""


@dataclass(frozen=True, kw_only=True)
class World:
    """The population of one world. ``month`` is its last whole month; everything else follows from it.

    Of the month after it only what was sent before ``until`` is there, as on any day of real life.
    """

    month: date
    months: int
    until: date
    installations: tuple[Installation, ...]
    subscriptions: tuple[tuple[str, ...], ...]
    labels: tuple[Label, ...]

    @property
    def first_day(self) -> date:
        return first_of_month(self.month, 1 - self.months)

    @property
    def end(self) -> date:
        """The first day after the last whole month."""
        return first_of_month(self.month, 1)

    @property
    def outage(self) -> tuple[date, date]:
        """First day, and first day after, of the two months in which Store's SMAU failed everywhere."""
        return first_of_month(self.month, -7), first_of_month(self.month, -5)

    @property
    def late_month(self) -> date:
        """The month for which a report arrives after it was published. Final whenever this world is made."""
        return first_of_month(self.month, -4)

    @cached_property
    def latecomer(self) -> Installation:
        """The large installation whose reports of ``late_month`` were held up."""
        return max(
            (i for i in self.installations if self.late_month in i.silent and not i.saas), key=lambda i: i.people
        )

    @cached_property
    def saas(self) -> Installation:
        """The one SaaS installation."""
        return next(i for i in self.installations if i.saas)

    @cached_property
    def clone(self) -> Installation | None:
        """A restored backup: another host name, the uuid of its original."""
        return next((i for i in self.installations if i.hostname.startswith("restore-test.")), None)

    @cached_property
    def releases(self) -> tuple[Release, ...]:
        """The release train: a minor on the 18th of each month, and patches that close holes."""
        made: list[Release] = []
        for number in range(release_number("7.6"), LATEST + 1):
            day = self._released_on(number)
            ends = first_of_month(day, 13 if number % 12 in (0, 6) else 4)
            name = release_name(number)
            holed, critical = number % 3 == 1, number % 9 == 1
            made.append(
                Release(
                    version=f"{name}.0",
                    released_on=day,
                    supported_until=ends,
                    vulnerable=holed,
                    critical=critical,
                    details=(
                        f"Attachments can be read without signing in; upgrade to {name}.1."
                        if critical
                        else f"Holes of medium weight are closed in {name}.1."
                        if holed
                        else ""
                    ),
                )
            )
            if holed:
                patched = day + timedelta(days=9)
                made.append(Release(version=f"{name}.1", released_on=patched, supported_until=ends, security=True))
        return tuple(made)

    def _released_on(self, number: int) -> date:
        return first_of_month(self.month, number - LATEST) + timedelta(days=17)

    def version_on(self, installation: Installation, day: date) -> int:
        """The release that an installation runs on a day, by its habit."""
        newest = LATEST - ((self.month.year - day.year) * 12 + self.month.month - day.month)
        if day.day < 18:
            newest -= 1
        newest = min(newest, LATEST)
        spread = installation.index % 4
        match installation.habit:
            case "saas":
                return newest
            case "prompt":
                return newest if day.day >= 18 + spread * 3 or day.day < 18 else newest - 1
            case "monthly":
                return newest - 1 - spread % 2
            case "quarterly":
                return (newest - 1 - spread) // 3 * 3
            case "yearly":
                return (newest - 2 - spread) // 6 * 6
            case _:
                return min(release_number("7.8") + installation.index % 7, newest)

    # --- what is sent

    def pings(self) -> Iterator[Ping]:
        """Every report of the world in the order of arrival, duplicates included; not the special ones below."""
        sent: list[tuple[datetime, int, Ping]] = []
        for installation in self.installations:
            if installation.air_gapped:
                continue
            for ping in self._sent_by(installation):
                if ping.received_at.date() >= self.until:
                    continue
                sent.append((ping.received_at, installation.index, ping))
        sent.sort(key=lambda each: each[:2])
        for _, _, ping in sent:
            yield ping

    def _sent_by(self, installation: Installation) -> Iterator[Ping]:
        chance = random.Random(f"{SEED}:{self.month}:{installation.uuid}:{installation.hostname}:sent")
        for moment in self.slots(installation):
            ping = self.ping(installation, moment, chance)
            fate = chance.random()
            if fate < 0.012:  # Held up by a proxy or a full outbox; lands weeks after its month.
                ping = replace(ping, received_at=ping.received_at + timedelta(days=chance.randint(9, 40)))
            yield ping
            if 0.012 <= fate < 0.020:  # The answer was lost: the same bytes once more.
                yield replace(ping, received_at=ping.received_at + timedelta(minutes=7), duplicate=True)
            elif 0.020 <= fate < 0.026:  # Tried again by the job: computed anew, some hours later.
                yield self.ping(installation, moment + timedelta(hours=8, minutes=chance.randint(0, 9)), chance)

    def slots(self, installation: Installation) -> Iterator[datetime]:
        """When an installation reports: weekly, at the weekday, hour and minute that follow from its uuid."""
        start = max(installation.starts, self.first_day)
        stop = min(installation.stops or self.until, self.until)
        weekday, hour, minute = slot_of(installation.uuid)
        day = start + timedelta(days=(weekday - start.isoweekday()) % 7)
        while day < stop:
            if first_of_month(day) not in installation.silent:
                yield datetime.combine(day, time(hour, minute), UTC)
            day += timedelta(days=7)

    def ping(self, installation: Installation, moment: datetime, chance: random.Random) -> Ping:
        """One report of an installation, computed at a moment."""
        recorded = moment + timedelta(milliseconds=chance.randrange(60_000))
        body = orjson.dumps(self.payload(installation, recorded, chance))
        return Ping(
            uuid=installation.uuid,
            hostname=installation.hostname,
            recorded_at=recorded,
            received_at=recorded + timedelta(seconds=chance.randint(3, 90)),
            body=body,
        )

    def payload(self, installation: Installation, recorded: datetime, chance: random.Random) -> dict[str, Any]:
        """The report's body in the form of the wire."""
        day = recorded.date()
        version = self.version_on(installation, day)
        name = f"{release_name(version)}.{1 if version % 3 == 1 and day.day > 27 else 0}"
        enterprise = installation.edition != _CE
        started = max((day - self.first_day).days, 0)
        people = installation.people * (1 + installation.growth) ** (started / 30.4)
        season = _SEASON.get(day.month, 1.0)
        body: dict[str, Any] = {
            "uuid": installation.uuid,
            "hostname": installation.hostname,
            "version": f"{name}-pre" if installation.saas else f"{name}-ee" if enterprise else name,
            "installation_type": "quayside-helm" if installation.index % 3 == 0 else "quayside-package",
            "recorded_at": _stamp(recorded, version),
            "edition": installation.edition,
            "active_user_count": round(people * 1.31),
        }
        if enterprise:
            body["historical_max_users"] = round(people * 1.38)
        if installation.plan:
            body.update(_licence(installation, day))
        settings: dict[str, Any] = {"sign_up_enabled": not enterprise, "sso_enabled": bool(installation.plan)}
        if version >= release_number("8.1"):
            permitted = ["standard", "subscription", "operational"]
            settings["collected_data_categories"] = permitted + ["optional"] * installation.optional_data
        if not installation.optional_data:
            settings.pop("sign_up_enabled")
            settings.pop("sso_enabled")
        body["settings"] = settings
        body["database"] = {"adapter": "postgresql", "version": f"{13 + installation.index % 5}.{version % 9}"}
        if installation.optional_data:
            body["database"]["flavor"] = "managed" if installation.index % 2 else "own"
            body["storage"] = {
                "servers": max(1, round(people / 800)),
                "filesystems": ["EXT_2_3_4", "XFS"][: 1 + installation.index % 2],
            }
        self._count(body, installation, version, day, people, season, chance)
        return body

    def _count(
        self,
        body: dict[str, Any],
        installation: Installation,
        version: int,
        day: date,
        people: float,
        season: float,
        chance: random.Random,
    ) -> None:
        days = (day - self.first_day).days
        months = days / 30.4
        since_reset = (
            (day - installation.reset_on).days if installation.reset_on and day >= installation.reset_on else None
        )
        wobble = 1 + chance.uniform(-0.02, 0.02)
        ultimate = installation.plan == "ultimate"
        large = installation.people > 1_800 and not installation.saas
        outage = self.outage[0] <= day < self.outage[1]
        drawn = chance.random
        active = people * season * wobble
        for counter, adoption in zip(_EVERY, installation.adoption, strict=True):
            if not counter.since <= version < counter.until:
                continue
            if counter.optional and not installation.optional_data:
                continue
            if (counter.paid_only and not installation.plan) or (counter.ultimate_only and not ultimate):
                continue
            kind = counter.kind
            value: int
            if kind is Kind.TOTAL:
                rate = counter.share * adoption * installation.people
                if counter.path == "counts.webhooks_sent_by_old_sender" and version >= release_number("8.6"):
                    value = -1000  # Deprecated before it was removed.
                elif since_reset is not None:
                    value = int(rate * since_reset)
                else:
                    value = int(rate * (700 + days + installation.growth * days * days / 60))
            elif counter.path == OUTAGE_PATH and outage:
                value = -1
            elif counter.path == BROKEN_PATH and version >= BROKEN_SINCE:
                value = -2
            elif counter.heavy and large and drawn() < 0.10:
                value = -1
            else:
                amount = active * adoption * counter.share * (1 + counter.trend) ** months * (0.985 + 0.03 * drawn())
                if kind is Kind.EVENTS_28D:
                    amount *= 20
                elif kind is Kind.EVENTS_7D:
                    amount *= 5
                else:
                    amount = min(amount, people)
                value = int(amount + 0.5)
            _put(body, _PATHS[counter.path], value)
        if version >= release_number("8.7") and installation.optional_data:
            _put(body, _SUCCESS, round(0.72 + 0.2 * (installation.index % 10) / 10 + 0.04 * drawn(), 4))
        if installation.index == 17:  # A customer's own reporting script formats its numbers for people.
            body["counts"]["packages"] = f"{body['counts'].get('packages', 1204):,}"
        if installation.index == 23:
            body["storage"] = None

    # --- the special ones

    def offline_bundle(self) -> bytes:
        """The last ten weeks of an air-gapped installation, as it would be carried over by hand: gzip of NDJSON."""
        installation = next(i for i in self.installations if i.air_gapped)
        chance = random.Random(f"{SEED}:{self.month}:bundle")
        lines = [self.ping(installation, moment, chance).body for moment in self.slots(installation)][-10:]
        return gzip.compress(b"\n".join(lines) + b"\n", mtime=0)

    def spoofed(self) -> Ping:
        """A report that nobody should believe: a billion people on a release that never was."""
        victim = next(i for i in self.installations if i.plan and not i.air_gapped and not i.stops)
        chance = random.Random(f"{SEED}:{self.month}:spoofed")
        moment = datetime.combine(self.end - timedelta(days=1), time(23, 13), UTC)
        body = self.payload(victim, moment, chance)
        body["version"] = "99.1.0-ee"
        body["active_user_count"] = 1_000_000_000
        for stage in body["usage_activity_by_stage_monthly"].values():
            for key in stage:
                stage[key] = 999_999_999
        return Ping(
            uuid=victim.uuid,
            hostname=victim.hostname,
            recorded_at=moment,
            received_at=moment + timedelta(minutes=1),
            body=orjson.dumps(body),
        )

    def late_report(self) -> Ping:
        """The latecomer's last report of ``late_month``, arriving when that month is long published."""
        chance = random.Random(f"{SEED}:{self.month}:late")
        weekday, hour, minute = slot_of(self.latecomer.uuid)
        day = first_of_month(self.late_month, 1) - timedelta(days=1)
        while day.isoweekday() % 7 != weekday % 7:
            day -= timedelta(days=1)
        ping = self.ping(self.latecomer, datetime.combine(day, time(hour, minute), UTC), chance)
        return replace(ping, received_at=datetime.combine(self.end, time(9, 30), UTC))

    def metadata(self) -> Iterator[dict[str, Any]]:
        """What some newer installations say about how long each metric took."""
        for installation in self.installations[:40:3]:
            if installation.air_gapped or installation.stops:
                continue
            chance = random.Random(f"{SEED}:{self.month}:{installation.uuid}:metadata")
            metrics: list[dict[str, Any]] = []
            for counter in COUNTERS:
                if counter.kind is Kind.TOTAL or counter.heavy:
                    elapsed = math.exp(chance.gauss(-3.0 + math.log(installation.people + 2) / 3, 0.8))
                else:
                    elapsed = chance.uniform(1e-5, 8e-3)
                metric: dict[str, Any] = {"name": counter.path, "time_elapsed": elapsed}
                if elapsed > 12 or (counter.path == BROKEN_PATH and chance.random() < 0.5):
                    metric["error"] = "Timeout: canceling statement due to statement timeout"
                metrics.append(metric)
            yield {"metadata": {"uuid": installation.uuid, "metrics": metrics}}

    def errors(self) -> Iterator[dict[str, Any]]:
        """Reports of installations whose ping failed as a whole."""
        for installation in self.installations[60:68:2]:
            chance = random.Random(f"{SEED}:{self.month}:{installation.uuid}:error")
            when = datetime.combine(self.end - timedelta(days=chance.randint(2, 20)), time(4, 12), UTC)
            yield {
                "error": {
                    "time": when.isoformat(),
                    "uuid": installation.uuid,
                    "hostname": installation.hostname,
                    "version": release_name(self.version_on(installation, when.date())) + ".0",
                    "message": "ActiveQuery::Timeout: the query over counts.findings was stopped after 3600 s",
                    "elapsed": round(chance.uniform(10, 4000), 1),
                }
            }

    # --- the files beside the pings

    def subscriptions_csv(self) -> str:
        """The list of subscriptions as accounting would export it."""
        lines = ["subscription_id,account,plan,seats,starts_on,ends_on,delivery"]
        lines += [",".join(row) for row in self.subscriptions]
        return "\n".join(lines) + "\n"

    def readings_csv(self) -> str:
        """Weekly counts of paying people on SaaS, which no ping can tell apart."""
        chance = random.Random(f"{SEED}:{self.month}:readings")
        lines = ["uuid,hostname,recorded_at,metric,population,value"]
        shares = {counter.path: counter for counter in COUNTERS}
        for moment in self.slots(self.saas):
            months = (moment.date() - self.first_day).days / 30.4
            people = self.saas.people * (1 + self.saas.growth) ** months * _SEASON.get(moment.month, 1.0)
            for path, paid in PAID_SAAS:
                share = shares[path].share * (1 + shares[path].trend) ** months
                value = round(people * share * (paid + 0.002 * months) * (0.99 + 0.02 * chance.random()))
                stamp = (moment + timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
                lines.append(f"{self.saas.uuid},{self.saas.hostname},{stamp},{path},paid,{value}")
        return "\n".join(lines) + "\n"


_EVERY: tuple[Counter, ...] = COUNTERS + UNDEFINED
_PATHS: dict[str, tuple[str, ...]] = {counter.path: tuple(counter.path.split(".")) for counter in _EVERY}
_SUCCESS = ("usage_activity_by_stage_monthly", "check", "pipeline_success_rate")


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


def slot_of(uuid: str) -> tuple[int, int, int]:
    """Weekday (0 is Sunday), hour and minute at which an installation reports, by the rule of the wire."""

    def number(text: str) -> int:
        return int(hashlib.sha256(text.encode()).hexdigest(), 16)

    return number(uuid) % 7, number(uuid + "hour") % 24, number(uuid + "minute") % 60


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


def make_world(
    month: date, *, until: date | None = None, installations: int = INSTALLATIONS, months: int = MONTHS
) -> World:
    """The demo world whose last whole month is ``month``; smaller ones for tests."""
    month = first_of_month(month)
    first_day = first_of_month(month, 1 - months)
    chance = random.Random(f"{SEED}:{installations}:{months}")
    names = [f"{first} {second}" for first in FIRST for second in SECOND]
    chance.shuffle(names)
    people: list[Installation] = [_saas(chance, first_day)]
    rows: list[tuple[str, ...]] = []
    for index in range(1, installations):
        installation = _self_managed(chance, index, names[index], month, months)
        people.append(installation)
        if installation.subscription and index % 37 != 5:  # One in 37 is on no list of ours.
            rows.append(
                _subscription(
                    installation.subscription,
                    installation.account,
                    installation.plan,
                    installation.seats,
                    first_day,
                    chance,
                )
            )
    rows += _silent_subscriptions(chance, names[installations:], first_day, len(rows) // 3)
    labels = [
        Label(uuid=people[0].uuid, hostname=people[0].hostname, delivery="saas"),
    ]
    staging = replace(
        people[0],
        index=installations,
        hostname="staging.quayside.example",
        people=240.0,
        saas=False,
        plan="",
        growth=0.0,
    )
    people.append(staging)
    labels.append(Label(uuid=staging.uuid, hostname=staging.hostname, exclude="Staging of the SaaS installation"))
    original = next((i for i in people[1:] if i.plan and i.people > 60 and not i.stops and not i.silent), None)
    if original and months > 6:
        people.append(
            replace(
                original,
                index=installations + 1,
                hostname=f"restore-test.{original.hostname}",
                starts=first_of_month(month, -6) + timedelta(days=8),
                stops=first_of_month(month, -5) + timedelta(days=20),
                people=original.people * 0.02,
                seats=original.seats,
            )
        )
    return World(
        month=month,
        months=months,
        until=max(until or first_of_month(month, 1), first_of_month(month, 1)),
        installations=tuple(people),
        subscriptions=tuple(rows),
        labels=tuple(labels),
    )


def _uuid(chance: random.Random) -> str:
    return str(uuids.UUID(int=chance.getrandbits(128), version=4))


def _adoption(chance: random.Random) -> tuple[float, ...]:
    spread = []
    for counter in _EVERY:
        used = chance.random() < counter.adopted
        spread.append(min(max(chance.gauss(1.0, 0.22), 0.3), 1.32) if used else 0.0)
    return tuple(spread)


def _saas(chance: random.Random, first_day: date) -> Installation:
    return Installation(
        index=0,
        uuid=_uuid(chance),
        hostname="app.quayside.example",
        account="Saltmarsh Software",
        edition="EE",
        people=64_000.0,
        growth=0.016,
        starts=first_day,
        habit="saas",
        saas=True,
        adoption=tuple(1.0 for _ in _EVERY),
    )


def _self_managed(chance: random.Random, index: int, account: str, month: date, months: int) -> Installation:
    first_day = first_of_month(month, 1 - months)
    uuid = _uuid(chance)
    word, trade = (part.lower() for part in account.split(" "))
    host = chance.choice(("quayside", "code", "forge", "dev", "git"))
    draw = chance.random()
    plan = "" if draw < 0.44 else "ultimate" if draw < 0.60 else "starter" if draw < 0.62 else "premium"
    if plan:
        seats = min(round(math.exp(chance.gauss(5.2, 1.15))), 7_500) // 5 * 5 + 10
        people = seats * chance.uniform(0.45, 0.92)
        edition = {"ultimate": "EEU", "premium": "EEP", "starter": "EES"}[plan]
    else:
        seats = 0
        people = min(math.exp(chance.gauss(3.2, 1.2)), 900.0) + 1
        edition = _CE if draw < 0.33 else _FREE_EE
    starts = first_day
    if chance.random() < 0.24 and index != 5:
        starts = first_day + timedelta(days=chance.randrange(1, months * 30))
    stops = None
    if chance.random() < 0.11:
        stops = starts + timedelta(days=chance.randrange(20, months * 30))
    silent: tuple[date, ...] = ()
    if chance.random() < 0.10:
        gone = chance.randrange(1, months)
        silent = tuple(first_of_month(first_day, gone + step) for step in range(chance.randint(1, 3)))
    ends = None
    if plan and chance.random() < 0.07:
        ends = first_of_month(month, -chance.randint(0, 5))
    reset = first_day + timedelta(days=chance.randrange(40, months * 30)) if chance.random() < 0.03 else None
    if index == 5:  # The latecomer: large, on a good version, cut off by its own firewall for a month.
        plan, edition, seats, people = "ultimate", "EEU", 3_400, 2_650.0
        silent, stops, ends = (first_of_month(month, -4),), None, None
    air_gapped = index == 8
    if air_gapped:
        plan, edition, seats, people = "premium", "EEP", 900, 610.0
        silent, stops, ends, starts = (), None, None, first_day
    return Installation(
        index=index,
        uuid=uuid,
        hostname=f"{host}.{word}-{trade}.example",
        account=account,
        edition=edition,
        plan=plan,
        subscription=f"QS-{20_000 + index}" if plan else "",
        seats=seats,
        people=people,
        growth=chance.gauss(0.011, 0.014),
        starts=starts,
        stops=stops,
        silent=silent,
        habit="prompt"
        if index == 5
        else chance.choices(("prompt", "monthly", "quarterly", "yearly", "never"), (28, 32, 22, 12, 6))[0],
        optional_data=not plan or air_gapped or index == 5 or chance.random() > 0.18,
        licence_ends=ends,
        reset_on=reset,
        air_gapped=air_gapped,
        adoption=_adoption(chance),
    )


def _subscription(
    subscription: str,
    account: str,
    plan: str,
    seats: int,
    first_day: date,
    chance: random.Random,
    delivery: str = "self_managed",
) -> tuple[str, ...]:
    starts = first_day - timedelta(days=chance.randrange(20, 900))
    ends = first_of_month(first_day, MONTHS + chance.randint(3, 20))
    return subscription, account, plan, str(seats), starts.isoformat(), ends.isoformat(), delivery


def _silent_subscriptions(
    chance: random.Random, names: list[str], first_day: date, count: int
) -> list[tuple[str, ...]]:
    """Customers who pay and never report, and those who pay for SaaS."""
    rows = []
    for number in range(count):
        delivery = "saas" if number % 5 == 4 else "self_managed"
        seats = min(round(math.exp(chance.gauss(4.9, 1.0))), 3_000) // 5 * 5 + 10
        plan = "ultimate" if chance.random() < 0.3 else "premium"
        rows.append(_subscription(f"QS-{30_000 + number}", names[number], plan, seats, first_day, chance, delivery))
    return rows
