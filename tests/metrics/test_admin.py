"""The admin shows what there is and leads to the pages where it is changed."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from metrics.engine.months import close_month
from metrics.engine.rollup import roll_up_dirty
from metrics.figures.restatements import restated_by
from metrics.labels import label_installation
from metrics.models import MetricDefinition, MonthEvent, MonthRevision
from metrics.periods import Month
from tests.metrics.test_figure_panels import reported
from tests.metrics.world import a_metric, a_subscription, mapped, report


@pytest.fixture
def world(catalog: None, clock: Any) -> MetricDefinition:
    clock.at("2026-11-28 12:00")
    metric = a_metric("usage.push")
    mapped(metric, "smau", "create")
    reported("one", 10, 35, metric)
    roll_up_dirty()
    return metric


@pytest.mark.parametrize(
    "name",
    [
        "metricdefinition",
        "indicatormapping",
        "eventdefinition",
        "proposedchange",
        "installation",
        "installationlabel",
        "report",
        "subscription",
        "figuremonth",
        "monthevent",
        "monthrevision",
    ],
)
def test_each_list_opens_and_nothing_can_be_added(
    world: MetricDefinition, administrator_client: Client, name: str
) -> None:
    assert administrator_client.get(f"/admin/metrics/{name}/").status_code == 200
    assert administrator_client.get(f"/admin/metrics/{name}/add/").status_code == 403


def test_a_month_lists_its_figures_with_their_passports(world: MetricDefinition, administrator_client: Client) -> None:
    text = administrator_client.get("/admin/metrics/figuremonth/2026-10-01/change/").content.decode()
    assert '<a href="/figures/smau.create.2026-10/">35</a>' in text
    assert "/figures/months/2026-10/" in text


@pytest.mark.parametrize(
    ("name", "page"),
    [("indicatormapping", "/metrics/mapping/"), ("installationlabel", "/figures/labels/")],
)
def test_what_is_listed_leads_to_where_it_is_corrected(
    world: MetricDefinition, administrator_client: Client, name: str, page: str
) -> None:
    label_installation(uuid="one", hostname="one.example.org", delivery="saas")
    assert f'<a href="{page}">Correct</a>' in administrator_client.get(f"/admin/metrics/{name}/").content.decode()


def test_a_subscription_leads_to_its_own_page(world: MetricDefinition, administrator_client: Client) -> None:
    kept = a_subscription("S-1")
    text = administrator_client.get("/admin/metrics/subscription/").content.decode()
    assert f'<a href="/figures/subscriptions/{kept.pk}/">Correct</a>' in text


def test_a_change_after_publication_shows_the_figures_that_it_restated(
    world: MetricDefinition, administrator_client: Client
) -> None:
    october = Month(2026, 10)
    close_month(month=october, actor=None, reason="all in")
    reported("two", 10, 5, world)
    roll_up_dirty()
    [event] = MonthEvent.objects.all()
    assert "all in" in administrator_client.get(f"/admin/metrics/monthevent/{event.pk}/change/").content.decode()
    late = MonthRevision.objects.order_by("-pk").first()
    assert late is not None
    text = administrator_client.get(f"/admin/metrics/monthrevision/{late.pk}/change/").content.decode()
    assert 'Create SMAU 2026-10: 35 → <a href="/figures/smau.create.2026-10/?tab=restatements">40</a>' in text
    assert 'Product CMAU (combined) 2026-10: 35 → <a href="/figures/cmau.2026-10/?tab=restatements">40</a>' in text
    for side, listed in (("after", True), ("before", False)):
        text = administrator_client.get(f"/admin/metrics/monthrevision/?published={side}").content.decode()
        assert (f"/admin/metrics/monthrevision/{late.pk}/change/" in text) is listed


def test_a_first_version_that_falls_shows_the_later_figures_that_it_restated(catalog: None) -> None:
    smau = a_metric("usage.push")
    mapped(smau, "smau", "create")
    report("a", "2026-05-04", {smau: 100}, version="13.5", edition="EE", subscription="A")
    report("b", "2026-05-04", {}, version="13.4", edition="EE", subscription="B")
    close_month(month=Month(2026, 5), actor=None, reason="all in")
    report("c", "2026-04-04", {smau: 1}, version="13.3", edition="EE")
    roll_up_dirty()
    revision = MonthRevision.objects.filter(month="2026-04-01").latest("pk")
    found = {one.question.id: (one.old, one.new) for one in restated_by(revision)}
    assert found["smau.create.2026-05"] == ((100, 200), (100, 100))
    assert set(found) == {"smau.create.2026-05", "cmau.2026-05", "section_cmau.dev.2026-05"}
