"""The engine and the plain rules give the same figures, whatever happened and in whatever order it came."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import count, product
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from metrics.engine import rollup
from metrics.engine.estimates import Grain
from metrics.engine.months import close_month
from metrics.facts import (
    Missing,
    correct_report,
    erase_installation,
    hold_report,
    record_reports,
    refill_report,
    reject_report,
    release_report,
)
from metrics.figures.movement import movement
from metrics.figures.passport import passport
from metrics.figures.queries import figures
from metrics.figures.question import Cut, Question
from metrics.figures.restatements import restatements
from metrics.labels import label_installation
from metrics.models import MetricDefinition, Subscription
from metrics.periods import Month
from tests.metrics import naive_model as naive
from tests.metrics.world import a_metric, facts

pytestmark = pytest.mark.django_db

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""Without shrinking: an example is a history of database work, and making it smaller takes many minutes."""

FRAMES = {"m28": "28d", "mall": "all", "mnone": "none", "m7": "7d"}
MONTHS = [(2026, 1), (2026, 2), (2026, 3)]
WHO = [("u1", "a"), ("u1", "b"), ("u2", "a"), ("u3", "a")]
MISSING = {"timed_out": Missing.TIMED_OUT, "null": Missing.NULL, "failed": Missing.FAILED}
CUTS = [
    naive.Asked(),
    naive.Asked(delivery="saas"),
    naive.Asked(delivery="self_managed"),
    naive.Asked(edition="CE"),
    naive.Asked(tier="premium"),
    naive.Asked(paid=True),
    naive.Asked(paid=True, delivery="saas"),
    naive.Asked(version=(13, 3)),
    naive.Asked(delivery="self_managed", edition="EE", paid=True),
]

numbers = st.one_of(
    st.integers(0, 50),
    st.sampled_from([-5, 0, 2**61, 2**63, 2**64 + 1, Decimal("2.5"), Decimal("0.1"), 10**30]),
)
values = st.dictionaries(st.sampled_from(list(FRAMES)), st.one_of(numbers, numbers, st.sampled_from(list(MISSING))))
moments = st.builds(
    lambda month, day, hour: datetime(month[0], month[1], day, hour, tzinfo=UTC),
    st.sampled_from(MONTHS),
    st.sampled_from([1, 15, 28]),
    st.sampled_from([0, 23]),
)
pings = st.builds(
    naive.Ping,
    uuid=st.just(""),
    hostname=st.just(""),
    recorded_at=moments,
    values=values,
    version=st.sampled_from(["13.2.0", "13.3.1", "13.10.0", "", "x"]),
    edition=st.sampled_from(["CE", "EE", "EES", "EEU", ""]),
    plan=st.sampled_from(["", "starter", "premium", "ultimate", "free"]),
    expires_on=st.sampled_from([None, None, date(2026, 2, 15), date(2027, 1, 1)]),
    subscription=st.sampled_from(["", "S1", "S2", "S3"]),
    users=st.sampled_from([None, 3, 7]),
    population=st.sampled_from(["all", "all", "all", "paid"]),
    state=st.sampled_from(["accepted", "accepted", "accepted", "held"]),
)
bounds = st.sampled_from([None, *MONTHS])
events = st.one_of(
    st.tuples(st.just("ping"), st.sampled_from(WHO), pings),
    st.tuples(st.just("ping"), st.sampled_from(WHO), pings),
    st.tuples(st.just("ping"), st.sampled_from(WHO), pings),
    st.tuples(st.just("ping"), st.sampled_from(WHO), pings),
    st.tuples(st.just("delivery"), st.sampled_from(WHO), st.sampled_from(["saas", "self_managed"]), bounds, bounds),
    st.tuples(st.just("exclusion"), st.sampled_from(WHO), st.booleans(), bounds, bounds),
    st.tuples(
        st.just("subscription"),
        st.sampled_from(["S1", "S2", "S4"]),
        st.integers(0, 9),
        st.sampled_from([date(2026, 1, 1), date(2026, 2, 28), date(2026, 3, 31)]),
        st.sampled_from([None, date(2026, 1, 31), date(2026, 3, 1)]),
        st.sampled_from(["self_managed", "self_managed", "saas"]),
    ),
    st.tuples(st.just("judge"), st.integers(0, 5), st.sampled_from(["accepted", "held", "rejected"])),
    st.tuples(st.just("refill"), st.integers(0, 5), values),
    st.tuples(st.just("correct"), st.integers(0, 5), pings),
    st.tuples(st.just("erase"), st.sampled_from(WHO)),
    st.tuples(st.just("rollup"), st.booleans()),
)


histories = st.lists(events, min_size=1, max_size=8)


@contextmanager
def undone() -> Iterator[None]:
    """Everything within is taken back: hypothesis runs many examples in one test."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


class Both:
    """The engine and the plain model, told the same."""

    def __init__(self) -> None:
        self.world = naive.World(frames=FRAMES)
        self.metrics: dict[str, MetricDefinition] = {
            name: a_metric(name, frame=frame) for name, frame in FRAMES.items()
        }
        self.sources: list[tuple[str, naive.Ping]] = []
        self.came = count()

    def happen(self, event: tuple[Any, ...]) -> None:
        getattr(self, event[0])(*event[1:])

    def reading(self, value: Any) -> Any:
        return MISSING[value] if isinstance(value, str) else value

    def ping(self, who: tuple[str, str], ping: naive.Ping) -> None:
        ping = naive.Ping(**{**vars(ping), "uuid": who[0], "hostname": who[1], "values": dict(ping.values)})
        # Erasing takes sources away, and no two reports may come from one.
        source = f"s:{next(self.came)}"
        [recorded] = record_reports(
            [
                facts(
                    who[0],
                    ping.recorded_at,
                    {self.metrics[name]: self.reading(value) for name, value in ping.values.items()},
                    hostname=who[1],
                    source=source,
                    version=ping.version,
                    edition=ping.edition,
                    license_plan=ping.plan,
                    license_expires_on=ping.expires_on,
                    subscription=ping.subscription,
                    license_user_count=ping.users,
                    population=ping.population,
                    held="" if ping.state == "accepted" else "suspicious",
                )
            ]
        )
        self.world.pings.append(ping)
        if recorded.created:
            self.sources.append((source, ping))

    def delivery(self, who: tuple[str, str], delivery: str, first: Any, last: Any) -> None:
        if first is not None and last is not None and last < first:
            return
        self._label(who, first, last, delivery=delivery)
        self.world.labels.append(naive.Label(who, delivery=delivery, first=first, last=last))

    def exclusion(self, who: tuple[str, str], excluded: bool, first: Any, last: Any) -> None:
        if first is not None and last is not None and last < first:
            return
        self._label(who, first, last, **({"exclude": "odd"} if excluded else {"include": True}))
        self.world.labels.append(naive.Label(who, excluded=excluded, first=first, last=last))

    def _label(self, who: tuple[str, str], first: Any, last: Any, **what: Any) -> None:
        label_installation(
            uuid=who[0],
            hostname=who[1],
            first=None if first is None else Month(*first),
            last=None if last is None else Month(*last),
            **what,
        )

    def subscription(self, name: str, seats: int, starts: date, ends: date | None, delivery: str) -> None:
        if ends is not None and ends < starts:
            return
        self.world.subs[name] = naive.Sub(name, seats, starts, ends, delivery)
        Subscription.objects.update_or_create(
            subscription_id=name,
            defaults={"seats": seats, "starts_on": starts, "ends_on": ends, "delivery": delivery, "account": name},
        )
        from metrics.engine.rollup import known_months
        from metrics.facts import note

        note(months=known_months(), cause="subscriptions")

    def judge(self, number: int, state: str) -> None:
        if number >= len(self.sources):
            return
        source, ping = self.sources[number]
        {
            "accepted": lambda: release_report(source=source, actor=None),
            "held": lambda: hold_report(source=source, reason="odd"),
            "rejected": lambda: reject_report(source=source, actor=None),
        }[state]()
        ping.state = state

    def refill(self, number: int, values: dict[str, Any]) -> None:
        if number >= len(self.sources):
            return
        source, ping = self.sources[number]
        refill_report(
            source=source,
            readings={
                slot: self.reading(value)
                for name, value in values.items()
                if (slot := self.metrics[name].slot) is not None
            },
        )
        for name, value in values.items():
            if not naive.is_ok(ping.values.get(name)):
                ping.values[name] = value

    def correct(self, number: int, now: naive.Ping) -> None:
        if number >= len(self.sources):
            return
        source, ping = self.sources[number]
        for name in ("version", "edition", "plan", "expires_on", "subscription", "users"):
            setattr(ping, name, getattr(now, name))
        ping.values = dict(now.values)
        fact = facts(
            ping.uuid,
            ping.recorded_at,
            {self.metrics[name]: self.reading(value) for name, value in now.values.items()},
            hostname=ping.hostname,
            source=source,
            version=now.version,
            edition=now.edition,
            license_plan=now.plan,
            license_expires_on=now.expires_on,
            subscription=now.subscription,
            license_user_count=now.users,
            population=ping.population,
        )
        slots = {metric.slot for metric in self.metrics.values() if metric.slot is not None}
        correct_report(fact=fact, slots=slots)
        assert correct_report(fact=fact, slots=slots).is_empty

    def erase(self, who: tuple[str, str]) -> None:
        erase_installation(uuid=who[0], hostname=who[1], actor=None, reason="asked")
        self.world.pings = [ping for ping in self.world.pings if ping.who != who]
        self.world.labels = [label for label in self.world.labels if label.who != who]
        self.sources = [(source, ping) for source, ping in self.sources if ping.who != who]

    def rollup(self, whole: bool) -> None:
        if whole:
            rollup.roll_up_all()
        rollup.roll_up_dirty()

    def answers(self) -> list[Any]:
        """Every figure with all its cuts and grains, without the time at which it was computed."""
        asked = [
            Question("metric", Month(*month), metric, cut, grain)
            for metric, month, cut, grain in product(self.metrics, MONTHS, [Cut(), Cut(paid=True)], Grain)
        ]
        return [{name: value for name, value in one.as_row().items() if name != "as_of"} for one in figures(asked)]

    def compare(self, *, published: naive.World | None = None, months: Any = MONTHS) -> None:
        """Hold figures against the plain model: live ones, or published ones against the world as it was."""
        world = published or self.world
        # Every cut by the official grain, and every grain uncut: p does not depend on the cut.
        official, *others = [grain.value for grain in Grain]
        asked = [
            *product(self.metrics, months, CUTS, [official]),
            *product(self.metrics, months, CUTS[:1], others),
        ]
        found = figures(
            [
                Question(
                    indicator="metric",
                    subject=metric,
                    period=Month(*month),
                    cut=Cut(
                        delivery=cut.delivery,
                        edition=cut.edition,
                        tier=cut.tier,
                        paid=cut.paid,
                        version="" if cut.version is None else f"{cut.version[0]}.{cut.version[1]}",
                    ),
                    grain=Grain(grain),
                    published=published is not None,
                )
                for metric, month, cut, grain in asked
            ]
        )
        for figure, (metric, month, cut, grain) in zip(found, asked, strict=True):
            expected = naive.figure(world, metric, month, cut, grain)
            got = naive.Expected(
                None if figure.recorded is None else Fraction(figure.recorded),
                figure.uplift,
                figure.coverage.reporting or 0,
                figure.coverage.pinging or 0,
                figure.coverage.known,
                "cannot_be_estimated" in figure.flags,
            )
            assert got == expected, figure.id


TABLES = {
    "metrics_monthreport": "month, installation_id, population, report_id, baseline_id, delivery, edition, tier,"
    " version_number, subscription, license_user_count, edition_noted, starter, excluded",
    "metrics_cell": "month, page, population, delivery, edition, tier, version_number, sums, counts, oks, resets",
    "metrics_cellcount": "month, population, delivery, edition, tier, version_number, pinging, edition_noted, starter",
    "metrics_subscriptionmonth": "month, active, seats, silent, versions::text",
    "metrics_reportedmonth": "month, page, subscriptions, seats",
    "metrics_firstversions": "month, page, edition, versions",
}


def rows() -> dict[str, list[Any]]:
    """All that is rolled up, without numbers of rows and revisions."""
    found = {}
    with connection.cursor() as cursor:
        for table, columns in TABLES.items():
            cursor.execute(f"SELECT {columns} FROM {table} WHERE to_revision IS NULL")
            found[table] = sorted(cursor.fetchall(), key=repr)
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
@given(st.lists(events, min_size=1, max_size=14))
def test_any_history_gives_what_the_rules_say_and_a_rebuild_changes_nothing(history: list[tuple[Any, ...]]) -> None:
    with undone():
        both = Both()
        for event in history:
            both.happen(event)
        both.rollup(whole=False)
        both.compare()
        before = rows()
        assert not any(one.changed for one in rollup.roll_up_all())
        assert rows() == before


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
@given(
    st.lists(st.tuples(st.just("ping"), st.sampled_from(WHO), pings), min_size=2, max_size=10),
    st.randoms(use_true_random=False),
    st.integers(0, 10),
)
def test_halves_in_any_order_with_a_roll_up_between_are_as_good_as_all_at_once(
    history: list[tuple[Any, ...]], random: Any, cut: int
) -> None:
    seen: set[Any] = set()
    distinct = []
    for event in history:
        identity = (event[1], event[2].recorded_at, event[2].population)
        if identity not in seen:
            seen.add(identity)
            distinct.append(event)
    shuffled = list(distinct)
    random.shuffle(shuffled)
    results = []
    for order, middle in ((distinct, len(distinct)), (shuffled, cut % (len(distinct) + 1))):
        with undone():
            both = Both()
            for event in order[:middle]:
                both.happen(event)
            both.rollup(whole=False)
            for event in order[middle:]:
                both.happen(event)
            both.rollup(whole=False)
            both.compare()
            before = rows()
            assert not any(one.changed for one in rollup.roll_up_all())
            assert rows() == before
            results.append((both.answers(), {table: len(found) for table, found in before.items()}))
    assert results[0] == results[1]


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
@given(
    st.lists(events, min_size=1, max_size=8), st.lists(events, min_size=1, max_size=8), st.sampled_from([*MONTHS, None])
)
def test_what_was_published_stays_whatever_happens_and_restatements_lead_to_now(
    before: list[tuple[Any, ...]], after: list[tuple[Any, ...]], closed: Any
) -> None:
    months = MONTHS if closed is None else [closed]
    with undone():
        both = Both()
        for event in before:
            both.happen(event)
        for month in months:
            close_month(month=Month(*month), actor=None, reason="all in")
        then = copy.deepcopy(both.world)
        for event in after:
            both.happen(event)
        both.rollup(whole=False)
        both.compare()
        both.compare(published=then, months=months)
        for metric, month in product(both.metrics, months):
            question = Question(indicator="metric", subject=metric, period=Month(*month))
            live, old = figures([question, replace(question, published=True)])
            changes = restatements(question)
            at, estimated = old.recorded, old.estimated
            for change in changes:
                assert (change.old, change.old_estimated) == (at, estimated)
                at, estimated = change.new, change.new_estimated
            assert (at, estimated) == (live.recorded, live.estimated)
            for asked in (question, replace(question, published=True)):
                assert passport(asked).adds_up, asked.id
            assert movement(question).adds_up, question.id
