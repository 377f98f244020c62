"""The worked examples of the domain page, with the numbers as written."""

from __future__ import annotations

from datetime import date

import pytest

from metrics.engine.rollup import roll_up_dirty
from metrics.facts import Missing, record_reports
from metrics.figures.asking import questions_from
from metrics.figures.queries import Figure, figures
from metrics.labels import label_installation
from metrics.models import MetricDefinition
from tests.metrics.world import a_metric, a_smau, a_stage, a_subscription, facts, mapped, report

pytestmark = pytest.mark.django_db


def ask(**asked: str) -> Figure:
    roll_up_dirty()
    [found] = figures(questions_from(asked))
    return found


def test_may_has_14_self_managed_80_saas_94_in_all_and_covers_1_of_2() -> None:
    smau = a_smau("create")
    label_installation(uuid="d", hostname="host", delivery="saas")
    report("a", "2026-05-04", {smau: 10}, edition="EE")
    report("a", "2026-05-25", {smau: 14}, edition="EE")
    report("b", "2026-05-30", {smau: Missing.TIMED_OUT}, edition="EE")
    report("c", "2026-04-27", {smau: 9}, edition="EE")
    report("d", "2026-05-29", {smau: 80}, edition="EE")
    may = {"indicator": "smau", "stage": "create", "month": "2026-05"}
    own = ask(**may, delivery="self_managed")
    assert own.recorded == 14
    assert (own.coverage.reporting, own.coverage.pinging) == (1, 2)
    assert ask(**may, delivery="saas").recorded == 80
    assert ask(**may).recorded == 94


def _create_smau() -> MetricDefinition:
    smau = a_smau("create")
    label_installation(uuid="saas", hostname="host", delivery="saas")
    report("saas", "2026-10-20", {smau: 800_000}, edition="EE")
    # 3,000 new enough, 700 too old, 1,300 silent; 530,000 of 1,000,000 seats are new enough.
    new = []
    for n in range(3000):
        value = 400 if n < 1000 else 300
        new.append(facts(f"n{n}", "2026-10-10", {smau: value}, edition="EE", version="13.3.1", subscription=f"n{n}"))
    old = [
        facts(f"old-{n}", "2026-10-10", {}, edition="EE", version="13.2.9", subscription=f"o{n}") for n in range(700)
    ]
    record_reports([*new, *old])
    from metrics.models import Subscription

    def listed(name: str, seats: int) -> Subscription:
        return Subscription(
            subscription_id=name, seats=seats, starts_on=date(2026, 1, 1), ends_on=None, delivery="self_managed"
        )

    Subscription.objects.bulk_create(
        [
            *(listed(f"n{n}", 530_000 // 3000 + (1 if n < 530_000 % 3000 else 0)) for n in range(3000)),
            *(listed(f"o{n}", 235) for n in range(700)),
            *(listed(f"s{n}", 235) for n in range(1300)),
        ]
    )
    return smau


def test_create_smau_is_lifted_by_666667_to_2466667_and_by_seats_to_2686792() -> None:
    _create_smau()
    october = {"indicator": "smau", "stage": "create", "month": "2026-10"}
    official = ask(**october)
    assert official.question.grain.value == "version-subscription"
    assert (official.recorded, official.uplift, official.estimated) == (1_800_000, 666_667, 2_466_667)
    assert (official.parts[0].share.numerator, official.parts[0].share.denominator) == (3000, 5000)
    own = ask(**october, delivery="self_managed")
    assert (own.recorded, own.estimated, own.coverage.known) == (1_000_000, 1_666_667, 5000)
    seats = ask(**october, grain="version-seat")
    assert (seats.uplift, seats.estimated) == (886_792, 2_686_792)


def test_two_editions_400_at_a_half_and_600_at_three_quarters_make_1600_with_600_uplift() -> None:
    smau = a_smau("create")
    # CE has the metric since 13.4, EE since 13.2: of four subscriptions two are on 13.4 and three on 13.2 or later.
    report("c", "2026-10-05", {smau: 400}, edition="CE", version="13.4")
    report("e", "2026-10-05", {smau: 600}, edition="EE", version="13.2")
    report("x1", "2026-10-05", {}, edition="EE", version="13.4", subscription="1")
    report("x2", "2026-10-05", {}, edition="EE", version="13.5", subscription="2")
    report("x3", "2026-10-05", {}, edition="EE", version="13.3", subscription="3")
    a_subscription("4")
    found = ask(indicator="smau", stage="create", month="2026-10")
    assert (found.recorded, found.uplift, found.estimated) == (1000, 600, 1600)
    assert {part.edition: part.share.p for part in found.parts} == {"CE": 0.5, "EE": 0.75}


def test_dev_adds_up_to_165_ops_to_75_and_all_to_240_over_120_unique() -> None:
    values = {"plan": 40, "create": 100, "manage": 25, "verify": 60, "release": 15}
    metrics = {stage: a_smau(stage, "dev" if stage in ("plan", "create", "manage") else "ops") for stage in values}
    umau = a_metric("usage.anyone")
    mapped(umau, kind="umau", subject="")
    report("a", "2026-10-05", {**{metrics[stage]: value for stage, value in values.items()}, umau: 120})
    dev = ask(indicator="section_cmau", section="dev", month="2026-10")
    assert (dev.recorded, dev.flags) == (165, ("combined", "cannot_be_estimated"))
    assert ask(indicator="section_cmau", section="ops", month="2026-10").recorded == 75
    whole = ask(indicator="cmau", month="2026-10")
    unique = ask(indicator="umau", month="2026-10")
    assert (whole.recorded, unique.recorded) == (240, 120)
    assert (whole.coverage.reporting, whole.coverage.known) == (None, None)


def test_a_stage_without_a_figure_is_missing_from_the_combined_one_by_name() -> None:
    plan = a_smau("plan")
    a_smau("create")
    a_stage("manage")
    report("a", "2026-10-05", {plan: 40})
    found = ask(indicator="section_cmau", section="dev", month="2026-10")
    assert found.recorded == 40
    assert "stages_missing:create,manage" in found.flags
