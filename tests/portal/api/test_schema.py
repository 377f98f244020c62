"""Requests made from our own OpenAPI document are answered as it says, and none makes the server fail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from portal.models import TokenScope, User
from tests.builders import a_token

FEW = settings(max_examples=6, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]


@pytest.fixture
def kept_connection() -> Iterator[None]:
    """Requests straight to the WSGI application end with the connection closed; a test's transaction lives on it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def described(administrator: User, kept_connection: None) -> Any:
    """The document as it is served to an administrator's token, with the portal behind it."""
    secret, _ = a_token(administrator, TokenScope.WRITE, TokenScope.SUBMIT)
    headers = {"Authorization": f"Bearer {secret}", "Accept": "application/vnd.oai.openapi+json"}
    schema = schemathesis.openapi.from_wsgi("/api/schema/", get_wsgi_application(), headers=headers)
    schema.config.update(headers={"Authorization": f"Bearer {secret}"})
    return schema


def test_no_request_made_from_the_document_makes_the_server_fail(described: Any) -> None:
    """A few requests per operation, valid by the document and odd in content; the same ones each time."""
    failures: list[str] = []
    for found in described.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=6, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            # A request that fails in the database would spoil the transaction for all that follow.
            with transaction.atomic():
                case.call_and_validate(checks=CHECKS)
                transaction.set_rollback(True)

        try:
            ask()
        except* Exception as failures_of_one:
            failures.append(f"{operation.label}: {failures_of_one.exceptions[0]}")
    assert not failures, "\n\n".join(failures)


def test_the_document_is_openapi_3_1_and_names_the_errors(viewer_client: Client) -> None:
    schema = viewer_client.get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).json()
    assert schema["openapi"].startswith("3.1")
    operation = schema["paths"]["/api/v1/me/"]["get"]
    assert "application/problem+json" in operation["responses"]["4XX"]["content"]


def test_the_document_and_its_page_are_for_those_who_are_signed_in(client: Client, db: None) -> None:
    assert client.get("/api/schema/").status_code == 401
    assert client.get("/api/docs/")["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("url", ["/api/v1/me/?x=%00", "/search/?q=%00", "/api/v1/%00/"])
def test_the_character_nul_is_refused(viewer_client: Client, url: str) -> None:
    assert viewer_client.get(url).status_code == 400
