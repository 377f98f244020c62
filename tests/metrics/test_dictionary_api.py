"""The dictionary and the mapping in the API."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.test import Client

from tests.metrics.builders import definition, import_all


@pytest.fixture
def dictionary(catalog: None, tmp_path: Path) -> None:
    import_all(
        tmp_path,
        definition("usage.push", performance_indicator_type=["smau"]),
        definition("usage.edit", status="removed", product_group="code_review"),
    )


def test_definitions_are_listed_and_filtered(dictionary: None, viewer_client: Client) -> None:
    answer = viewer_client.get("/api/v1/metrics/?stage=create&status=active").json()
    assert answer["count"] == 1
    assert answer["results"][0]["key_path"] == "usage.push"
    assert answer["results"][0]["stage"] == "create"


def test_a_definition_is_found_by_its_key_path_with_dots(dictionary: None, viewer_client: Client) -> None:
    assert viewer_client.get("/api/v1/metrics/usage.push/").json()["group"] == "source_code"


def test_the_whole_dictionary_is_exported(dictionary: None, viewer_client: Client) -> None:
    lines = viewer_client.get("/api/v1/metrics/export/").getvalue().decode().splitlines()
    assert [json.loads(line)["key_path"] for line in lines] == ["usage.edit", "usage.push"]


def test_strangers_read_nothing(dictionary: None, anonymous_client: Client) -> None:
    assert anonymous_client.get("/api/v1/metrics/").status_code in (401, 403)


def test_the_mapping_is_read_by_month_and_changed_by_a_reviewer(
    dictionary: None, viewer_client: Client, reviewer_client: Client
) -> None:
    body = {"kind": "smau", "subject_key": "create", "metric": "usage.edit", "from_month": "2026-06", "reason": "wider"}
    assert viewer_client.post("/api/v1/mappings/", body, "application/json").status_code == 403
    made = reviewer_client.post("/api/v1/mappings/", body, "application/json")
    assert made.status_code == 201
    assert made.json()["from_month"] == "2026-06"

    def in_month(month: str) -> list[str]:
        return [row["metric"] for row in viewer_client.get(f"/api/v1/mappings/?month={month}").json()["results"]]

    assert in_month("2026-05") == ["usage.push"]
    assert in_month("2026-06") == ["usage.edit"]
    ended = reviewer_client.post("/api/v1/mappings/unmap/", body, "application/json")
    assert ended.status_code == 204
    assert in_month("2026-06") == []


def test_what_cannot_be_is_a_problem_that_names_the_field(
    dictionary: None, reviewer_client: Client, viewer_client: Client
) -> None:
    body = {"kind": "smau", "subject_key": "nowhere", "metric": "usage.edit", "reason": "why", "from_month": "June"}
    problem = reviewer_client.post("/api/v1/mappings/", body, "application/json")
    assert problem.status_code == 400
    assert "from_month" in problem.content.decode()
    problem = reviewer_client.post("/api/v1/mappings/", body | {"from_month": None}, "application/json")
    assert "no stage" in problem.content.decode()
    assert viewer_client.get("/api/v1/mappings/?month=June").status_code == 400
