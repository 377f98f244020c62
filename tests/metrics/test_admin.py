"""The admin shows what there is and leads to the pages where it is changed."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from metrics.engine.rollup import roll_up_dirty
from metrics.models import MetricDefinition
from tests.metrics.test_figure_panels import reported
from tests.metrics.world import a_metric, mapped


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
