"""Figures on the pages of stages, groups and sections, on the table, and on the home page."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from metrics.definitions.catalogue import raise_version
from metrics.engine.months import close_month
from metrics.engine.rollup import roll_up_dirty
from metrics.facts import Missing, ReportFacts, record_reports
from metrics.models import IndicatorMapping, MetricDefinition
from metrics.models.dictionary import MetricSlot, Status
from metrics.periods import Month
from stages.models import Category, Group, Stage
from tests.builders import streamed
from tests.metrics.world import a_metric, mapped


def reported(uuid: str, month: int, value: int | Missing, metric: MetricDefinition, **facts: Any) -> None:
    """An installation's report of a month of 2026."""
    assert metric.slot is not None
    record_reports(
        [
            ReportFacts(
                uuid=uuid,
                hostname=f"{uuid}.example.org",
                recorded_at=datetime(2026, month, 20, tzinfo=UTC),
                source=f"readings:{uuid}-{month}",
                version="16.2.0",
                edition="EE",
                readings={metric.slot: value},
                **facts,
            )
        ]
    )


@pytest.fixture
def world(catalog: None, clock: Any) -> MetricDefinition:
    """Create has a SMAU: 40 in September, 50 in October, and November still runs."""
    clock.at("2026-11-28 12:00")
    metric = a_metric("usage.push")
    metric.group = Group.objects.get(key="source_code")
    metric.save()
    mapped(metric, "smau", "create")
    mapped(metric, "gmau", "source_code")
    for uuid, values in (("one", (30, 35, 36)), ("two", (10, 15, Missing.TIMED_OUT))):
        for month, value in zip((9, 10, 11), values, strict=True):
            reported(uuid, month, value, metric)
    roll_up_dirty()
    raise_version()
    return metric


@pytest.mark.parametrize("stage", ["create", "plan"])
def test_a_stage_page_takes_few_queries_also_at_the_first_look_after_a_roll_up(
    world: MetricDefinition, viewer_client: Client, queries: Callable[[], AbstractContextManager[Any]], stage: str
) -> None:
    # Whatever costs a query of its own: groups with categories, related stages, a published month that changed since,
    # a metric whose slot changed, and one that is broken.
    found = Stage.objects.get(key=stage)
    found.related_keys = ["create", "plan"]
    found.save()
    Category.objects.create(key="review", name="Review").groups.set(found.groups.all())
    close_month(month=Month(2026, 10), actor=None, reason="all in")
    MetricSlot.objects.create(slot=9, definition=world, retired_at=timezone.now())
    broken = a_metric("usage.broken")
    MetricDefinition.objects.filter(pk=broken.pk).update(status=Status.BROKEN, group=found.groups.first())
    reported("three", 10, 5, world)
    roll_up_dirty()
    cache.clear()
    for most in (15, 10):
        with queries() as ran:
            page = viewer_client.get(f"/stages/{stage}/").content.decode()
        assert "unavailable" not in page
        assert "Review" in page
        assert "usage.broken" in page.replace("<wbr>", "")
        assert len(ran) <= most, ran.statements


def test_the_home_page_takes_few_queries_also_at_the_first_look(
    world: MetricDefinition, viewer_client: Client, queries: Callable[[], AbstractContextManager[Any]]
) -> None:
    cache.clear()
    for most in (52, 21):
        with queries() as ran:
            assert "Create" in viewer_client.get("/").content.decode()
        assert len(ran) <= most, ran.statements


def test_a_stage_shows_its_figure_with_all_that_belongs_to_it(world: MetricDefinition, viewer_client: Client) -> None:
    text = viewer_client.get("/stages/create/").content.decode()
    assert "unavailable" not in text
    assert "Create · SMAU" in text
    assert "Oct 2026" in text
    assert "provisional" in text
    assert "▲ 25.0 %" in text
    assert "2 of 2 reporting" in text
    assert "/figures/smau.create.2026-10/" in text
    assert "28 days before each installation" in text
    assert "Create SMAU grew 25.0 % in October 2026" in text


def test_a_closed_month_that_a_late_report_changes_says_restated_at_once(
    world: MetricDefinition, viewer_client: Client
) -> None:
    close_month(month=Month(2026, 10), actor=None, reason="all in")
    before = viewer_client.get("/stages/create/").content.decode()
    assert "restated" not in before
    reported("three", 10, 5, world)
    roll_up_dirty()
    text = viewer_client.get("/stages/create/").content.decode()
    assert "restated" in text
    assert "It has changed since it was published" in text


def test_a_stage_s_handbook_blocks_are_filled_from_the_dictionary(
    world: MetricDefinition, viewer_client: Client
) -> None:
    text = viewer_client.get("/stages/create/").content.decode()
    queries = text.split("Queries of its figures", 1)[1]
    assert "metrics_cell" in queries
    assert "usage.push, 2026-10" in queries
    indicators = text.split("Indicators in the dictionary", 1)[1]
    assert "SMAU of Create" in indicators
    assert "GMAU of Source Code" in indicators
    assert "/metrics/usage.push/" in indicators
    assert "Queries of its figures" not in viewer_client.get("/stages/plan/").content.decode()


def test_a_stage_without_a_metric_says_so_and_shows_no_zero(world: MetricDefinition, viewer_client: Client) -> None:
    text = viewer_client.get("/stages/plan/").content.decode()
    assert "No metric is mapped to it." in text


def test_a_conflict_is_shown_and_no_figure(world: MetricDefinition, viewer_client: Client) -> None:
    mapped(a_metric("usage.edit"), "smau", "create")
    text = viewer_client.get("/stages/create/").content.decode()
    assert "Two metrics are mapped to it" in text
    assert "Two metrics are the SMAU of stage create" in text


def test_group_and_section_show_theirs(world: MetricDefinition, viewer_client: Client) -> None:
    assert "Source Code · GMAU" in viewer_client.get("/groups/source_code/").content.decode()
    text = viewer_client.get("/sections/dev/").content.decode()
    assert "Section CMAU (combined)" in text
    assert "Without plan, which have no figure." not in text.split("stat-value")[0]


def test_the_figures_of_a_section_follow_a_stage_that_is_deleted(
    world: MetricDefinition, viewer_client: Client, clock: Any
) -> None:
    plan = Stage.objects.get(key="plan")
    clock.at("2026-11-28 23:00")
    for latest in (*Stage.objects.exclude(pk=plan.pk), *Group.objects.exclude(stage=plan)):
        latest.save()
    assert 'href="/stages/plan/"' in viewer_client.get("/sections/dev/").content.decode()
    plan.groups.all().delete()
    plan.delete()
    assert 'href="/stages/plan/"' not in viewer_client.get("/sections/dev/").content.decode()


def test_a_late_report_is_seen_on_the_page_at_once(world: MetricDefinition, viewer_client: Client) -> None:
    viewer_client.get("/stages/create/")
    reported("three", 10, 100, world)
    roll_up_dirty()
    assert ">150</a>" in viewer_client.get("/stages/create/").content.decode()


def test_a_changed_mapping_is_seen_on_the_page_at_once(world: MetricDefinition, viewer_client: Client) -> None:
    viewer_client.get("/stages/create/")
    IndicatorMapping.objects.filter(kind="smau").delete()
    assert "No metric is mapped to it." in viewer_client.get("/stages/create/").content.decode()


def test_the_table_lists_every_figure_and_filters_by_cut(world: MetricDefinition, viewer_client: Client) -> None:
    page = viewer_client.get("/dashboards/")
    parts = {part.kind: part for part in page.context["parts"]}
    assert [(line.name, line.now.recorded) for line in parts["smau"].lines] == [("Create", 50)]
    assert [subject.name for subject in parts["smau"].without] == ["Plan"]
    assert [(line.name, line.now.recorded) for line in parts["cmau"].lines] == [("Product", 50)]
    page = viewer_client.get("/dashboards/?month=2026-09&delivery=saas")
    parts = {part.kind: part for part in page.context["parts"]}
    assert [line.now.recorded for line in parts["smau"].lines] == [None]


def test_a_month_that_is_none_is_said_and_not_guessed(world: MetricDefinition, viewer_client: Client) -> None:
    page = viewer_client.get("/dashboards/?month=October")
    assert page.status_code == 422
    assert "for example 2026-10" in page.content.decode()


def test_the_tables_csv_has_the_same_figures(world: MetricDefinition, viewer_client: Client) -> None:
    answer = viewer_client.get("/dashboards/figures.csv?month=2026-10")
    lines = streamed(answer).splitlines()
    assert any(line.startswith("SMAU,create,Create,2026-10,50,") for line in lines)


def test_nothing_counted_yet_is_said(catalog: None, viewer_client: Client) -> None:
    assert viewer_client.get("/dashboards/").status_code == 200
    assert Stage.objects.filter(key="create").exists()
    assert "No metric is mapped to it." in viewer_client.get("/stages/create/").content.decode()


def test_what_looks_odd_stands_with_its_stage_its_group_its_figure_and_whom_it_waits_for(
    world: MetricDefinition, viewer_client: Client, reviewer_client: Client
) -> None:
    umau = a_metric("usage.anyone")
    mapped(umau, "umau", "")
    a_metric("usage.plan")
    reported("umau", 10, 45, umau)
    reported("umau", 11, 100, umau)
    roll_up_dirty()
    raise_version()
    odd = "SMAU create 50 is more than UMAU, the people of the whole product (45)."
    for address in (
        "/stages/create/",
        "/sections/dev/",
        "/figures/smau.create.2026-10/",
        "/figures/umau.2026-10/",
        "/figures/months/2026-10/",
    ):
        assert odd in viewer_client.get(address).content.decode(), address
    assert "GMAU source_code 50 is more than UMAU" in viewer_client.get("/groups/source_code/").content.decode()
    for address in ("/stages/plan/", "/figures/smau.create.2026-09/", "/figures/smau.create.2026-11/"):
        assert odd not in viewer_client.get(address).content.decode(), address
    waiting = "Figures of Oct 2026 look odd. "
    assert waiting in reviewer_client.get("/attention/").content.decode()
    assert waiting not in viewer_client.get("/attention/").content.decode()
    close_month(month=Month(2026, 10), actor=None, reason="explained")
    assert waiting not in reviewer_client.get("/attention/").content.decode()
