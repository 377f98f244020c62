"""A published passport tells what was, whatever the facts became: who was left out and why, too."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from metrics.definitions.mapping import map_indicator
from metrics.engine.months import close_month
from metrics.facts import release_report
from metrics.labels import label_installation
from metrics.models import MetricDefinition, Subscription
from metrics.periods import Month
from tests.metrics.world import a_metric, a_smau, a_subscription, report


def published(figure: str = "smau.create.2026-05") -> Any:
    out = StringIO()
    call_command("passport", f"{figure}~published", json=True, stdout=out)
    return json.loads(out.getvalue())


def live() -> Any:
    out = StringIO()
    call_command("passport", "smau.create.2026-05", json=True, stdout=out)
    return json.loads(out.getvalue())


def left_out(document: Any) -> list[tuple[str, str]]:
    return sorted(
        ((row["installation"] or {}).get("uuid") or row["subscription"], row["reason"]) for row in document["left_out"]
    )


def close() -> None:
    close_month(month=Month(2026, 5), actor=None, reason="all in")


def release() -> None:
    release_report(source="t:held", actor=None)


def exclude() -> None:
    label_installation(uuid="silent", hostname="host", exclude="a robot")
    label_installation(uuid="never", hostname="host", exclude="a test")


def report_late() -> None:
    report("new", "2026-04-04", {})
    report("late", "2026-05-20", {}, held="odd")


@pytest.mark.django_db
@pytest.mark.parametrize("change", [release, exclude, report_late])
def test_what_changes_later_is_not_in_it(change: Callable[[], None]) -> None:
    smau = a_smau("create")
    report("a", "2026-05-04", {smau: 10})
    report("silent", "2026-04-04", {smau: 1})
    report("held", "2026-05-04", {smau: 1000}, held="odd", source="t:held")
    close()
    before = published()
    assert left_out(before) == [("held", "quarantined"), ("silent", "no_report")]
    change()
    after = published()
    assert (left_out(after), after["figure"], after["adds_up"]) == (left_out(before), before["figure"], True)


@pytest.mark.django_db
def test_paid_use_that_could_not_be_measured_stays_so() -> None:
    smau = a_smau("create")
    label_installation(uuid="saas", hostname="host", delivery="saas")
    report("saas", "2026-05-04", {smau: 80})
    close()
    figure = "smau.create.2026-05~paid"
    assert left_out(published(figure)) == [("saas", "paid_not_measurable")]
    report("saas", "2026-05-04", {smau: 30}, population="paid")
    assert left_out(published(figure)) == [("saas", "paid_not_measurable")]


@pytest.mark.django_db(transaction=True)
def test_the_list_of_subscriptions_is_that_of_the_publication() -> None:
    # The history of the list is written by triggers, whose clock stands still within a transaction.
    smau = a_smau("create")
    report("a", "2026-05-04", {smau: 10}, version="13.3", subscription="A")
    for name in ("A", "B", "C"):
        a_subscription(name)
    close()
    before = published()
    assert left_out(before) == [("B", "no_report"), ("C", "no_report")]
    Subscription.objects.filter(subscription_id="B").delete()
    Subscription.objects.filter(subscription_id="C").update(delivery="saas")
    a_subscription("D")
    after = published()
    assert (left_out(after), after["estimate"]) == (left_out(before), before["estimate"])


@pytest.mark.django_db(transaction=True)
def test_definition_and_mapping_are_those_of_the_publication(viewer_client: Client) -> None:
    smau, other = a_smau("create"), a_metric("usage.other")
    report("a", "2026-05-04", {smau: 10, other: 20})
    close()
    MetricDefinition.objects.filter(pk=smau.pk).update(description="Reworded since", version=2)
    map_indicator(kind="smau", subject_key="create", metric=other, reason="wider", actor=None)
    then, now = published(), live()
    assert (then["definition"]["description"], then["definition"]["version"]) == ("usage.create", 1)
    assert [row["metric"] for row in then["mapping"]["in_force"]] == ["usage.create"]
    assert [(row["metric"], row["reason"]) for row in now["mapping"]["in_force"]] == [("usage.other", "wider")]
    page = viewer_client.get("/figures/smau.create.2026-05~published/?tab=definition").content.decode()
    assert "usage.<wbr>create" in page
    assert "Reworded since" not in page
    assert "No metric is mapped" not in page


@pytest.mark.django_db
def test_a_week_too_names_a_saas_whose_paid_use_cannot_be_measured() -> None:
    metric = a_metric("counts_weekly.things", frame="7d")
    label_installation(uuid="saas", hostname="host", delivery="saas")
    report("saas", "2026-05-06", {metric: 80})
    report("own", "2026-05-06", {metric: 7}, license_plan="premium")

    def asked() -> Any:
        out = StringIO()
        call_command("passport", "metric.counts_weekly.things.2026-W19~paid", json=True, stdout=out)
        return json.loads(out.getvalue())

    found = asked()
    assert (found["figure"]["recorded"], left_out(found)) == (7, [("saas", "paid_not_measurable")])
    report("saas", "2026-05-07", {metric: 30}, population="paid")
    found = asked()
    assert (found["figure"]["recorded"], left_out(found)) == (37, [])
