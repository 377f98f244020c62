"""Indicators, weeks and predictions: engine and plain rules agree, however mapping and catalog moved."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrics.definitions.mapping import MappingRefused, map_indicator, resolve_conflict, unmap_indicator
from metrics.engine import rollup
from metrics.engine.estimates import Grain
from metrics.engine.months import close_month
from metrics.figures.movement import movement
from metrics.figures.passport import passport
from metrics.figures.predictions import predictions
from metrics.figures.queries import figures
from metrics.figures.question import Cut, Question
from metrics.figures.restatements import restatements
from metrics.periods import Month, Week
from stages.models import Section, Stage
from tests.metrics import naive_model as naive
from tests.metrics.test_engine_against_naive_model import FRAMES, PHASES, WHO, Both, events, pings, undone
from tests.metrics.world import a_group, a_stage

pytestmark = pytest.mark.django_db

SETTINGS = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
MONTHS = [(2026, 1), (2026, 2), (2026, 3), (2026, 4)]
STAGES = {"create": "dev", "plan": "dev", "verify": "ops"}
SUBJECTS = [*(("smau", stage) for stage in STAGES), ("gmau", "code"), ("paid_gmau", "code"), ("umau", "")]
ASKED = [*SUBJECTS, ("section_cmau", "dev"), ("section_cmau", "ops"), ("cmau", "")]
CUTS = [naive.Asked(), naive.Asked(delivery="self_managed"), naive.Asked(edition="EE"), naive.Asked(paid=True)]

bounds = st.sampled_from([None, *MONTHS])
metrics = st.sampled_from(list(FRAMES))
changes = st.one_of(
    st.tuples(st.just("map"), st.sampled_from(SUBJECTS), metrics, bounds, bounds, st.booleans()),
    st.tuples(st.just("map"), st.sampled_from(SUBJECTS), metrics, bounds, bounds, st.booleans()),
    st.tuples(st.just("unmap"), st.sampled_from(SUBJECTS), metrics, bounds, bounds),
    st.tuples(st.just("resolve"), st.sampled_from(SUBJECTS), metrics),
    st.tuples(st.just("move"), st.sampled_from(list(STAGES)), st.sampled_from(["dev", "ops"])),
)
histories = st.lists(st.one_of(events, changes, changes), min_size=1, max_size=14)


class Mapped(Both):
    """Engine and plain model with a catalog: each stage starts with a metric."""

    def __init__(self) -> None:
        super().__init__()
        for stage, section in STAGES.items():
            a_stage(stage, section)
        a_group("code", Stage.objects.get(key="create"))
        self.world.sections = dict(STAGES)
        for subject, metric in zip(SUBJECTS, ["m28", "mall", "mnone", "m28", "m28", "mnone"], strict=True):
            self.map(subject, metric, None, None, False)

    def span(self, first: Any, last: Any) -> dict[str, Any]:
        months = {"from_month": first, "to_month": last}
        return {name: None if month is None else Month(*month).first for name, month in months.items()}

    def theirs(self, subject: tuple[str, str], first: Any, last: Any) -> dict[naive.Month, set[str]]:
        """What the plain model has for a subject in these months."""
        kept = self.world.mapping.setdefault(subject, {})
        covered = [month for month in MONTHS if (first or month) <= month <= (last or month)]
        return {month: kept.setdefault(month, set()) for month in covered}

    def map(self, subject: tuple[str, str], metric: str, first: Any, last: Any, beside: bool) -> None:
        if first and last and last < first:
            return
        map_indicator(
            kind=subject[0],
            subject_key=subject[1],
            metric=self.metrics[metric],
            reason="because",
            actor=None,
            beside_others=beside,
            **self.span(first, last),
        )
        for kept in self.theirs(subject, first, last).values():
            if not beside:
                kept.clear()
            kept.add(metric)

    def unmap(self, subject: tuple[str, str], metric: str, first: Any, last: Any) -> None:
        if first and last and last < first:
            return
        unmap_indicator(
            kind=subject[0],
            subject_key=subject[1],
            metric=self.metrics[metric],
            reason="because",
            actor=None,
            **self.span(first, last),
        )
        for kept in self.theirs(subject, first, last).values():
            kept.discard(metric)

    def resolve(self, subject: tuple[str, str], metric: str) -> None:
        try:
            resolve_conflict(
                kind=subject[0], subject_key=subject[1], keep=self.metrics[metric], reason="because", actor=None
            )
        except MappingRefused:
            return
        for kept in self.theirs(subject, None, None).values():
            if metric in kept:
                kept.intersection_update({metric})

    def move(self, stage: str, section: str) -> None:
        Stage.objects.filter(key=stage).update(section=Section.objects.get(key=section))
        self.world.sections[stage] = section

    def compare_indicators(self, *, published: naive.World | None = None) -> None:
        world = published or self.world
        grains = [Grain.VERSION_SUBSCRIPTION, Grain.REPORTED_SEAT]
        asked = list(product(ASKED, MONTHS, CUTS, grains))
        found = figures(
            [
                Question(
                    kind,
                    Month(*month),
                    subject,
                    Cut(delivery=cut.delivery, edition=cut.edition, paid=cut.paid),
                    grain,
                    published is not None,
                )
                for (kind, subject), month, cut, grain in asked
            ]
        )
        for one, ((kind, subject), month, cut, grain) in zip(found, asked, strict=True):
            expected = naive.indicator(world, kind, subject, month, cut, grain.value)
            got = naive.Expected(
                None if one.recorded is None else Fraction(one.recorded),
                one.uplift,
                one.coverage.reporting or 0,
                one.coverage.pinging or 0,
                one.coverage.known,
                "cannot_be_estimated" in one.flags,
            )
            assert got == expected, one.id


@SETTINGS
@given(histories)
def test_indicators_follow_their_mapping_month_by_month(history: list[tuple[Any, ...]]) -> None:
    with undone():
        both = Mapped()
        for event in history:
            both.happen(event)
        both.rollup(whole=False)
        both.compare_indicators()
        assert not any(one.changed for one in rollup.roll_up_all())
        both.compare_indicators()


@SETTINGS
@given(st.lists(st.one_of(events, changes), max_size=8), st.lists(st.one_of(events, changes, changes), max_size=8))
def test_published_indicators_stay_and_their_restatements_passports_and_movements_add_up(
    before: list[tuple[Any, ...]], after: list[tuple[Any, ...]]
) -> None:
    with undone():
        both = Mapped()
        for event in before:
            both.happen(event)
        for month in MONTHS:
            close_month(month=Month(*month), actor=None, reason="all in")
        then = copy.deepcopy(both.world)
        for event in after:
            both.happen(event)
        both.rollup(whole=False)
        both.compare_indicators()
        both.compare_indicators(published=then)
        for (kind, subject), month in product([("cmau", ""), ("section_cmau", "dev"), ("smau", "create")], MONTHS[1:]):
            question = Question(kind, Month(*month), subject)
            live, old = figures([question, replace(question, published=True)])
            at, estimated = old.recorded, old.estimated
            for change in restatements(question):
                assert (change.old, change.old_estimated) == (at, estimated)
                at, estimated = change.new, change.new_estimated
            assert (at, estimated) == (live.recorded, live.estimated)
            for asked in (question, replace(question, published=True)):
                assert passport(asked).adds_up, asked.id
                assert movement(asked).adds_up, asked.id


@SETTINGS
@given(st.lists(st.one_of(events, changes), max_size=16), st.integers(1, 12))
def test_predictions_are_the_straight_line_of_the_rules(history: list[tuple[Any, ...]], ahead: int) -> None:
    with undone():
        both = Mapped()
        # Something in each month, so that there is a line more often than not.
        for who, month in product(WHO[:2], MONTHS):
            ping = naive.Ping(
                "", "", datetime(*month, 2, tzinfo=UTC), {"m28": 10 * month[1], "mnone": 7}, "13.3.1", "CE"
            )
            both.happen(("ping", who, ping))
        for event in history:
            both.happen(event)
        both.rollup(whole=False)
        for kind, subject in ASKED:
            found = predictions(Question(kind, Month(*MONTHS[-1]), subject), ahead)[-1]
            expected = naive.prediction(both.world, kind, subject, MONTHS[-1], ahead)
            assert found.value == expected, (kind, subject)


WEEKS = [(2026, 1), (2026, 5), (2026, 9), (2026, 14)]
"""The second and third end in another month than they begin."""

in_weeks = st.builds(
    lambda week, day, hour: datetime.fromisocalendar(week[0], week[1], day).replace(hour=hour, tzinfo=UTC),
    st.sampled_from(WEEKS),
    st.sampled_from([1, 6, 7]),
    st.sampled_from([0, 23]),
)
weekly = st.tuples(
    st.just("ping"),
    st.sampled_from(WHO),
    st.builds(lambda ping, moment: replace(ping, recorded_at=moment), pings, in_weeks),
)


@SETTINGS
@given(st.lists(st.one_of(weekly, weekly, events), min_size=1, max_size=12))
def test_weeks_are_the_last_report_of_the_week(history: list[tuple[Any, ...]]) -> None:
    with undone():
        both = Mapped()
        for event in history:
            both.happen(event)
        both.rollup(whole=False)
        for week, cut in product(WEEKS, [*CUTS[:2], CUTS[3], naive.Asked(delivery="saas", paid=True)]):
            question = Question("metric", Week(*week), "m7", Cut(delivery=cut.delivery, paid=cut.paid))
            [one] = figures([question])
            expected = naive.week_figure(both.world, "m7", week, cut)
            got = (one.recorded, one.coverage.reporting, one.coverage.pinging)
            assert got == (expected.recorded, expected.reporting, expected.pinging), question.id
            assert passport(question).adds_up
