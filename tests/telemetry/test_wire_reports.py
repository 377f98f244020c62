"""Metadata, error reports and the version check."""

from __future__ import annotations

import base64
import json
from datetime import date
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from telemetry import versions
from telemetry.metadata import count_reports
from telemetry.models import ErrorReport, MetadataReport, MetricTiming, Release, VersionCheck
from telemetry.releases import Released, check, version_in
from tests.telemetry.builders import a_body, a_payload, a_ping

UUID = a_payload()["uuid"]


def post(client: Client, url: str, content: Any) -> Any:
    return client.post(url, json.dumps(content), content_type="application/json")


@pytest.mark.django_db
def test_the_documented_metadata_is_stored_and_counted(client: Client, shared_data: Any) -> None:
    body = (shared_data / "service_ping/payloads/usage_ping_metadata_docs.json").read_bytes()
    for _ in range(2):
        assert client.post("/usage_ping_metadata", body, content_type="application/json").status_code == 201
    assert count_reports() == 2
    timing = MetricTiming.objects.get(key_path="counts.clusters_platforms_gke")
    assert timing.samples == 2
    assert timing.mean == pytest.approx(0.40995341585949063)
    assert MetadataReport.objects.filter(counted=True).count() == 2


@pytest.mark.django_db
def test_metadata_without_its_wrapper_with_errors_is_linked_to_its_ping(client: Client) -> None:
    client.post("/usage_data", a_body(), content_type="application/json")
    metrics = [{"name": "a", "error": "timeout"}, {"name": "b", "time_elapsed": 1e-5}, {"time_elapsed": 1}, "x", None]
    assert post(client, "/usage_ping_metadata", {"uuid": UUID, "metrics": metrics}).status_code == 201
    count_reports()
    report = MetadataReport.objects.get()
    assert report.ping is not None
    assert report.ping.uuid == UUID
    assert (report.metrics, report.failures) == (2, 1)
    assert MetricTiming.objects.get(key_path="a").errors == 1


@pytest.mark.django_db
def test_error_reports_are_taken_wrapped_or_not(client: Client, shared_data: Any) -> None:
    wrapped = json.loads((shared_data / "service_ping/payloads/usage_ping_error_docs.json").read_text())
    assert post(client, "/usage_ping_errors", wrapped).status_code == 201
    assert (
        post(client, "/usage_ping_errors", {**wrapped["error"], "time": "2021-02-09 13:25:42 UTC"}).status_code == 201
    )
    first, second = ErrorReport.objects.order_by("id")
    assert first.hostname == second.hostname == "127.0.0.1"
    assert "non_existent_attribute" in first.message
    assert second.happened_at is not None


@pytest.mark.django_db
@pytest.mark.parametrize("url", ["/usage_ping_metadata", "/usage_ping_errors"])
@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"metadata": 5}', b'{"metrics": {}}', b'{"error": [1]}', b"\xff"])
def test_odd_reports_are_never_a_failure_of_ours(client: Client, url: str, body: bytes) -> None:
    assert client.post(url, body, content_type="application/json").status_code < 500


def a_release(version: str, **values: Any) -> Released:
    number = tuple(int(part) for part in version.split("."))
    return Released(version=version, number=number, released_on=date(2026, 1, 1), **values)  # type: ignore[arg-type]  # numbers of any length


RELEASES = [
    a_release("17.3.0"),
    a_release("17.3.1", security=True),
    a_release("17.4.0"),
    a_release("17.5.0", critical=True, vulnerable=True, details="Update."),
    a_release("17.5.1", security=True),
    a_release("17.10.0"),
]


@pytest.mark.parametrize(
    ("version", "severity"),
    [
        ("17.10.0", "success"),
        ("17.10.0-ee", "success"),
        ("17.11.0-pre", "success"),
        ("17.5.1", "warning"),
        ("17.4.0", "warning"),
        ("17.5.0", "danger"),
        ("17.3.0", "danger"),
        ("16.0.0", "danger"),
        ("nonsense", ""),
        ("", ""),
    ],
)
def test_the_severity_follows_the_releases(version: str, severity: str) -> None:
    answer = check(version, RELEASES)
    assert answer.severity == severity
    assert answer.latest_version == "17.10.0"


def test_a_critical_hole_is_told_with_its_details() -> None:
    answer = check("17.5.0", RELEASES)
    assert answer.critical_vulnerability
    assert (answer.details, answer.latest_stable_version_of_minor) == ("Update.", "17.5.1")
    assert answer.latest_stable_versions == ("17.10.0", "17.5.1", "17.4.0")


def info(version: str) -> str:
    return base64.urlsafe_b64encode(json.dumps({"version": version}).encode()).decode()


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda data: base64.urlsafe_b64encode(data).decode()))
def test_any_garbage_is_no_version_and_no_failure(garbage: str) -> None:
    assert isinstance(version_in(garbage), str)


def test_padding_and_alphabet_do_not_matter() -> None:
    assert version_in(info("17.5.0")) == "17.5.0"
    assert version_in(info("17.5.0").rstrip("=")) == "17.5.0"


@pytest.mark.django_db
@pytest.mark.parametrize("garbage", ["", "%", "\x00", "x" * 9_000, "e30=", "bnVsbA==", "eyJ2ZXJzaW9uIjogWzFdfQ=="])
def test_check_json_and_svg_always_answer(client: Client, garbage: str) -> None:
    response = client.get("/check.json", {"gitlab_info": garbage})
    assert response.status_code == 200
    assert response.json()["severity"] is None
    picture = client.get("/check.svg", {"gitlab_info": garbage})
    assert (picture.status_code, picture["Content-Type"]) == (200, "image/svg+xml")


@pytest.mark.django_db
def test_a_check_is_counted_by_day_and_version_and_nothing_else(client: Client, options: Any) -> None:
    Release.objects.create(version="17.5.0", released_on=date(2026, 1, 1))
    versions.forget()
    for _ in range(2):
        answer = client.get("/check.json", {"gitlab_info": info("17.5.0-ee")}, headers={"Referer": "https://secret"})
    assert answer.json()["severity"] == "success"
    row = VersionCheck.objects.get()
    assert (row.version, row.checks) == ("17.5.0", 2)
    options(count_version_checks=False)
    client.get("/check.json", {"gitlab_info": info("17.5.0")})
    assert VersionCheck.objects.get().checks == 2


@pytest.mark.django_db
def test_the_adoption_curve_and_the_time_to_move_come_from_pings() -> None:
    from telemetry import worker

    Release.objects.create(version="17.4.0", released_on=date(2026, 9, 1), supported_until=date(2026, 10, 31))
    Release.objects.create(version="17.5.0", released_on=date(2026, 11, 1))
    versions.forget()
    for host in ("a", "b"):
        a_ping(hostname=host, version="17.4.0", recorded_at="2026-10-20T00:00:00Z")
    a_ping(hostname="a", version="17.5.0", recorded_at="2026-11-11T00:00:00Z")
    worker.read_all()
    (move,) = [move for move in versions.moves() if move.minor == "17.5"]
    assert (move.reached, move.median_days) == (1, 10)
    adoption = versions.adoption()
    assert set(adoption.minors) <= {"17.4", "17.5"}


@pytest.mark.django_db
@pytest.mark.parametrize("url", ["/usage_ping_metadata", "/usage_ping_errors"])
def test_where_anonymous_reports_are_off_the_answer_says_what_to_do(client: Client, options: Any, url: str) -> None:
    options(anonymous=False)
    response = post(client, url, {})
    assert response.status_code == 401
    assert "/api/v1/pings/ with an ingest key" in response.json()["detail"]


@pytest.mark.django_db
def test_version_checks_and_pings_have_an_allowance_each(client: Client, options: Any) -> None:
    options(rate_version_check=1, rate_address=1)
    assert client.get("/check.json").status_code == 200
    refused = client.get("/check.svg")
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 0
    assert client.post("/usage_data", a_body(), content_type="application/json").status_code == 201
