"""The demo world: some two hundred installations of an invented product, and every report they sent.

Pure and deterministic: the same month gives the same world, byte for byte. Believable trouble is part of it, because
a portal can only be judged by what it does with trouble: see the properties of ``World`` for each story.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any

import orjson

from telemetry.demo.catalogue import BROKEN_PATH, COUNTERS, LATEST, PAID_SAAS, Kind, release_name, release_number
from telemetry.demo.population import population
from telemetry.demo.reports import Reporting, body_of
from telemetry.demo.values import (
    INSTALLATIONS,
    MONTHS,
    SEED,
    Installation,
    Label,
    Ping,
    Release,
    first_of_month,
    last_month,
    season,
)

__all__ = ["Installation", "Label", "Ping", "Release", "World", "first_of_month", "last_month", "make_world", "slot_of"]


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
        report = Reporting(
            installation=installation,
            recorded=recorded,
            version=self.version_on(installation, day),
            days=(day - self.first_day).days,
            outage=self.outage[0] <= day < self.outage[1],
        )
        return body_of(report, chance)

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
            people = self.saas.people * (1 + self.saas.growth) ** months * season(moment)
            for path, paid in PAID_SAAS:
                share = shares[path].share * (1 + shares[path].trend) ** months
                value = round(people * share * (paid + 0.002 * months) * (0.99 + 0.02 * chance.random()))
                stamp = (moment + timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
                lines.append(f"{self.saas.uuid},{self.saas.hostname},{stamp},{path},paid,{value}")
        return "\n".join(lines) + "\n"


def slot_of(uuid: str) -> tuple[int, int, int]:
    """Weekday (0 is Sunday), hour and minute at which an installation reports, by the rule of the wire."""

    def number(text: str) -> int:
        return int(hashlib.sha256(text.encode()).hexdigest(), 16)

    return number(uuid) % 7, number(uuid + "hour") % 24, number(uuid + "minute") % 60


def make_world(
    month: date, *, until: date | None = None, installations: int = INSTALLATIONS, months: int = MONTHS
) -> World:
    """The demo world whose last whole month is ``month``; smaller ones for tests."""
    month = first_of_month(month)
    end = first_of_month(month, 1)
    there = population(month, installations=installations, months=months)
    return World(
        month=month,
        months=months,
        until=max(until or end, end),
        installations=there.installations,
        subscriptions=there.subscriptions,
        labels=there.labels,
    )
