"""What judging needs to know beyond the ping: the sender's past, the population, the rules."""

from __future__ import annotations

import fnmatch
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic

from django.db.models import Q
from django.utils import timezone

from metrics.definitions.catalogue import ReadingPlan
from metrics.models import MetricDefinition
from metrics.past import last_reports
from telemetry.judging import Past, Population, Rule, version_of
from telemetry.models import Ping, PlausibilityRule, Quantile, Release, Sender

Names = tuple[str, str]
KEPT_FOR = 60.0
TAKING_TURNS = timedelta(days=90)
"""Instances that took turns longer ago were moved to and fro."""
INDICATORS = "indicators"
OF_THE_PAST = frozenset({"growth", "restored"})
"""Kinds of rules that compare with what the installation sent before."""


@dataclass(frozen=True, slots=True)
class Slow:
    """What changes rarely: read once a minute, not once a batch."""

    high: dict[str, tuple[int, float]]
    releases: frozenset[tuple[int, int, int]]


_slow: tuple[float, Slow] | None = None
_watched: dict[str, tuple[int, float, frozenset[str]]] = {}


def forget() -> None:
    """Read everything anew the next time (tests, and after releases or quantiles changed in this process)."""
    global _slow
    _slow = None
    _watched.clear()


def rules(plan: ReadingPlan) -> list[Rule]:
    """The rules in force, in their order."""
    return [
        Rule(
            code=rule.code,
            kind=rule.kind,
            hold=rule.action == PlausibilityRule.Action.HOLD,
            metrics=watched(rule.metrics, plan),
            parameters=rule.parameters if isinstance(rule.parameters, dict) else {},
        )
        for rule in PlausibilityRule.objects.exclude(action=PlausibilityRule.Action.OFF)
    ]


def watched(words: str, plan: ReadingPlan) -> frozenset[str]:
    """The key paths of a group of metrics: ``indicators``, ``all``, ``stage:create``, ``group:code_review``, or a key
    path with ``*``; several separated by ``|``. Empty: every indicator."""
    now = monotonic()
    known = _watched.get(words)
    if known is None or known[0] != plan.version or not plan.version or now - known[1] > KEPT_FOR:
        parts = [part.strip() for part in words.split("|") if part.strip()] or [INDICATORS]
        known = (plan.version, now, frozenset().union(*(_members(part, plan) for part in parts)))
        if len(_watched) > 200:
            _watched.clear()
        _watched[words] = known
    return known[2]


def _members(part: str, plan: ReadingPlan) -> Iterable[str]:
    kind, _, name = part.partition(":")
    definitions = MetricDefinition.objects.values_list("key_path", flat=True)
    match kind:
        case "indicators":
            return definitions.exclude(performance_indicator_type=[])
        case "all":
            return plan.by_key_path
        case "stage":
            return definitions.filter(group__stage__key=name)
        case "group":
            return definitions.filter(group__key=name)
        case _:
            return fnmatch.filter(plan.by_key_path, part)


def slow() -> Slow:
    """Quantiles and releases, at most a minute old."""
    global _slow
    now = monotonic()
    if _slow is None or now - _slow[0] > KEPT_FOR:
        quantiles = Quantile.objects.values_list("key_path", "population", "high")
        versions = (version_of(version) for version in Release.objects.values_list("version", flat=True))
        _slow = (
            now,
            Slow(
                high={path: (population, high) for path, population, high in quantiles},
                releases=frozenset(version for version in versions if version is not None),
            ),
        )
    return _slow[1]


def senders(names: Iterable[Names]) -> dict[Names, Sender]:
    """What is remembered of these senders."""
    wanted = set(names)
    found = Sender.objects.filter(uuid__in={uuid for uuid, _ in wanted}, hostname__in={name for _, name in wanted})
    return {(sender.uuid, sender.hostname): sender for sender in found if (sender.uuid, sender.hostname) in wanted}


def pasts_of(known: Mapping[Names, Sender], rules: Iterable[Rule], plan: ReadingPlan) -> dict[Names, Past | None]:
    """The pasts of senders as the judge wants them: with the values that some rule compares."""
    slots = {
        definition.slot: path
        for rule in rules
        if rule.kind in OF_THE_PAST
        for path in rule.metrics
        if (definition := plan.by_key_path.get(path)) is not None and definition.slot is not None
    }
    reports = last_reports(known, slots) if known and slots else {}
    return {
        names: Past(
            last_at=sender.last_at,
            unique_instance_id=sender.unique_instance_id,
            values={slots[slot]: value for slot, value in reports[names].values.items()} if names in reports else {},
        )
        for names, sender in known.items()
    }


def population_for(names: Iterable[Names], instances: Iterable[str]) -> Population:
    """The population as far as a batch needs it: who shares a uuid or a unique_instance_id with its pings."""
    wanted = set(names)
    ids = {instance for instance in instances if instance}
    hosts: dict[str, set[str]] = defaultdict(set)
    named: dict[str, set[Names]] = defaultdict(set)
    uuids = {uuid for uuid, _ in wanted}
    akin = Q(uuid__in=uuids) | Q(unique_instance_id__in=ids) if ids else Q(uuid__in=uuids)
    rows = Sender.objects.filter(akin).values_list("uuid", "hostname", "unique_instance_id")
    for uuid, hostname, instance in rows[:10_000]:
        if uuid in uuids:
            hosts[uuid].add(hostname)
        if instance in ids:
            named[instance].add((uuid, hostname))
    for uuid, hostname in wanted:
        hosts[uuid].add(hostname)
    identified = {(uuid, hostname) for uuid, hostname, instance in rows if instance and (uuid, hostname) in wanted}
    known = slow()
    return Population(
        high=known.high,
        releases=known.releases,
        hosts_of_uuid={uuid: frozenset(names) for uuid, names in hosts.items()},
        names_of_instance={instance: frozenset(names) for instance, names in named.items()},
        earlier_instances=_instances_of(identified) if ids else {},
    )


def _instances_of(names: set[Names]) -> dict[Names, frozenset[str]]:
    """Every unique_instance_id that trusted pings of these senders had in the last months."""
    found: dict[Names, set[str]] = defaultdict(set)
    pings = Ping.objects.filter(
        uuid__in={uuid for uuid, _ in names},
        hostname__in={hostname for _, hostname in names},
        state=Ping.State.READ,
        recorded_at__gte=timezone.now() - TAKING_TURNS,
    ).exclude(unique_instance_id="")
    for uuid, hostname, instance in pings.values_list("uuid", "hostname", "unique_instance_id").distinct():
        found[uuid, hostname].add(instance)
    return {each: frozenset(instances) for each, instances in found.items()}
