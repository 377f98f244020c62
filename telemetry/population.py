"""What judging needs to know beyond the ping: the sender's past, the population, the rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic

from django.db.models import Q

from metrics.definitions.catalogue import ReadingPlan
from metrics.models import MetricDefinition
from telemetry.judging import Past, Population, Rule, version_of
from telemetry.models import PlausibilityRule, Quantile, Release, Sender

Names = tuple[str, str]
KEPT_FOR = 60.0


@dataclass(frozen=True, slots=True)
class Slow:
    """What changes rarely: read once a minute, not once a batch."""

    high: dict[str, tuple[int, float]]
    releases: frozenset[tuple[int, int, int]]


_slow: tuple[float, Slow] | None = None
_indicators: tuple[int, frozenset[str]] | None = None


def forget() -> None:
    """Read everything anew the next time (tests, and after releases or quantiles changed in this process)."""
    global _slow, _indicators
    _slow = _indicators = None


def rules() -> list[Rule]:
    """The rules in force, in their order."""
    return [
        Rule(
            code=rule.code,
            kind=rule.kind,
            hold=rule.action == PlausibilityRule.Action.HOLD,
            metrics=rule.metrics,
            parameters=rule.parameters if isinstance(rule.parameters, dict) else {},
        )
        for rule in PlausibilityRule.objects.exclude(action=PlausibilityRule.Action.OFF)
    ]


def indicators(plan: ReadingPlan) -> frozenset[str]:
    """Key paths of the metrics that move an indicator."""
    global _indicators
    if _indicators is None or _indicators[0] != plan.version or not plan.version:
        paths = MetricDefinition.objects.exclude(performance_indicator_type=[]).values_list("key_path", flat=True)
        _indicators = (plan.version, frozenset(paths))
    return _indicators[1]


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


def past_of(sender: Sender | None) -> Past | None:
    """A sender's past as the judge wants it."""
    if sender is None:
        return None
    return Past(
        last_at=sender.last_at,
        unique_instance_id=sender.unique_instance_id,
        seats=sender.seats,
        values=sender.values,
    )


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
    known = slow()
    return Population(
        high=known.high,
        releases=known.releases,
        hosts_of_uuid={uuid: frozenset(names) for uuid, names in hosts.items()},
        names_of_instance={instance: frozenset(names) for instance, names in named.items()},
    )
