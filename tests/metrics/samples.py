"""Pages of figures for the walk in the browser: a stage with 14 months, a gap, and an installation that is missing."""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils import timezone

from metrics.definitions.catalogue import raise_version
from metrics.engine.rollup import roll_up_dirty
from metrics.facts import Missing, ReportFacts, record_reports
from metrics.models import Installation, MetricDefinition
from metrics.periods import Month
from tests.metrics.world import a_group, a_metric, a_stage, mapped

KEY = "usage_activity_by_stage_monthly.create.action_monthly_active_users_project_repo"


def months() -> list[Month]:
    """The last 14 months with the one that runs."""
    today = timezone.now()
    last = today.year * 12 + today.month - 1
    return [Month((last - back) // 12, (last - back) % 12 + 1) for back in range(13, -1, -1)]


def a_stage_with_figures() -> str:
    stage = a_stage("create")
    group = a_group("source_code", stage)
    metric = a_metric(KEY)
    metric.group = group
    metric.save()
    mapped(metric, "smau", "create")
    mapped(metric, "gmau", "source_code")
    assert metric.slot is not None
    reports = []
    for number in range(3):
        for index, month in enumerate(months()):
            value = (
                Missing.TIMED_OUT if index == 5 or (number == 2 and index > 9) else 1_000 * (number + 1) + 37 * index
            )
            reports.append(
                ReportFacts(
                    uuid=f"walked-{number}",
                    hostname=f"code.a-rather-long-name-of-a-company-{number}.example",
                    recorded_at=datetime(month.year, month.month, 1, tzinfo=UTC),
                    source=f"readings:walked-{number}-{index}",
                    version="16.2.0",
                    edition="EE",
                    readings={metric.slot: value},
                )
            )
    record_reports(reports)
    roll_up_dirty()
    raise_version()
    return stage.get_absolute_url()


def its_group() -> str:
    return "/groups/source_code/"


def its_passport() -> str:
    return f"/figures/smau.create.{months()[-2]}/"


def those_left_out() -> str:
    return f"/figures/smau.create.{months()[-2]}/?tab=left-out"


def why_it_moved() -> str:
    return f"/figures/smau.create.{months()[-2]}/why/"


def its_month() -> str:
    return f"/figures/months/{months()[-2]}/"


def its_definition() -> str:
    return f"/metrics/{MetricDefinition.objects.get(key_path=KEY).key_path}/"


def an_installation() -> str:
    installation = Installation.objects.order_by("pk").first()
    assert installation is not None
    return f"/figures/installations/{installation.pk}/"


def an_exploration() -> str:
    return "/explore/?indicator=smau&stage=create"


SAMPLES = [
    a_stage_with_figures,
    its_group,
    its_passport,
    those_left_out,
    why_it_moved,
    its_month,
    its_definition,
    an_installation,
    an_exploration,
]
