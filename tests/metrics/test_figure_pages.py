"""Passports, months, installations, labels, subscriptions and the explorer, as people see them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from metrics.definitions.catalogue import raise_version
from metrics.engine.months import close_month
from metrics.engine.rollup import roll_up_dirty
from metrics.facts import Missing
from metrics.figures import passport as passports
from metrics.figures.queries import figure
from metrics.figures.question import Question
from metrics.models import Installation, MetricDefinition, Subscription
from metrics.periods import Month
from portal.models import User
from stages.models import Group
from tests.builders import streamed
from tests.metrics.test_figure_panels import reported
from tests.metrics.world import a_metric, mapped

OCTOBER = Month(2026, 10)
FIGURE = "/figures/smau.create.2026-10/"
HEAD = "subscription_id,account,plan,seats,starts_on,ends_on,delivery\n"


@pytest.fixture
def world(catalog: None, clock: Any) -> MetricDefinition:
    """Create's SMAU of October is 50 of two installations; a third timed out, a fourth fell silent."""
    clock.at("2026-11-28 12:00")
    metric = a_metric("usage.push")
    metric.group = Group.objects.get(key="source_code")
    metric.save()
    mapped(metric, "smau", "create")
    for uuid, month, value in (
        ("one", 9, 30),
        ("one", 10, 35),
        ("two", 10, 15),
        ("three", 9, 5),
        ("three", 10, Missing.TIMED_OUT),
        ("four", 9, 7),
    ):
        reported(uuid, month, value, metric)
    roll_up_dirty()
    raise_version()
    return metric


def text_of(client: Client, address: str) -> str:
    """A page that is there, whole, without the places where a long name may break."""
    page = client.get(address)
    assert page.status_code == 200, page.status_code
    text = page.content.decode().replace("<wbr>", "")
    assert "unavailable" not in text
    return text


def test_a_passport_says_the_figure_in_words_and_lists_what_counts(
    world: MetricDefinition, viewer_client: Client
) -> None:
    text = text_of(viewer_client, FIGURE)
    assert "Create SMAU for October 2026 is 50, recorded. It is the sum of 2 installations." in text
    assert "add up to 50, to the unit" in text
    assert "one.example.org" in text
    assert "70.0 %" in text
    assert "28 days before each installation" in text


def test_a_passport_takes_few_queries(
    world: MetricDefinition, viewer_client: Client, queries: Callable[[], AbstractContextManager[Any]]
) -> None:
    viewer_client.get(FIGURE)
    with queries() as ran:
        viewer_client.get(FIGURE)
    assert len(ran) <= 15


def test_what_was_left_out_is_grouped_by_reason(world: MetricDefinition, viewer_client: Client) -> None:
    text = text_of(viewer_client, f"{FIGURE}?tab=left-out")
    assert "Timed out: 1" in text
    assert "No report: 1" in text
    assert viewer_client.get(f"{FIGURE}left-out/short/").content == b"(2)"
    only = text_of(viewer_client, f"{FIGURE}?tab=left-out&reason=timed_out")
    assert "three.example.org" in only
    assert "four.example.org" not in only


def test_a_passport_of_too_many_installations_claims_nothing_that_it_did_not_count(
    world: MetricDefinition, viewer_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passports, "CHECKED_UP_TO", 0)
    text = text_of(viewer_client, FIGURE)
    assert "too many to add up here" in text
    assert "add up to" not in text.replace("too many to add up", "")
    for page in ("1", "2", "x"):
        text = text_of(viewer_client, f"{FIGURE}?tab=left-out&page={page}")
        assert "Nothing was left out" not in text
        assert "too many to count here" in text
        assert ("three.example.org" in text) == (page != "2")
        assert "Left out</a>" in text
    text = text_of(viewer_client, f"{FIGURE}?tab=left-out&reason=timed_out")
    assert "three.example.org" in text
    assert "four.example.org" not in text
    found = viewer_client.get("/api/v1/figures/smau.create.2026-10/passport/").json()
    assert (found["adds_up"], found["contributions_sum"], found["left_out_counts"]) == (None, None, None)
    assert [len(found["contributions"]), len(found["left_out"]), found["next"]] == [2, 2, None]


def test_a_contribution_is_found_by_a_part_of_its_name(world: MetricDefinition, viewer_client: Client) -> None:
    text = text_of(viewer_client, f"{FIGURE}?q=two")
    assert "two.example.org" in text
    assert "one.example.org" not in text
    assert "is called nobody" in text_of(viewer_client, f"{FIGURE}?q=nobody")


@pytest.mark.parametrize("tab", ["estimate", "definition", "restatements", "sql", "no-such-tab"])
def test_every_part_of_a_passport_opens(world: MetricDefinition, viewer_client: Client, tab: str) -> None:
    text_of(viewer_client, f"{FIGURE}?tab={tab}")


def test_a_combined_figure_is_made_of_figures(world: MetricDefinition, viewer_client: Client) -> None:
    text = text_of(viewer_client, "/figures/cmau.2026-10/")
    assert "count several times" in text
    assert "/figures/smau.create.2026-10/" in text


def test_a_figure_that_is_not_there_says_why(world: MetricDefinition, viewer_client: Client) -> None:
    assert "No metric is mapped to it." in text_of(viewer_client, "/figures/smau.plan.2026-10/")


@pytest.mark.parametrize(
    "figure", ["nonsense", "smau.nowhere.2026-10", "smau.create.2026-13", "metric.no.such.2026-10"]
)
def test_what_is_no_figure_is_not_found(world: MetricDefinition, viewer_client: Client, figure: str) -> None:
    assert viewer_client.get(f"/figures/{figure}/").status_code == 404


def test_why_it_moved_adds_up(world: MetricDefinition, viewer_client: Client) -> None:
    text = text_of(viewer_client, f"{FIGURE}why/")
    assert "Create SMAU grew by 8, most of it 1 installations that newly report" in text
    assert "add up to the change, to the unit" in text


def test_a_late_report_shows_as_a_restatement_on_passport_and_month(
    world: MetricDefinition, viewer_client: Client, reviewer: User
) -> None:
    close_month(month=OCTOBER, actor=reviewer, reason="all there")
    reported("five", 10, 100, world)
    roll_up_dirty()
    text = text_of(viewer_client, f"{FIGURE}?tab=restatements")
    assert "<del>50</del> 150" in text
    assert "Late report" in text.replace("late report", "Late report")
    month = text_of(viewer_client, "/figures/months/2026-10/")
    assert "Create SMAU" in month
    assert "after publication" in month
    assert "restated" in text_of(viewer_client, "/stages/create/")


def test_a_reviewer_closes_and_reopens_a_month_with_a_reason(
    world: MetricDefinition, viewer_client: Client, reviewer_client: Client
) -> None:
    assert viewer_client.post("/figures/months/2026-10/close/", {"reason": "x"}).status_code == 403
    reviewer_client.post("/figures/months/2026-10/close/", {"reason": " "})
    assert "needs a reason" in text_of(reviewer_client, "/figures/months/2026-10/")
    reviewer_client.post("/figures/months/2026-10/close/", {"reason": "all there"})
    assert "all there" in text_of(reviewer_client, "/figures/months/2026-10/")
    reviewer_client.post("/figures/months/2026-10/reopen/", {"reason": "a wrong list"})
    assert "re-opened" in text_of(reviewer_client, "/figures/months/")


def test_a_conflict_is_previewed_on_the_months_page(world: MetricDefinition, viewer_client: Client) -> None:
    mapped(a_metric("usage.edit"), "smau", "create")
    text = text_of(viewer_client, "/figures/months/2026-10/")
    assert "Two metrics are the SMAU of create" in text
    assert 'class="num">50<' in text


def test_solving_a_conflict_shows_what_each_choice_would_give(world: MetricDefinition, reviewer_client: Client) -> None:
    mapped(a_metric("usage.edit"), "smau", "create")
    text = text_of(reviewer_client, "/metrics/mapping/")
    assert ">50</a> recorded" in text
    assert "no value" in text


def test_why_it_moved_is_told_in_short_for_other_pages(world: MetricDefinition, viewer_client: Client) -> None:
    assert "Create SMAU grew by 8" in text_of(viewer_client, f"{FIGURE}why/short/")
    assert viewer_client.get("/figures/metric.usage.push.2026-W41/why/short/").status_code == 404


def test_a_metrics_own_page_shows_its_figures(world: MetricDefinition, viewer_client: Client) -> None:
    text = text_of(viewer_client, "/metrics/usage.push/")
    assert "/figures/metric.usage.push.2026-10/" in text


def test_a_weekly_metric_has_passports_by_week(world: MetricDefinition, viewer_client: Client) -> None:
    weekly = a_metric("usage.weekly", frame="7d")
    reported("six", 11, 9, weekly)
    assert "/figures/metric.usage.weekly.2026-W47/" in text_of(viewer_client, "/metrics/usage.weekly/")
    text = text_of(viewer_client, "/figures/metric.usage.weekly.2026-W47/")
    assert "week 2026-W47 is 9, recorded" in text


def test_metrics_that_fell_silent_or_should_have_are_found(world: MetricDefinition, viewer_client: Client) -> None:
    MetricDefinition.objects.filter(pk=world.pk).update(status="removed")
    a_metric("usage.never")
    assert "usage.push" in text_of(viewer_client, "/metrics/?hygiene=removed_but_arriving").replace("<wbr>", "")
    assert "usage.never" in text_of(viewer_client, "/metrics/?hygiene=never_seen").replace("<wbr>", "")


@pytest.mark.parametrize("month", ["2026-13", "October", "1999-01"])
def test_a_month_that_is_none_is_not_found(world: MetricDefinition, viewer_client: Client, month: str) -> None:
    assert viewer_client.get(f"/figures/months/{month}/").status_code == 404


def test_installations_are_listed_found_and_shown(world: MetricDefinition, viewer_client: Client) -> None:
    assert "4 installations" in text_of(viewer_client, "/figures/installations/")
    assert "two.example.org" not in text_of(viewer_client, "/figures/installations/?q=one")
    one = Installation.objects.get(uuid="one")
    text = text_of(viewer_client, f"/figures/installations/{one.pk}/")
    assert "Oct 2026" in text
    assert "16.2.0" in text


def test_an_administrator_excludes_an_installation_and_the_figure_follows(
    world: MetricDefinition, administrator_client: Client, viewer_client: Client
) -> None:
    two = Installation.objects.get(uuid="two")
    address = f"/figures/installations/{two.pk}/label/"
    form = {"counting": "exclude", "reason": "a test server"}
    assert viewer_client.post(address, form).status_code == 403
    assert administrator_client.post(address, form).status_code == 302
    roll_up_dirty()
    text = text_of(viewer_client, f"{FIGURE}?tab=left-out")
    assert "35, recorded" in text
    assert "Excluded: 1" in text
    assert "a test server" in text_of(viewer_client, f"/figures/installations/{two.pk}/")
    assert "two.example.org" in text_of(viewer_client, "/figures/installations/?show=excluded")


def test_a_saas_is_named_before_its_first_report(
    world: MetricDefinition, administrator_client: Client, viewer_client: Client
) -> None:
    form = {"uuid": "saas", "hostname": "saas.example.org", "delivery": "saas", "reason": "our own"}
    assert viewer_client.post("/figures/labels/", form).status_code == 403
    assert administrator_client.post("/figures/labels/", form).status_code == 302
    assert "has not reported yet" in text_of(viewer_client, "/figures/labels/")
    reported("saas", 10, 1000, world)
    roll_up_dirty()
    text = text_of(viewer_client, "/stages/create/")
    assert "self-managed 50 · SaaS 1,000" in text


def test_a_label_that_says_nothing_is_refused(world: MetricDefinition, administrator_client: Client) -> None:
    page = administrator_client.post("/figures/labels/", {"uuid": "a", "hostname": "b", "reason": "because"})
    assert page.status_code == 422
    assert "Choose a delivery" in page.content.decode()


def upload(text: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("list.csv", text.encode(), content_type="text/csv")


def test_a_list_of_subscriptions_is_previewed_before_it_is_imported(
    world: MetricDefinition, administrator_client: Client
) -> None:
    content = HEAD + "S-1,Corp,premium,10,2026-01-01,,self_managed\n"
    page = administrator_client.post("/figures/subscriptions/preview/", {"file": upload(content)})
    assert page.context["outcome"].created == 1
    assert not Subscription.objects.exists()
    administrator_client.post("/figures/subscriptions/import/", {"step": "all"})
    assert Subscription.objects.get().account == "Corp"
    again = administrator_client.post("/figures/subscriptions/import/", {"step": "all"}, follow=True)
    assert "nothing to import any more" in again.content.decode()


def test_faulty_lines_are_named_and_the_good_ones_only_imported_when_chosen(
    world: MetricDefinition, administrator_client: Client
) -> None:
    content = HEAD + "S-1,Corp,premium,10,2026-01-01,,self_managed\nS-2,Corp,premium,-1,2026-01-01,,self_managed\n"
    page = administrator_client.post("/figures/subscriptions/preview/", {"file": upload(content)})
    assert "seats: -1 is less than 0." in page.content.decode()
    administrator_client.post("/figures/subscriptions/import/", {"step": "cancel"})
    assert not Subscription.objects.exists()
    administrator_client.post("/figures/subscriptions/preview/", {"file": upload(content)})
    administrator_client.post("/figures/subscriptions/import/", {"step": "good"})
    assert [one.subscription_id for one in Subscription.objects.all()] == ["S-1"]


def test_a_file_that_is_no_list_is_said(world: MetricDefinition, administrator_client: Client) -> None:
    page = administrator_client.post("/figures/subscriptions/preview/", {"file": upload("a,b\n1,2\n")})
    assert page.status_code == 422
    assert "must name the columns" in page.content.decode()


def test_the_explorer_answers_with_chart_table_call_and_csv(world: MetricDefinition, viewer_client: Client) -> None:
    address = "/explore/?indicator=smau&subject=create&month=2026-10&months=3"
    page = viewer_client.get(address)
    assert [str(row["month"]) for row in page.context["rows"]] == ["2026-10", "2026-09", "2026-08"]
    assert "indicator=smau&amp;month=2026-08%2C2026-09%2C2026-10&amp;stage=create" in page.content.decode()
    csv = viewer_client.get(address.replace("/explore/", "/explore/figures.csv"))
    lines = streamed(csv).splitlines()
    assert lines[-1].startswith("2026-10,,50,0,50,2,3,")


def test_the_explorer_breaks_down_and_the_parts_add_up(world: MetricDefinition, viewer_client: Client) -> None:
    page = viewer_client.get("/explore/?indicator=metric&metric=usage.push&month=2026-10&months=1&by=delivery")
    values = [one.recorded for one, _url, _why in page.context["rows"][0]["figures"]]
    assert values == [None, 50]


def test_search_leads_to_the_passport_of_a_stages_figure(world: MetricDefinition, viewer: User) -> None:
    from metrics.search import search_figures

    assert [hit.url for hit in search_figures("create smau", viewer, 5)] == [FIGURE]
    assert search_figures("create", viewer, 5) == []


@pytest.mark.parametrize(
    ("address", "most"),
    [("/dashboards/", 12), ("/figures/months/2026-10/", 18), ("/figures/installations/", 8), (FIGURE, 20)],
)
def test_a_page_stays_within_its_budget_of_queries(
    world: MetricDefinition, viewer_client: Client, queries: Any, address: str, most: int
) -> None:
    with queries() as ran:
        viewer_client.get(address)
    assert len(ran) <= most, len(ran)


def test_above_the_passports_stands_the_table(world: MetricDefinition, viewer_client: Client) -> None:
    assert viewer_client.get("/figures/").headers["Location"] == "/dashboards/"


def test_a_prediction_is_a_line_of_its_own(world: MetricDefinition, viewer_client: Client) -> None:
    for month in (7, 8):
        reported("one", month, 10, world)
    roll_up_dirty()
    page = viewer_client.get("/explore/?indicator=smau&subject=create&month=2026-10&ahead=2")
    # 10, 10, 42, 50: the mean of the last three changes is 40 / 3.
    assert [one.value for one in page.context["predicted"]] == [63, 77]
    refused = viewer_client.get("/explore/?indicator=smau&subject=create&ahead=2&by=tier")
    assert refused.status_code == 422
    assert "broken down" in refused.content.decode()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("indicator=smau&subject=nowhere", "has no stage"),
        ("indicator=metric&subject=no.such", "has no"),
        ("indicator=smau", "needs a stage"),
        ("indicator=smau&subject=create&version=x", "version"),
        ("indicator=smau&subject=create&months=99", "36"),
    ],
)
def test_the_explorer_says_what_it_cannot_answer(
    world: MetricDefinition, viewer_client: Client, query: str, words: str
) -> None:
    page = viewer_client.get(f"/explore/?{query}")
    assert page.status_code == 422
    assert "This cannot be shown." in page.content.decode()
    assert words in page.content.decode()


SUBSCRIPTION = {
    "subscription_id": "S-1",
    "account": "Acme",
    "plan": "premium",
    "seats": "10",
    "starts_on": "2026-01-01",
    "ends_on": "",
    "delivery": "self_managed",
}


def uplift() -> int | None:
    roll_up_dirty()
    return figure(Question("smau", Month(2026, 10), "create")).uplift


def test_an_administrator_changes_one_subscription_and_figures_follow(
    world: MetricDefinition, administrator_client: Client, viewer_client: Client
) -> None:
    reported("linked", 10, 20, world, subscription="S-0")
    before = uplift()
    administrator_client.post("/figures/subscriptions/add/", SUBSCRIPTION)
    kept = Subscription.objects.get()
    added = uplift()
    assert before != added
    page = f"/figures/subscriptions/{kept.pk}/"
    assert page in administrator_client.get("/figures/subscriptions/").content.decode()
    assert page not in viewer_client.get("/figures/subscriptions/").content.decode()
    assert viewer_client.get(page).status_code == 403
    assert 'value="2026-01-01"' in administrator_client.get(page).content.decode()
    # Over before October: it no longer counts there. The id stays what it is.
    administrator_client.post(page, SUBSCRIPTION | {"ends_on": "2026-09-30", "subscription_id": "S-9"})
    assert (uplift(), Subscription.objects.get().subscription_id) == (before, "S-1")
    administrator_client.post(page, SUBSCRIPTION)
    assert uplift() == added
    again = administrator_client.post(page, SUBSCRIPTION, follow=True).content.decode()
    assert "That is what the list says already." in again
    assert viewer_client.post(f"{page}remove/").status_code == 403
    administrator_client.post(f"{page}remove/")
    assert (uplift(), Subscription.objects.count()) == (before, 0)


def test_a_subscription_that_makes_no_sense_is_not_kept(world: MetricDefinition, administrator_client: Client) -> None:
    wrong = {"seats": "-1", "ends_on": "2025-12-31", "plan": "platinum", "delivery": "cloud"}
    page = administrator_client.post("/figures/subscriptions/add/", SUBSCRIPTION | wrong)
    text = page.content.decode()
    assert page.status_code == 422
    for words in ("greater than or equal to 0", "It lies before the first day, 2026-01-01.", "platinum is not one of"):
        assert words in text
    assert not Subscription.objects.exists()
