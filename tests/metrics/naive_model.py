"""The rules of the figures once more, as plainly as they are written, for comparison with the engine.

Written from the text of the rules alone: no query, no array, no delta, nothing of the engine. Slow and obvious.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TypeGuard

Month = tuple[int, int]


@dataclass
class Ping:
    """A report as it came in. ``values``: by metric a number, or a word for what is missing."""

    uuid: str
    hostname: str
    recorded_at: datetime
    values: dict[str, int | Decimal | str]
    version: str = ""
    edition: str = ""
    plan: str = ""
    expires_on: date | None = None
    subscription: str = ""
    users: int | None = None
    population: str = "all"
    state: str = "accepted"

    @property
    def who(self) -> tuple[str, str]:
        return (self.uuid, self.hostname)


@dataclass
class Label:
    """Delivery or exclusion, from a month to a month; the later made wins."""

    who: tuple[str, str]
    delivery: str = ""
    excluded: bool | None = None
    first: Month | None = None
    last: Month | None = None

    def covers(self, month: Month) -> bool:
        return (self.first is None or self.first <= month) and (self.last is None or month <= self.last)


@dataclass
class Sub:
    """A line of the list of subscriptions."""

    id: str
    seats: int
    starts_on: date
    ends_on: date | None
    delivery: str


@dataclass
class World:
    """All facts. ``frames``: time frame by metric; ``mapping``: by kind and subject, and month, the metrics that stand
    for it; ``sections``: the section of each stage, as the catalog has it now."""

    frames: dict[str, str]
    pings: list[Ping] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    subs: dict[str, Sub] = field(default_factory=dict)
    mapping: dict[tuple[str, str], dict[Month, set[str]]] = field(default_factory=dict)
    sections: dict[str, str] = field(default_factory=dict)

    def accepted(self) -> list[Ping]:
        """Without duplicates: of equal identities the first stands, in whatever state it is."""
        seen: dict[tuple[tuple[str, str], datetime, str], Ping] = {}
        for ping in self.pings:
            seen.setdefault((ping.who, ping.recorded_at, ping.population), ping)
        return [ping for ping in seen.values() if ping.state == "accepted"]


def month_of(moment: datetime) -> Month:
    moment = moment.astimezone(UTC)
    return (moment.year, moment.month)


def before(month: Month) -> Month:
    return (month[0] - 1, 12) if month[1] == 1 else (month[0], month[1] - 1)


def delivery(world: World, who: tuple[str, str], month: Month) -> str:
    found = "self_managed"
    for label in world.labels:
        if label.who == who and label.delivery and label.covers(month):
            found = label.delivery
    return found


def excluded(world: World, who: tuple[str, str], month: Month) -> bool:
    found = False
    for label in world.labels:
        if label.who == who and label.excluded is not None and label.covers(month):
            found = label.excluded
    return found


def latest(pings: Iterable[Ping]) -> dict[tuple[str, str], Ping]:
    found: dict[tuple[str, str], Ping] = {}
    for ping in pings:
        if ping.who not in found or ping.recorded_at > found[ping.who].recorded_at:
            found[ping.who] = ping
    return found


def any_months_report(world: World, month: Month, population: str) -> dict[tuple[str, str], Ping]:
    """The month's report of every installation, excluded or not."""
    return latest(
        ping for ping in world.accepted() if ping.population == population and month_of(ping.recorded_at) == month
    )


def months_reports(world: World, month: Month, population: str = "all") -> dict[tuple[str, str], Ping]:
    """Those of installations that count."""
    return {
        who: ping
        for who, ping in any_months_report(world, month, population).items()
        if not excluded(world, who, month)
    }


def is_ok(value: object) -> TypeGuard[int | Decimal]:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def monthly_value(world: World, ping: Ping, metric: str) -> int | Decimal | Fraction | None:
    now = ping.values.get(metric)
    if not is_ok(now):
        return None
    if world.frames[metric] != "all":
        return now
    earlier = any_months_report(world, before(month_of(ping.recorded_at)), ping.population).get(ping.who)
    then = earlier.values.get(metric) if earlier is not None else None
    if not is_ok(then):
        return None
    change = Fraction(now) - Fraction(then)
    return None if change < 0 else change


def edition(ping: Ping) -> str:
    return "CE" if ping.edition == "CE" else "EE"


def tier(ping: Ping) -> str:
    if ping.expires_on is not None and ping.expires_on < ping.recorded_at.astimezone(UTC).date():
        return "free"
    if ping.plan in ("starter", "premium", "ultimate"):
        return "premium" if ping.plan == "starter" else ping.plan
    return {"EES": "premium", "EEP": "premium", "EEU": "ultimate"}.get(ping.edition, "free")


def version(ping: Ping) -> tuple[int, int] | None:
    parts = ping.version.split(".")
    if len(parts) < 2 or not parts[0].isdigit() or not parts[1].isdigit():
        return None
    return (int(parts[0]), int(parts[1]))


@dataclass
class Asked:
    """A cut."""

    delivery: str = ""
    edition: str = ""
    tier: str = ""
    paid: bool = False
    version: tuple[int, int] | None = None


def in_cut(world: World, month: Month, cut: Asked) -> dict[tuple[str, str], Ping]:
    """The month's reports that the cut is about."""
    found = {}
    everyone = months_reports(world, month)
    for who, ping in everyone.items():
        if cut.paid and (delivery(world, who, month) == "saas" or tier(ping) == "free"):
            continue
        found[who] = ping
    if cut.paid:
        # A SaaS is paid only where paid readings say so; they name no plan.
        for who, ping in months_reports(world, month, "paid").items():
            if delivery(world, who, month) == "saas":
                found[who] = ping
    return {
        who: ping
        for who, ping in found.items()
        if (not cut.delivery or delivery(world, who, month) == cut.delivery)
        and (not cut.edition or edition(ping) == cut.edition)
        and (not cut.tier or (ping.population == "all" and tier(ping) == cut.tier))
        and (cut.version is None or version(ping) == cut.version)
    }


def self_managed(world: World, month: Month) -> dict[tuple[str, str], Ping]:
    return {
        who: ping for who, ping in months_reports(world, month).items() if delivery(world, who, month) == "self_managed"
    }


def active(world: World, month: Month) -> dict[str, int]:
    """Active self-managed subscriptions and their seats."""
    first = date(month[0], month[1], 1)
    last = date(month[0], month[1], calendar.monthrange(*month)[1])
    found = {}
    for sub in world.subs.values():
        if sub.delivery == "self_managed" and sub.starts_on <= last and (sub.ends_on is None or sub.ends_on >= first):
            found[sub.id] = sub.seats
    for ping in self_managed(world, month).values():
        if ping.subscription and ping.subscription not in found:
            listed = world.subs.get(ping.subscription)
            if listed is not None:
                found[ping.subscription] = listed.seats
            else:
                users = [
                    other.users or 0
                    for other in self_managed(world, month).values()
                    if other.subscription == ping.subscription
                ]
                found[ping.subscription] = max([0, *users])
    return found


def first_version(world: World, metric: str, of: str, month: Month) -> tuple[int, int] | None:
    months = {month_of(ping.recorded_at) for ping in world.accepted()}
    seen = [
        number
        for earlier in months
        if earlier <= month
        for ping in self_managed(world, earlier).values()
        if edition(ping) == of and is_ok(ping.values.get(metric)) and (number := version(ping)) is not None
    ]
    return min(seen) if seen else None


def week_figure(world: World, metric: str, week: tuple[int, int], cut: Asked) -> Expected:
    """The sum over the last report of each installation in an ISO week, by the labels of the month it ends in."""
    last_day = date.fromisocalendar(*week, 7)
    month = (last_day.year, last_day.month)
    inside = {}
    for population in ("all", "paid"):
        theirs = latest(
            ping
            for ping in world.accepted()
            if ping.population == population and ping.recorded_at.astimezone(UTC).isocalendar()[:2] == week
        )
        for who, ping in theirs.items():
            is_saas = delivery(world, who, month) == "saas"
            wanted = "paid" if cut.paid and is_saas else "all"
            unpaid = cut.paid and not is_saas and tier(ping) == "free"
            if population == wanted and not unpaid and not excluded(world, who, month):
                inside[who] = ping
    if cut.delivery:
        inside = {who: ping for who, ping in inside.items() if delivery(world, who, month) == cut.delivery}
    there = [Fraction(ping.values[metric]) for ping in inside.values() if is_ok(ping.values.get(metric))]
    return Expected(sum(there, Fraction(0)) if there else None, None, len(there), len(inside), None)


def share(world: World, metric: str, of: str, month: Month, grain: str) -> Fraction:
    condition, measure = grain.split("-")
    subs = active(world, month)
    linked: set[str] = set()
    first = first_version(world, metric, of, month)
    for ping in self_managed(world, month).values():
        if not ping.subscription:
            continue
        if condition == "version":
            mine = version(ping)
            if first is not None and mine is not None and mine >= first:
                linked.add(ping.subscription)
        elif monthly_value(world, ping, metric) is not None:
            linked.add(ping.subscription)
    if measure == "subscription":
        numerator, denominator = len(linked), len(subs)
    else:
        numerator, denominator = sum(subs[sub] for sub in linked), sum(subs.values())
    return Fraction(numerator, denominator) if denominator else Fraction(0)


@dataclass
class Expected:
    """What the figure has to be."""

    recorded: Fraction | None
    uplift: int | None
    reporting: int
    pinging: int
    known: int | None
    cannot: bool = False


def exact_parts(
    world: World, metric: str, month: Month, cut: Asked, grain: str
) -> dict[str, tuple[Fraction, Fraction]]:
    """By SaaS and by self-managed edition: recorded, and the exact uplift; a p of 0 adds nothing."""
    found: dict[str, tuple[Fraction, Fraction]] = {}
    for who, ping in in_cut(world, month, cut).items():
        value = monthly_value(world, ping, metric)
        if value is None:
            continue
        part = "saas" if delivery(world, who, month) == "saas" else edition(ping)
        found[part] = (found.get(part, (Fraction(0), Fraction(0)))[0] + Fraction(value), Fraction(0))
    for of in ("CE", "EE"):
        p = share(world, metric, of, month, grain)
        if of in found and p != 0:
            found[of] = (found[of][0], found[of][0] * (1 - p) / p)
    return found


def half_up(value: Fraction) -> int:
    return (value + Fraction(1, 2)).__floor__()


def figure(world: World, metric: str, month: Month, cut: Asked, grain: str) -> Expected:
    inside = in_cut(world, month, cut)
    reporting = [ping for ping in inside.values() if monthly_value(world, ping, metric) is not None]
    known = None
    if not (cut.edition or cut.tier or cut.paid or cut.version):
        known = len(inside)
        if cut.delivery != "saas":
            talking = {ping.subscription for ping in self_managed(world, month).values()}
            known += len([sub for sub in active(world, month) if sub not in talking])
    if not reporting:
        return Expected(None, None, 0, len(inside), known)
    parts = exact_parts(world, metric, month, cut, grain)
    cannot = any(part != "saas" and share(world, metric, part, month, grain) == 0 for part in parts)
    recorded, uplift = (sum((part[side] for part in parts.values()), Fraction(0)) for side in (0, 1))
    return Expected(recorded, half_up(uplift), len(reporting), len(inside), known, cannot)


def mapped(world: World, kind: str, subject: str, month: Month) -> str | None:
    """The metric that stands for a subject in a month; none where there are two."""
    metrics = world.mapping.get((kind, subject), {}).get(month, set())
    return next(iter(metrics)) if len(metrics) == 1 else None


def indicator(world: World, kind: str, subject: str, month: Month, cut: Asked, grain: str) -> Expected:
    """SMAU, GMAU, paid GMAU, UMAU, or the sum of the SMAUs that exist."""
    if kind in ("cmau", "section_cmau"):
        stages = [stage for stage, section in world.sections.items() if kind == "cmau" or section == subject]
        there = [
            one for stage in stages if (one := indicator(world, "smau", stage, month, cut, grain)).recorded is not None
        ]
        if not there:
            return Expected(None, None, 0, 0, None)
        recorded = sum((one.recorded for one in there if one.recorded is not None), Fraction(0))
        cannot = any(one.cannot for one in there)
        return Expected(recorded, sum(one.uplift or 0 for one in there), 0, 0, None, cannot)
    metric = mapped(world, kind, subject, month)
    if kind == "paid_gmau":
        cut = Asked(cut.delivery, cut.edition, cut.tier, True, cut.version)
    if metric is None:
        empty = figure(world, "", month, cut, grain)
        return Expected(None, None, 0, empty.pinging, empty.known)
    return figure(world, metric, month, cut, grain)


def prediction(world: World, kind: str, subject: str, month: Month, ahead: int) -> int | None:
    """The last estimate and so many times the mean of the last three changes, by part; rounded at the end."""
    if kind in ("cmau", "section_cmau"):
        stages = [stage for stage, section in world.sections.items() if kind == "cmau" or section == subject]
        each = [prediction(world, "smau", stage, month, ahead) for stage in stages]
        there = [one for one in each if one is not None]
        return sum(there) if there else None
    months = [month]
    while len(months) < 4:
        months.insert(0, before(months[0]))
    series: list[dict[str, Fraction]] = []
    for one in months:
        metric = mapped(world, kind, subject, one)
        cut = Asked(paid=kind == "paid_gmau")
        parts = {} if metric is None else exact_parts(world, metric, one, cut, "version-subscription")
        series.append({part: recorded + uplift for part, (recorded, uplift) in parts.items()})
    whole = Fraction(0)
    for part in {part for parts in series for part in parts}:
        if any(part not in parts for parts in series):
            return None
        changes = [series[at + 1][part] - series[at][part] for at in range(3)]
        whole += series[-1][part] + ahead * sum(changes, Fraction(0)) / 3
    return half_up(whole) if any(series) else None
