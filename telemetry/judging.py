"""Plausibility: questions asked of a ping that nobody vouches for. The rules are data; this is what they mean.

No Django in here. A rule looks at the reading, at what is remembered of the sender, and at the population. It answers
with a sentence or with nothing. What to do with the sentence (quarantine or only remark) stands in the rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from telemetry.reading.about import About

Value = int | Decimal
_VERSION = re.compile(r"\s*v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,5}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule as it stands in the table. ``metrics`` are the key paths of the metrics it looks at."""

    code: str
    kind: str
    hold: bool
    metrics: frozenset[str] = frozenset()
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def number(self, name: str, default: float) -> float:
        """A parameter; one that is missing or no number counts as its default."""
        value = self.parameters.get(name, default)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else default


@dataclass(slots=True, kw_only=True)
class Past:
    """What is remembered of a sender."""

    last_at: datetime
    unique_instance_id: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """What is known of all senders: high quantiles by metric, releases, names that share an identifier."""

    high: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    releases: frozenset[tuple[int, int, int]] = frozenset()
    hosts_of_uuid: Mapping[str, frozenset[str]] = field(default_factory=dict)
    names_of_instance: Mapping[str, frozenset[tuple[str, str]]] = field(default_factory=dict)
    earlier_instances: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A ping before the judge. ``values`` are its numbers by key path."""

    uuid: str
    hostname: str
    recorded_at: datetime
    received_at: datetime
    proof: str
    signature_bad: bool
    about: About
    values: Mapping[str, Value]
    past: Past | None
    population: Population


@dataclass(frozen=True, slots=True)
class Verdict:
    """Reasons to hold the ping (none = trusted), and what is only worth a remark."""

    held: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def judge_ping(case: Case, rules: Sequence[Rule]) -> Verdict:
    """Ask every rule. One that is set up wrongly never costs a ping."""
    held: list[str] = []
    notes: list[str] = []
    for rule in rules:
        question = QUESTIONS.get(rule.kind)
        if question is None:
            continue
        sentences = sorted(question(case, rule))  # so that the same ping is told the same
        (held if rule.hold else notes).extend(sentences[:5])
    return Verdict(tuple(held), tuple(notes))


def version_of(text: str) -> tuple[int, int, int] | None:
    """The numbers of a version: ``14.7.0-pre`` → (14, 7, 0)."""
    match = _VERSION.match(text)
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else None


def _watched(case: Case, rule: Rule) -> Iterator[tuple[str, Value]]:
    """The values a rule looks at, in no order."""
    return ((path, case.values[path]) for path in rule.metrics & case.values.keys())


def _count(value: Value | float) -> str:
    return f"{value:,.0f}" if value < 10**18 else f"{Decimal(value):.3E}"


def _future(case: Case, rule: Rule) -> Iterator[str]:
    ahead = case.recorded_at - case.received_at
    if ahead > timedelta(hours=min(rule.number("hours", 26), 1e6)):
        yield f"It says it was recorded {_span(ahead)} after it came."


def _old(case: Case, rule: Rule) -> Iterator[str]:
    age = case.received_at - case.recorded_at
    if age > timedelta(days=min(rule.number("days", 366), 1e6)):
        yield f"It was recorded {_span(age)} before it came."


def _span(span: timedelta) -> str:
    return f"{span.days:,} days" if span.days else f"{span.seconds // 3600} hours"


def _never_released(case: Case, rule: Rule) -> Iterator[str]:
    text = case.about.version
    version = version_of(text)
    if version is None:
        if text:
            yield f"{text[:40]!r} is no version."
        return
    releases = case.population.releases
    if not releases:
        return
    newest = max(releases)
    minors = {(major, minor) for major, minor, _ in releases}
    # A pre-release of the next minor runs at the vendor before it is in the list.
    next_minor = (newest[0] + 1, 0) if version[0] > newest[0] else (newest[0], newest[1] + 1)
    if version[:2] > newest[:2] and "-" in text and version[:2] <= next_minor:
        return
    if version > newest and version[:2] not in minors:
        yield f"Version {text[:40]} was never released: the newest known is {'.'.join(map(str, newest))}."
    elif min(releases)[:2] <= version[:2] and version[:2] not in minors:
        yield f"Version {text[:40]} was never released."


def _growth(case: Case, rule: Rule) -> Iterator[str]:
    if case.past is None:
        return
    factor, floor = rule.number("factor", 20), rule.number("floor", 5_000)
    for path, value in _watched(case, rule):
        before = case.past.values.get(path)
        if before is not None and value >= floor and value > Decimal(factor) * max(before, 1):
            yield f"{path} is {_count(value)} after {_count(before)} in the ping before."


def _seats(case: Case, rule: Rule) -> Iterator[str]:
    said = [number for number in (case.about.license_user_count, case.about.active_user_count) if number]
    if not said:
        return
    factor, floor = rule.number("factor", 20), rule.number("floor", 10_000)
    for path, value in _watched(case, rule):
        if value >= floor and value > factor * max(said):
            yield f"{path} is {_count(value)}, but the installation has {_count(max(said))} seats or accounts."


def _quantile(case: Case, rule: Rule) -> Iterator[str]:
    factor, least, floor = rule.number("factor", 100), rule.number("least", 200), rule.number("floor", 100_000)
    for path, value in _watched(case, rule):
        known = case.population.high.get(path)
        if known and known[0] >= least and value >= floor and value > factor * max(known[1], 1.0):
            yield f"{path} is {_count(value)}, far beyond what 999 of 1,000 installations have."


def _ceiling(case: Case, rule: Rule) -> Iterator[str]:
    floor = rule.number("floor", 50_000_000)
    for path, value in _watched(case, rule):
        if value > floor:
            yield f"{path} is {_count(value)}, more than any installation can have."


def _shared_uuid(case: Case, rule: Rule) -> Iterator[str]:
    others = len(case.population.hosts_of_uuid.get(case.uuid, frozenset()) - {case.hostname})
    if others:
        yield f"The same uuid also pings {_elsewhere(others)}: a clone, a restored backup or a shared image."


def _shared_instance(case: Case, rule: Rule) -> Iterator[str]:
    instance = case.about.unique_instance_id
    if not instance:
        return
    others = case.population.names_of_instance.get(instance, frozenset()) - {(case.uuid, case.hostname)}
    if others:
        yield f"The same unique_instance_id also pings {_elsewhere(len(others))}."


def _changed_instance(case: Case, rule: Rule) -> Iterator[str]:
    instance = case.about.unique_instance_id
    if case.past and instance and case.past.unique_instance_id and instance != case.past.unique_instance_id:
        yield "unique_instance_id is another than before: a new instance behind the same names."


def _alternating(case: Case, rule: Rule) -> Iterator[str]:
    """A server that was moved changes its identifier once; two that share their names take turns."""
    instance = case.about.unique_instance_id
    if case.past is None or not instance or not case.past.unique_instance_id:
        return
    known = case.population.earlier_instances.get((case.uuid, case.hostname), frozenset())
    if instance != case.past.unique_instance_id and instance in known:
        yield "Two instances ping in turns under the same uuid and host name: a clone of this one, or it is the clone."


def _restored(case: Case, rule: Rule) -> Iterator[str]:
    if case.past is None or case.recorded_at < case.past.last_at:
        return
    compared = fallen = 0
    for path, value in _watched(case, rule):
        before = case.past.values.get(path)
        if before:
            compared += 1
            fallen += value < before
    if compared >= 3 and fallen > compared * rule.number("share", 0.5):
        yield f"{fallen} of {compared} all-time counters fell: a restored backup or a new database."


def _unverified(case: Case, rule: Rule) -> Iterator[str]:
    if case.proof == "unverified":
        yield "It came without the ingest key that this installation holds."


def _signature(case: Case, rule: Rule) -> Iterator[str]:
    if case.signature_bad:
        yield "It came in a bundle whose signature does not fit its content."


def _elsewhere(others: int) -> str:
    # Without the names: the sentence is also told to the sender, who must not learn of other installations.
    return "under another host name" if others == 1 else f"under {others:,} other host names"


QUESTIONS: dict[str, Callable[[Case, Rule], Iterator[str]]] = {
    "future": _future,
    "old": _old,
    "version": _never_released,
    "growth": _growth,
    "seats": _seats,
    "quantile": _quantile,
    "ceiling": _ceiling,
    "shared_uuid": _shared_uuid,
    "shared_instance": _shared_instance,
    "changed_instance": _changed_instance,
    "alternating": _alternating,
    "restored": _restored,
    "unverified": _unverified,
    "signature": _signature,
}
