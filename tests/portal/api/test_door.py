"""What every API route gets from the host: roles, tokens, problem documents, pages, ETags, exports."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError
from django.test import Client
from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ModelViewSet

from portal.api.etags import answer_with_etag, etag_of, require_match
from portal.api.export import BulkExport
from portal.models import Job, TokenScope, User
from portal.plugin import ApiRoute, Plugin, Role
from tests.builders import a_token, a_user, bearer
from tests.conftest import WithPlugins


class JobSerializer(serializers.ModelSerializer[Job]):
    class Meta:
        model = Job
        fields = ["id", "name", "state", "total"]


class Jobs(BulkExport, ModelViewSet[Job]):
    """A viewset of this test over a table of the host; the scope of a job is its name."""

    queryset = Job.objects.order_by("id")
    serializer_class = JobSerializer
    filterset_fields = ["state", "total"]
    read_role = Role.VIEWER
    write_role = Role.EDITOR
    export_name = "jobs"

    def get_scopes(self, obj: Job) -> tuple[str, ...]:
        return (f"shelf:{obj.name}",)

    def get_new_scopes(self, request: Request) -> tuple[str, ...]:
        data = request.data
        return (f"shelf:{data.get('name')}",) if isinstance(data, dict) else ()

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        job = self.get_object()
        if job.name == "broken":
            raise RuntimeError("the secret inside")
        return answer_with_etag(  # type: ignore[return-value]  # also a 304 of Django
            request, etag_of(job.pk, job.state), lambda: Response(self.get_serializer(job).data)
        )

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        job = self.get_object()
        require_match(request, etag_of(job.pk, job.state))
        return super().partial_update(request, *args, **kwargs)


@pytest.fixture(autouse=True)
def _routes(with_plugins: WithPlugins, db: None) -> Iterator[None]:
    route = ApiRoute(prefix="shelf-jobs", viewset=Jobs, basename="shelf-job")
    with with_plugins(Plugin(name="shelves", title="Shelves", summary="Of this test.", api=(route,))):
        yield


def a_job(name: str = "a", **more: Any) -> Job:
    return Job.objects.create(name=name, **more)


LIST = "/api/v1/shelf-jobs/"


def test_without_sign_in_the_answer_is_401_and_says_how(anonymous_client: Client) -> None:
    response = anonymous_client.get(LIST)
    assert response.status_code == status.HTTP_401_UNAUTHORIZED
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert (body["type"], body["status"], body["title"]) == ("about:blank", 401, "Unauthorized")


def test_a_list_is_paged_with_count_and_links(viewer_client: Client) -> None:
    for number in range(3):
        a_job(str(number))
    body = viewer_client.get(LIST, {"page_size": 2}).json()
    assert list(body) == ["count", "next", "previous", "results"]
    assert (body["count"], len(body["results"]), body["previous"]) == (3, 2, None)
    assert "page=2" in body["next"]


def test_a_page_is_never_larger_than_the_cap(viewer_client: Client) -> None:
    Job.objects.bulk_create(Job(name=str(number)) for number in range(501))
    assert len(viewer_client.get(LIST, {"page_size": 100000}).json()["results"]) == 500


def test_a_page_that_is_not_there_is_a_problem(viewer_client: Client) -> None:
    response = viewer_client.get(LIST, {"page": 99})
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")


def test_a_wrong_field_is_named_with_its_pointer(editor_client: Client) -> None:
    response = editor_client.post(LIST, {"name": "", "state": "odd"}, content_type="application/json")
    assert response.status_code == 400
    errors = {error["pointer"]: error for error in response.json()["errors"]}
    assert set(errors) == {"#/name", "#/state"}
    assert errors["#/name"]["field"] == "name"
    assert errors["#/state"]["code"] == "invalid_choice"


def test_a_wrong_query_parameter_is_named(viewer_client: Client) -> None:
    (error,) = viewer_client.get(LIST, {"total": "many"}).json()["errors"]
    assert error["parameter"] == "total"


def test_unreadable_json_is_a_problem(editor_client: Client) -> None:
    response = editor_client.post(LIST, "{", content_type="application/json")
    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")


def test_an_unforeseen_error_is_a_problem_that_tells_nothing_and_is_logged(
    viewer: User, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(viewer, backend="django.contrib.auth.backends.ModelBackend")
    with caplog.at_level(logging.ERROR, "portal.api"):
        response = client.get(f"{LIST}{a_job('broken').pk}/")
    assert (response.status_code, response["Content-Type"]) == (500, "application/problem+json")
    assert b"secret" not in response.content
    assert "Jobs failed" in caplog.text


@pytest.mark.parametrize("error", [OperationalError("the server is gone"), InterfaceError("connection is closed")])
def test_a_database_that_is_away_is_a_503_that_says_when_to_come_again(
    viewer: User, client: Client, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    secret, _token = a_token(viewer)

    def refuse(*_: Any) -> None:
        raise error

    monkeypatch.setattr("portal.api.authentication.note_use", refuse)
    response = client.get(LIST, headers=bearer(secret))
    assert (response.status_code, response["Content-Type"]) == (503, "application/problem+json")
    assert int(response["Retry-After"]) > 0
    assert "gone" not in response.json()["detail"]


def test_an_address_that_is_not_there_is_a_problem_for_every_method(viewer_client: Client) -> None:
    for ask in (viewer_client.get, viewer_client.post, viewer_client.delete):
        response = ask("/api/v1/nothing/here/")
        assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")


def test_a_value_that_the_database_cannot_hold_is_the_askers_problem(editor_client: Client) -> None:
    response = editor_client.post(LIST, {"name": "a", "total": 10**30}, content_type="application/json")
    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
    assert editor_client.get(LIST, {"total": 10**30}).status_code < 500


def test_a_method_that_a_view_does_not_have_is_a_405_problem(viewer_client: Client) -> None:
    response = viewer_client.post("/api/v1/me/")
    assert (response.status_code, response["Content-Type"]) == (405, "application/problem+json")


def test_a_viewer_reads_and_does_not_write(viewer_client: Client) -> None:
    job = a_job()
    assert viewer_client.get(f"{LIST}{job.pk}/").status_code == 200
    assert viewer_client.delete(f"{LIST}{job.pk}/").status_code == 403
    assert viewer_client.post(LIST, {"name": "b"}, content_type="application/json").status_code == 403


def test_a_role_within_a_scope_opens_only_that_scopes_objects() -> None:
    client = Client()
    client.force_login(a_user("maker", "editor@shelf:mine"), backend="django.contrib.auth.backends.ModelBackend")
    mine, other = a_job("mine"), a_job("other")
    patch = {"state": "done"}
    assert client.patch(f"{LIST}{mine.pk}/", patch, content_type="application/json").status_code == 200
    refused = client.patch(f"{LIST}{other.pk}/", patch, content_type="application/json")
    assert refused.status_code == 403
    assert "shelf:other" in refused.json()["detail"]
    assert client.post(LIST, {"name": "mine"}, content_type="application/json").status_code == 201
    assert client.post(LIST, {"name": "other"}, content_type="application/json").status_code == 403


def test_a_token_signs_in_as_its_owner_within_its_scopes(editor: User, client: Client) -> None:
    reading, _ = a_token(editor, TokenScope.READ)
    writing, _ = a_token(editor, TokenScope.WRITE)
    job = a_job()
    assert client.get(LIST, headers=bearer(reading)).status_code == 200
    assert client.delete(f"{LIST}{job.pk}/", headers=bearer(reading)).status_code == 403
    assert client.get(LIST, headers=bearer(writing)).status_code == 200
    assert client.delete(f"{LIST}{job.pk}/", headers=bearer(writing)).status_code == 204


def test_a_token_that_is_wrong_revoked_expired_or_of_someone_gone_is_refused(editor: User, client: Client) -> None:
    expired, _ = a_token(editor, expires_at=timezone.now() - timedelta(seconds=1))
    revoked, row = a_token(editor)
    row.revoked_at = timezone.now()
    row.save()
    orphan, _ = a_token(a_user("gone", is_active=False))
    for secret in (expired, revoked, orphan, "sbt_wrong"):
        assert client.get(LIST, headers=bearer(secret)).status_code == 401


def test_the_last_use_of_a_token_is_written_at_most_once_a_minute(editor: User, client: Client, clock: Any) -> None:
    first = clock.at("2026-11-02 12:00")
    secret, row = a_token(editor)
    client.get(LIST, headers=bearer(secret))
    clock.move(timedelta(seconds=30))
    client.get(LIST, headers=bearer(secret))
    row.refresh_from_db()
    assert row.last_used_at == first
    clock.move(timedelta(seconds=31))
    client.get(LIST, headers=bearer(secret))
    row.refresh_from_db()
    assert row.last_used_at == first + timedelta(seconds=61)


def test_an_unchanged_answer_is_not_sent_again(viewer_client: Client) -> None:
    url = f"{LIST}{a_job().pk}/"
    etag = viewer_client.get(url)["ETag"]
    again = viewer_client.get(url, headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")


def test_a_change_made_from_a_stale_reading_is_refused(editor_client: Client) -> None:
    job = a_job()
    url = f"{LIST}{job.pk}/"
    etag = editor_client.get(url)["ETag"]
    first = editor_client.patch(url, {"state": "done"}, content_type="application/json", headers={"If-Match": etag})
    second = editor_client.patch(url, {"state": "failed"}, content_type="application/json", headers={"If-Match": etag})
    assert (first.status_code, second.status_code) == (200, 412)


def streamed(response: Any) -> str:
    return b"".join(response.streaming_content).decode()


def test_an_export_streams_exactly_what_the_filters_list(viewer_client: Client) -> None:
    a_job("=1+1", state="done")
    a_job("left out")
    lines = streamed(viewer_client.get(f"{LIST}export/", {"state": "done"})).splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["=1+1"]
    table = streamed(viewer_client.get(f"{LIST}export/", {"state": "done", "as": "csv"})).splitlines()
    assert table[0] == "id,name,state,total"
    assert ",'=1+1,done," in table[1], "a spreadsheet must not take it for a formula"
    assert viewer_client.get(f"{LIST}export/", {"as": "xml"}).status_code == 400
