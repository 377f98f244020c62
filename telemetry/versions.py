"""Releases as kept here, version checks counted by day, and how the population moves between versions."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any

import structlog
import yaml
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from telemetry import conf, population
from telemetry.judging import version_of
from telemetry.models import Release, Sender
from telemetry.releases import Answer, Released, check

log = structlog.get_logger(__name__)

KEPT_FOR = 60.0
_kept: tuple[float, tuple[Released, ...]] | None = None


def forget() -> None:
    """Read the releases anew the next time."""
    global _kept
    _kept = None
    population.forget()


def released() -> tuple[Released, ...]:
    """Every release, at most a minute old."""
    global _kept
    now = monotonic()
    if _kept is None or now - _kept[0] > KEPT_FOR:
        rows = []
        for release in Release.objects.all():
            number = version_of(release.version)
            if number is not None:
                rows.append(
                    Released(
                        version=release.version,
                        number=number,
                        released_on=release.released_on,
                        supported_until=release.supported_until,
                        security=release.security,
                        vulnerable=release.vulnerable or release.critical_vulnerability,
                        critical=release.critical_vulnerability,
                        details=release.details,
                    )
                )
        _kept = (now, tuple(rows))
    return _kept[1]


def answer_for(version: str) -> Answer:
    """What an instance of this version is told. A database that is away says nothing, and never fails."""
    try:
        return check(version, released())
    except DatabaseError:
        log.warning("the releases cannot be read; the version check says nothing")
        return Answer()


def count_check(version: str) -> None:
    """Count a check: day and version, nothing else. Anything that is no version counts as unreadable."""
    number = version_of(version)
    name = ".".join(map(str, number)) if number else ""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO telemetry_versioncheck AS v (day, version, checks) VALUES (%s, %s, 1)"
            " ON CONFLICT (day, version) DO UPDATE SET checks = v.checks + 1",
            [timezone.now().date(), name],
        )


class BadReleases(ValueError):
    """A file of releases that cannot be imported; the message names line or entry. Nothing was stored."""


FIELDS = {
    "version",
    "released_on",
    "supported_until",
    "security",
    "vulnerable",
    "critical_vulnerability",
    "details",
}


def read_releases(path: Path) -> list[dict[str, Any]]:
    """Entries of a file: YAML or JSON (a list), or CSV with a head line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadReleases(f"{path.name} is not UTF-8: {error.reason} at byte {error.start}.") from None
    except OSError as error:
        raise BadReleases(f"{path.name} cannot be read: {error.strerror}.") from None
    try:
        if path.suffix.lower() == ".csv":
            entries: Any = [
                {name: value for name, value in row.items() if value not in (None, "")}
                for row in csv.DictReader(io.StringIO(text))
            ]
        elif path.suffix.lower() == ".json":
            entries = json.loads(text)
        else:
            entries = yaml.safe_load(text)
    except (ValueError, yaml.YAMLError, csv.Error, RecursionError) as error:
        raise BadReleases(f"{path.name} cannot be read: {' '.join(str(error).split())}.") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise BadReleases(f"{path.name} must hold a list of releases, each with version and released_on.")
    return entries


@transaction.atomic
def import_releases(*, entries: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Create or update releases; all of them or none. Returns how many were created, updated, unchanged."""
    counts = {"created": 0, "updated": 0, "unchanged": 0}
    for number, entry in enumerate(entries, 1):
        values = {str(name): value for name, value in entry.items()}
        if unknown := sorted(set(values) - FIELDS):
            raise BadReleases(f"Entry {number}: unknown field {unknown[0]!r}; known are {', '.join(sorted(FIELDS))}.")
        version = str(values.pop("version", "")).strip()
        for name in ("security", "vulnerable", "critical_vulnerability"):
            if isinstance(values.get(name), str):
                values[name] = values[name].strip().lower() in {"true", "yes", "1"}
        kept = Release.objects.filter(version=version).first()
        release = kept or Release(version=version)
        before = {name: getattr(release, name) for name in values}
        for name, value in values.items():
            setattr(release, name, value)
        try:
            release.full_clean(validate_unique=False)
        except ValidationError as error:
            field, sentences = next(iter(error.message_dict.items()))
            raise BadReleases(f"Entry {number} ({version or 'no version'}): {field}: {' '.join(sentences)}") from None
        if kept is None:
            release.save()
            counts["created"] += 1
        elif before != {name: getattr(release, name) for name in values}:
            release.save()
            counts["updated"] += 1
        else:
            counts["unchanged"] += 1
    forget()
    return counts


@dataclass(frozen=True, slots=True)
class Share:
    """How many living installations run a minor version."""

    minor: str
    installations: int
    share: float
    supported_until: date | None
    past_end: bool
    released_on: date | None


def minor_name(number: tuple[int, int, int] | None) -> str:
    """``17.5`` for 17.5.1; ``unknown`` for what is no version."""
    return f"{number[0]}.{number[1]}" if number else "unknown"


def by_version() -> tuple[list[Share], int]:
    """Living installations by minor version, newest first, and how many are past their end of life."""
    edge = timezone.now() - conf.options.silent_after
    counts: dict[tuple[int, int, int] | None, int] = defaultdict(int)
    for version in Sender.objects.filter(last_at__gte=edge).values_list("version", flat=True):
        number = version_of(version)
        counts[(number[0], number[1], 0) if number else None] += 1
    total = sum(counts.values())
    today = timezone.now().date()
    ends: dict[str, date | None] = {}
    starts: dict[str, date] = {}
    for release in released():
        name = minor_name(release.number)
        if release.supported_until:
            ends[name] = max(filter(None, (ends.get(name), release.supported_until)))
        starts[name] = min(starts.get(name, release.released_on), release.released_on)
    shares = []
    past = 0
    for key in sorted(counts, key=lambda number: number or (-1, 0, 0), reverse=True):
        name = minor_name(key)
        end = ends.get(name)
        over = end is not None and end < today
        past += counts[key] if over else 0
        shares.append(Share(name, counts[key], counts[key] / total if total else 0.0, end, over, starts.get(name)))
    return shares, past


@dataclass(frozen=True, slots=True)
class Adoption:
    """Which share of the installations that pinged in a week ran which minor version."""

    weeks: tuple[date, ...]
    minors: tuple[str, ...]
    counts: Mapping[tuple[date, str], int]
    totals: Mapping[date, int]


def adoption(weeks: int = 26, most: int = 6) -> Adoption:
    """By week and minor version, from the newest ping of each installation in the week."""
    today = timezone.now().date()
    monday = today - timedelta(days=today.weekday())
    first = monday - timedelta(weeks=weeks - 1)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT week, coalesce(substring(version FROM '^\\s*v?(\\d{1,4}\\.\\d{1,4})'), 'unknown') AS minor, count(*)
              FROM (SELECT DISTINCT ON (uuid, hostname, date_trunc('week', recorded_at)) version,
                           date_trunc('week', recorded_at)::date AS week
                      FROM telemetry_ping WHERE recorded_at >= %s AND state = 'read'
                     ORDER BY uuid, hostname, date_trunc('week', recorded_at), recorded_at DESC) AS last
             GROUP BY 1, 2
            """,
            [first],
        )
        rows = cursor.fetchall()
    counts: dict[tuple[date, str], int] = {(week, minor): count for week, minor, count in rows}
    totals: dict[date, int] = defaultdict(int)
    lately = monday - timedelta(weeks=4)
    sizes: dict[str, int] = defaultdict(int)
    for (week, minor), count in counts.items():
        totals[week] += count
        # What runs now matters most: a version that is new must not be hidden behind those it takes the place of.
        sizes[minor] += count * (weeks if week >= lately else 1)
    largest = sorted(sizes, key=lambda minor: -sizes[minor])[:most]
    minors = tuple(sorted(largest, key=lambda minor: version_of(minor) or (-1, 0, 0)))
    return Adoption(tuple(first + timedelta(weeks=number) for number in range(weeks)), minors, counts, dict(totals))


@dataclass(frozen=True, slots=True)
class Move:
    """How long the population takes to reach a minor version after its release."""

    minor: str
    released_on: date
    reached: int
    median_days: float
    slow_days: float


def moves(most: int = 12) -> list[Move]:
    """Days from release to the first ping with this minor or a later one, per installation that has reached it."""
    starts: dict[tuple[int, int], date] = {}
    for release in released():
        key = release.number[:2]
        starts[key] = min(starts.get(key, release.released_on), release.released_on)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT uuid, hostname, min(recorded_at)::date, major, minor FROM (
                SELECT uuid, hostname, recorded_at,
                       substring(version FROM '^\\s*v?(\\d{1,4})\\.')::int AS major,
                       substring(version FROM '^\\s*v?\\d{1,4}\\.(\\d{1,4})')::int AS minor
                  FROM telemetry_ping WHERE state = 'read') AS said
             WHERE major IS NOT NULL GROUP BY uuid, hostname, major, minor
            """
        )
        firsts: dict[tuple[str, str], list[tuple[tuple[int, int], date]]] = defaultdict(list)
        for uuid, hostname, day, major, minor in cursor.fetchall():
            firsts[(uuid, hostname)].append(((major, minor), day))
    found = []
    for key in sorted(starts, reverse=True)[:most]:
        days = []
        for versions in firsts.values():
            reached = [day for number, day in versions if number >= key]
            # Who began after the release never had to move.
            if reached and min(day for _, day in versions) < starts[key]:
                days.append(max((min(reached) - starts[key]).days, 0))
        if days:
            days.sort()
            found.append(Move(f"{key[0]}.{key[1]}", starts[key], len(days), median(days), days[int(len(days) * 0.9)]))
    return found
