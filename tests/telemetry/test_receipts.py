"""What a receipt tells later: which months and figures used the ping, and why they do not."""

from __future__ import annotations

import pytest

from metrics.definitions.catalogue import raise_version
from metrics.engine.months import close_month
from metrics.engine.rollup import roll_up_dirty
from metrics.models import IndicatorMapping, MetricDefinition
from metrics.periods import Month
from stages.models import Section, Stage
from telemetry import worker
from telemetry.models import Ping
from telemetry.queries import receipt
from telemetry.verbs.reviews import reject_pings
from tests.telemetry.builders import a_metric, a_ping, an_indicator

pytestmark = pytest.mark.django_db


def mapped(metric: MetricDefinition, stage: str) -> None:
    """The metric is a stage's SMAU."""
    section, _ = Section.objects.get_or_create(key="dev", defaults={"name": "Dev"})
    Stage.objects.get_or_create(key=stage, defaults={"name": stage, "section": section})
    IndicatorMapping.objects.create(kind="smau", subject_kind="stage", subject_key=stage, metric=metric)
    raise_version()


@pytest.fixture(autouse=True)
def figures() -> None:
    """Create's users of 28 days, and a counter since install."""
    mapped(an_indicator(), "create")
    mapped(a_metric("counts.ever", slot=130, time_frame="all"), "plan")


def a_read_ping(day: str, **values: object) -> Ping:
    ping = a_ping(recorded_at=f"2026-{day}T00:00:00Z", counts={"ever": 100 + int(day[:2])}, **values)
    worker.read_all()
    return ping


def used(ping: Ping) -> list[tuple[str, str, tuple[str, ...]]]:
    ping.refresh_from_db()
    return [(use.month, use.part, use.figures) for use in receipt(ping).used_in]


def test_the_figures_of_its_month_and_of_the_one_it_is_the_baseline_of() -> None:
    first, second = a_read_ping("09-20"), a_read_ping("10-20")
    assert used(second) == [("2026-10", "waiting", ())]
    roll_up_dirty()
    assert used(first) == [
        ("2026-09", "month_report", ("smau.create.2026-09",)),
        ("2026-10", "baseline", ("smau.plan.2026-10",)),
    ]
    assert used(second) == [("2026-10", "month_report", ("smau.create.2026-10", "smau.plan.2026-10"))]


def test_a_ping_that_a_later_one_of_the_month_supersedes() -> None:
    first = a_read_ping("10-05")
    roll_up_dirty()
    a_read_ping("10-20")
    roll_up_dirty()
    assert used(first) == [("2026-10", "superseded", ())]
    assert receipt(first).used_in[0].sentence == "a later ping of the month counts instead"


def test_what_was_published_with_it_is_told_when_another_counts_since() -> None:
    first = a_read_ping("10-05")
    roll_up_dirty()
    close_month(month=Month(2026, 10), actor=None, reason="all in")
    a_read_ping("10-20")
    roll_up_dirty()
    assert used(first) == [
        ("2026-10", "published", ("smau.create.2026-10~published",)),
        ("2026-10", "superseded", ()),
    ]


def test_a_quarantined_and_a_rejected_ping_move_nothing() -> None:
    held = a_read_ping("10-05", users=999_999_999)
    roll_up_dirty()
    assert used(held) == [("2026-10", "held", ())]
    assert receipt(held).quarantine is not None
    reject_pings(ids=[held.pk], by=None, reason="A rig.")
    roll_up_dirty()
    assert used(held) == [("2026-10", "rejected", ())]
