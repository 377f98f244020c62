"""Early paths: answered before sessions and sign-in, and as complete as any other answer."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from portal.early import early_views
from tests.builders import a_user

pytestmark = pytest.mark.django_db


def test_early_paths_are_found_by_their_exact_path() -> None:
    views = early_views()
    assert "/usage_data" in views
    assert views["/usage_data"].__name__ == "usage_data"
    assert reverse("telemetry-wire:usage-data") == "/usage_data"


def test_an_early_answer_has_length_policy_and_request_id(client: Client) -> None:
    response = client.post("/usage_data", b"[]", content_type="application/json")
    assert response.status_code == 400
    assert int(response["Content-Length"]) == len(response.content)
    assert response["Content-Security-Policy"]
    assert response["X-Request-ID"]
    assert response["X-Content-Type-Options"] == "nosniff"


def test_a_request_with_a_session_goes_the_ordinary_way(client: Client) -> None:
    assert client.get("/api/v1/pings/").status_code == 401
    client.force_login(a_user())
    assert client.get("/api/v1/pings/").status_code == 200


def test_a_view_that_raises_is_answered_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telemetry.wire.limited", lambda address: 1 / 0)
    response = Client(raise_request_exception=False).post("/usage_data", b"{}", content_type="application/json")
    assert response.status_code == 500
