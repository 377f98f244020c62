"""The dictionary's pages: filters, CSV of what is shown, a definition, the mapping, reviews."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from metrics import attention
from metrics.models import IndicatorMapping, ProposedChange
from portal.models import RoleGrant, User
from tests.builders import streamed
from tests.conftest import Queries
from tests.metrics.builders import definition, import_all, the_metric


@pytest.fixture
def dictionary(catalog: None, tmp_path: Path) -> None:
    """Four metrics of two groups, one of a group that nobody knows."""
    import_all(
        tmp_path,
        definition("usage.push", name="Pushes", performance_indicator_type=["smau"], product_categories=["git"]),
        definition("usage.edit", status="broken", product_group="code_review"),
        definition("usage.issues", time_frame="all", product_group="project_management", data_source="redis"),
        definition("settings.name", value_type="string", time_frame="none", product_group="nobody"),
    )


def shown(response: Any) -> list[str]:
    """The key paths on the page, in order."""
    return [row.key_path for row in response.context["page_obj"]]


def rows_of(response: object) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(streamed(response))))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["settings.name", "usage.edit", "usage.issues", "usage.push"]),
        ("q=push", ["usage.push"]),
        ("q=usage edit", ["usage.edit"]),
        ("stage=create", ["usage.edit", "usage.push"]),
        ("group=code_review&group=source_code", ["usage.edit", "usage.push"]),
        ("group=code_review,source_code", ["usage.edit", "usage.push"]),
        ("status=broken", ["usage.edit"]),
        ("time_frame=all", ["usage.issues"]),
        ("indicator=smau", ["usage.push"]),
        ("category=git", ["usage.push"]),
        ("data_source=redis", ["usage.issues"]),
        ("figure=with", ["usage.push"]),
        ("figure=without", ["usage.edit", "usage.issues"]),
        ("figure=none", ["settings.name"]),
        ("hygiene=no_group", ["settings.name"]),
        ("hygiene=missing_repair_issue_url", ["usage.edit"]),
        ("hygiene=any", ["settings.name", "usage.edit"]),
        ("stage=create&status=active", ["usage.push"]),
        ("sort=-key_path", ["usage.push", "usage.issues", "usage.edit", "settings.name"]),
        ("status=unheard_of", []),
    ],
)
def test_filters_narrow_the_list_and_the_csv_alike(
    dictionary: None, viewer_client: Client, query: str, expected: list[str]
) -> None:
    assert shown(viewer_client.get(f"/metrics/?{query}")) == expected
    assert [row["key_path"] for row in rows_of(viewer_client.get(f"/metrics/export.csv?{query}"))] == expected


def test_a_filter_in_use_is_a_chip_that_takes_it_out(dictionary: None, viewer_client: Client) -> None:
    page = viewer_client.get("/metrics/?status=broken&stage=create")
    assert {(chip["label"], chip["value"], chip["url"]) for chip in page.context["chips"]} == {
        ("Status", "Broken", "?stage=create"),
        ("Stage", "Create", "?status=broken"),
    }


def test_an_empty_dictionary_says_what_to_do(db: None, viewer_client: Client) -> None:
    assert b"import_definitions" in viewer_client.get("/metrics/").content


def test_the_dictionary_costs_the_same_queries_however_long_it_is(
    dictionary: None, viewer_client: Client, queries: Callable[[], AbstractContextManager[Queries]], tmp_path: Path
) -> None:
    viewer_client.get("/metrics/")
    with queries() as few:
        viewer_client.get("/metrics/")
    import_all(tmp_path, *(definition(f"more.m{number:02}") for number in range(40)))
    with queries() as many:
        viewer_client.get("/metrics/")
    assert len(many) == len(few) <= 8


def test_a_definition_shows_facts_mapping_findings_and_versions(
    dictionary: None, viewer_client: Client, tmp_path: Path
) -> None:
    import_all(tmp_path, definition("usage.push", description="People who push", performance_indicator_type=["smau"]))
    page = viewer_client.get("/metrics/usage.push/")
    text = page.content.decode()
    assert "People who push" in text
    assert [version["version"] for version in page.context["history"]] == [2, 1]
    assert {change.field for change in page.context["history"][0]["changes"]} == {
        "description",
        "name",
        "product_categories",
    }
    assert "SMAU" in text
    assert "key_path: usage.push" in page.context["definition"].raw_text


def test_a_link_that_is_no_web_address_is_not_made_clickable(
    catalog: None, viewer_client: Client, tmp_path: Path
) -> None:
    import_all(tmp_path, definition("a", introduced_by_url="javascript:alert(1)"))
    assert b'href="javascript:' not in viewer_client.get("/metrics/a/").content


def test_an_unknown_metric_is_not_found(db: None, viewer_client: Client) -> None:
    assert viewer_client.get("/metrics/no.such/").status_code == 404


def test_hygiene_counts_lead_to_the_definitions(dictionary: None, viewer_client: Client) -> None:
    page = viewer_client.get("/metrics/hygiene/")
    assert {(row.code, row.count) for row in page.context["counts"]} >= {
        ("no_group", 1),
        ("missing_repair_issue_url", 1),
    }


def test_a_reviewer_maps_ends_and_resolves_and_a_viewer_does_not(
    dictionary: None, viewer_client: Client, reviewer_client: Client
) -> None:
    form = {"kind": "smau", "subject_key": "create", "metric": "usage.edit", "reason": "wider"}
    assert viewer_client.post("/metrics/mapping/map/", form).status_code == 403
    assert reviewer_client.post("/metrics/mapping/map/", form | {"from_month": "2026-06"}).status_code == 302
    assert IndicatorMapping.objects.filter(metric__key_path="usage.edit").count() == 1
    assert reviewer_client.post("/metrics/mapping/unmap/", form).status_code == 302
    assert not IndicatorMapping.objects.filter(metric__key_path="usage.edit").exists()


def test_a_conflict_is_shown_and_solved_on_the_mapping_page(
    dictionary: None, reviewer_client: Client, tmp_path: Path
) -> None:
    import_all(tmp_path, definition("usage.other", performance_indicator_type=["smau"]))
    assert "Two metrics are the SMAU of stage create" in reviewer_client.get("/metrics/mapping/").content.decode()
    reviewer_client.post(
        "/metrics/mapping/resolve/",
        {"kind": "smau", "subject_key": "create", "metric": "usage.push", "reason": "the wider one"},
    )
    assert reviewer_client.get("/metrics/mapping/").context["conflicts"] == []


def test_a_wrong_mapping_says_what_is_wrong_and_keeps_what_was_typed(dictionary: None, reviewer_client: Client) -> None:
    page = reviewer_client.post(
        "/metrics/mapping/map/",
        {"kind": "smau", "subject_key": "nowhere", "metric": "usage.edit", "reason": "a long reason"},
    )
    assert page.status_code == 422
    assert "no stage &#x27;nowhere&#x27;" in page.content.decode()
    assert "a long reason" in page.content.decode()


def proposal_form(**changes: object) -> dict[str, object]:
    return {
        "description": "People who did something",
        "name": "Pushes",
        "product_group": "source_code",
        "status": "active",
        "performance_indicator_type": "smau",
        "tiers": ["free", "premium", "ultimate"],
        "reason": "clearer",
    } | changes


def test_an_owner_proposes_and_a_reviewer_approves(
    dictionary: None, owner_client: Client, reviewer_client: Client, tmp_path: Path
) -> None:
    answer = owner_client.post("/metrics/usage.push/propose/", proposal_form(description="People who push"))
    proposal = ProposedChange.objects.get()
    assert answer.headers["Location"] == f"/metrics/reviews/{proposal.pk}/"
    assert proposal.changes == {"description": "People who push"}
    assert owner_client.post(f"/metrics/reviews/{proposal.pk}/", {"step": "approve"}).status_code == 422
    reviewer_client.post(f"/metrics/reviews/{proposal.pk}/", {"step": "approve", "decision": "good"})
    changed = the_metric("usage.push")
    assert (changed.description, changed.version) == ("People who push", 2)
    history = reviewer_client.get("/metrics/usage.push/").context["history"]
    assert history[0]["entry"].who_text == "Analyst"


def test_nobody_approves_what_they_proposed_themselves(
    dictionary: None, reviewer: User, reviewer_client: Client, administrator_client: Client
) -> None:
    reviewer_client.post("/metrics/usage.push/propose/", proposal_form(description="People who push"))
    address = f"/metrics/reviews/{ProposedChange.objects.get().pk}/"
    assert attention.reviews(reviewer) == []
    page = reviewer_client.get(address).content.decode()
    assert "another reviewer has to approve it" in page
    assert 'value="approve"' not in page
    assert reviewer_client.post(address, {"step": "approve"}).status_code == 422
    assert the_metric("usage.push").version == 1
    administrator_client.post(address, {"step": "approve"})
    assert the_metric("usage.push").description == "People who push"


def test_lists_of_a_proposal_are_shown_as_people_write_them(dictionary: None, owner_client: Client) -> None:
    owner_client.post("/metrics/usage.push/propose/", proposal_form(tiers=["premium", "ultimate"]))
    page = owner_client.get(f"/metrics/reviews/{ProposedChange.objects.get().pk}/").content.decode()
    assert "<ins>premium, ultimate</ins>" in page


def test_both_sides_of_a_review_are_told(
    dictionary: None, owner: User, reviewer: User, owner_client: Client, reviewer_client: Client
) -> None:
    owner_client.post("/metrics/usage.push/propose/", proposal_form(description="People who push"))
    assert "proposes to change usage.push: clearer" in reviewer.notifications.get().sentence
    address = f"/metrics/reviews/{ProposedChange.objects.get().pk}/"
    reviewer_client.post(address, {"step": "refuse", "decision": "no clearer"})
    told = owner.notifications.get()
    assert "refused your change of usage.push: no clearer" in told.sentence
    assert told.url == address


def test_what_was_approved_stands_above_the_file_until_the_file_agrees(
    dictionary: None, owner: User, reviewer: User, tmp_path: Path
) -> None:
    from metrics.definitions.review import approve_change, propose_change

    push = the_metric("usage.push")
    proposal = propose_change(definition=push, changes={"status": "removed"}, reason="gone", actor=owner)
    approve_change(proposal=proposal, actor=reviewer)
    file = definition("usage.push", name="Pushes", performance_indicator_type=["smau"], product_categories=["git"])
    assert import_all(tmp_path, file).unchanged == 1
    assert the_metric("usage.push").overrides == {"status": "removed"}
    import_all(tmp_path, file | {"status": "removed"})
    agreed = the_metric("usage.push")
    assert (agreed.status, agreed.overrides, agreed.version) == ("removed", {}, 2)


def test_refusing_needs_a_reason_and_changes_nothing(
    dictionary: None, owner_client: Client, reviewer_client: Client
) -> None:
    owner_client.post("/metrics/usage.push/propose/", proposal_form(status="removed", milestone_removed="17.0"))
    address = f"/metrics/reviews/{ProposedChange.objects.get().pk}/"
    assert "Say why" in reviewer_client.post(address, {"step": "refuse"}).content.decode()
    assert reviewer_client.post(address, {"step": "refuse", "decision": "still used"}).status_code == 302
    assert the_metric("usage.push").status == "active"
    assert "already refused" in reviewer_client.post(address, {"step": "approve"}).content.decode()


def test_a_proposal_on_an_old_version_cannot_be_approved(
    dictionary: None, owner_client: Client, reviewer_client: Client, tmp_path: Path
) -> None:
    owner_client.post("/metrics/usage.push/propose/", proposal_form(description="People who push"))
    import_all(tmp_path, definition("usage.push", description="Reworded", performance_indicator_type=["smau"]))
    address = f"/metrics/reviews/{ProposedChange.objects.get().pk}/"
    assert "has changed since" in reviewer_client.post(address, {"step": "approve"}).content.decode()


def test_an_owner_of_one_stage_proposes_for_it_and_not_for_others(
    dictionary: None, viewer: User, viewer_client: Client
) -> None:
    RoleGrant.objects.create(user=viewer, role="metric_owner", scope="stage:create")
    assert viewer_client.get("/metrics/usage.push/propose/").status_code == 200
    assert viewer_client.get("/metrics/usage.issues/propose/").status_code == 403
    assert viewer_client.post("/metrics/usage.issues/propose/", proposal_form()).status_code == 403
    assert not ProposedChange.objects.exists()


def test_a_broken_metric_needs_its_repair_issue(dictionary: None, owner_client: Client) -> None:
    page = owner_client.post("/metrics/usage.push/propose/", proposal_form(status="broken"))
    assert page.status_code == 422
    assert "the issue that will repair it" in page.content.decode()


def test_what_waits_is_brought_to_the_reviewers_attention(
    dictionary: None, owner_client: Client, reviewer: User, owner: User
) -> None:
    owner_client.post("/metrics/usage.push/propose/", proposal_form(description="People who push"))
    assert len(attention.reviews(reviewer)) == 1
    assert attention.reviews(owner) == []


@pytest.mark.parametrize("words", ["usage.push", "pushes", "pushs", "people something"])
def test_search_finds_a_metric_even_when_mistyped(dictionary: None, viewer: User, words: str) -> None:
    from metrics.search import search

    assert "/metrics/usage.push/" in {hit.url for hit in search(words, viewer, 10)}


def test_search_shows_nothing_to_strangers(dictionary: None) -> None:
    from django.contrib.auth.models import AnonymousUser

    from metrics.search import search

    assert search("push", AnonymousUser(), 10) == []
