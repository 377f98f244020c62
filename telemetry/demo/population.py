"""Who lives in the demo world: installations with their habits, their subscriptions, and what is said of them."""

from __future__ import annotations

import math
import random
import uuid as uuids
from dataclasses import dataclass, replace
from datetime import date, timedelta

from telemetry.demo.names import FIRST, SECOND
from telemetry.demo.reports import EVERY
from telemetry.demo.values import CE, FREE_EE, MONTHS, SEED, Installation, Label, first_of_month


@dataclass(frozen=True, kw_only=True)
class Population:
    """All installations, the rows of the list of subscriptions, and the labels."""

    installations: tuple[Installation, ...]
    subscriptions: tuple[tuple[str, ...], ...]
    labels: tuple[Label, ...]


def population(month: date, *, installations: int, months: int) -> Population:
    """Who is there in a world whose last whole month is ``month``."""
    first_day = first_of_month(month, 1 - months)
    chance = random.Random(f"{SEED}:{installations}:{months}")
    names = [f"{first} {second}" for first in FIRST for second in SECOND]
    chance.shuffle(names)
    saas = _saas(chance, first_day)
    people: list[Installation] = [saas]
    rows: list[tuple[str, ...]] = []
    for index in range(1, installations):
        one = _self_managed(chance, index, names[index], month, months)
        people.append(one)
        if one.subscription and index % 37 != 5:  # One in 37 is on no list of ours.
            rows.append(_subscription(one.subscription, one.account, one.plan, one.seats, first_day, chance))
    rows += _silent_subscriptions(chance, names[installations:], first_day, len(rows) // 3)
    staging = replace(
        saas,
        index=installations,
        hostname="staging.quayside.example",
        people=240.0,
        saas=False,
        plan="",
        growth=0.0,
    )
    clones = _clone(people, installations + 1, month) if months > 6 else []
    return Population(
        installations=(*people, staging, *clones),
        subscriptions=tuple(rows),
        labels=(
            Label(uuid=saas.uuid, hostname=saas.hostname, delivery="saas"),
            Label(uuid=staging.uuid, hostname=staging.hostname, exclude="Staging of the SaaS installation"),
        ),
    )


def _clone(people: list[Installation], index: int, month: date) -> list[Installation]:
    """A restored backup that reports for a while, under the uuid of its original."""
    original = next((i for i in people[1:] if i.plan and i.people > 60 and not i.stops and not i.silent), None)
    if original is None:
        return []
    return [
        replace(
            original,
            index=index,
            hostname=f"restore-test.{original.hostname}",
            starts=first_of_month(month, -6) + timedelta(days=8),
            stops=first_of_month(month, -5) + timedelta(days=20),
            people=original.people * 0.02,
        )
    ]


def _uuid(chance: random.Random) -> str:
    return str(uuids.UUID(int=chance.getrandbits(128), version=4))


def _adoption(chance: random.Random) -> tuple[float, ...]:
    spread = []
    for counter in EVERY:
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
        adoption=tuple(1.0 for _ in EVERY),
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
        edition = CE if draw < 0.33 else FREE_EE
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
