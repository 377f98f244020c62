"""Early paths: answered before sessions and sign-in, and as complete as any other answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from portal import prometheus
from portal.early import EarlyHandler, early_views
from telemetry.models import Ping
from tests.builders import a_user
from tests.telemetry.builders import a_body

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


@pytest.fixture
def _the_transaction_stays(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Django's test client does the same: a request must not close the connection that holds the test's data."""
    monkeypatch.setattr("portal.early.close_old_connections", lambda: None)
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def ask(application: EarlyHandler, method: str, path: str, body: bytes = b"", **more: str) -> tuple[str, Any, bytes]:
    """One request at the WSGI application itself, as the server makes it."""
    environ = RequestFactory().generic(method, path, body, content_type="application/json").environ | more
    told: list[Any] = []
    response = application(environ, lambda status, headers: told.extend((status, dict(headers))))
    content = b"".join(response)
    return told[0], told[1], content


PATHS = ["/usage_data", "/api/v1/pings/", "/usage_ping_metadata", "/check.json", "/check.svg"]


@pytest.mark.usefixtures("_the_transaction_stays")
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", PATHS)
def test_the_short_way_answers_what_the_ordinary_way_answers(path: str, method: str) -> None:
    application = EarlyHandler()
    proxy = "proxy-1234567"
    ordinary = Client(headers={"X-Request-ID": "proxy-1234567"}).generic(
        method, path, b"[]", content_type="application/json"
    )
    # The first goes through all middleware for the headers, the second has them.
    for _ in range(2):
        status, headers, content = ask(application, method, path, b"[]", HTTP_X_REQUEST_ID=proxy)
        assert int(status[:3]) == ordinary.status_code
        assert content == ordinary.content
        assert headers == dict(ordinary.headers)
    assert (path, False) in application.kept


@pytest.mark.usefixtures("_the_transaction_stays")
def test_the_short_way_takes_the_id_that_a_proxy_sends_and_counts_the_answer() -> None:
    def answered() -> float:
        return (
            prometheus.REGISTRY.get_sample_value(
                "stageboard_request_seconds_count", {"method": "POST", "status": "2xx"}
            )
            or 0.0
        )

    application = EarlyHandler()
    ask(application, "POST", "/usage_data", a_body())
    before = answered()
    _status, headers, _content = ask(application, "POST", "/usage_data", a_body(), HTTP_X_REQUEST_ID="proxy-1234567")
    assert headers["X-Request-ID"] == "proxy-1234567"
    assert answered() == before + 1


@pytest.mark.usefixtures("_the_transaction_stays")
def test_a_connection_that_must_be_secure_is_asked_for_on_the_short_way_too(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    application = EarlyHandler()
    for _ in range(2):
        status, headers, _content = ask(application, "POST", "/usage_data", a_body())
        assert (status[:3], headers["Location"]) == ("301", "https://testserver/usage_data")
    secure = {"wsgi.url_scheme": "https"}
    assert ask(application, "POST", "/usage_data", a_body(), **secure)[0][:3] == "201"
    assert Ping.objects.count() == 1


@pytest.mark.usefixtures("_the_transaction_stays")
def test_a_view_that_raises_is_answered_on_the_short_way_and_the_next_one_is_fine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    application = EarlyHandler()
    with monkeypatch.context() as patch:
        patch.setattr("telemetry.wire.limited", lambda address: 1 / 0)
        status, headers, _content = ask(application, "POST", "/usage_data", a_body())
    assert (status[:3], headers["X-Content-Type-Options"]) == ("500", "nosniff")
    assert ask(application, "POST", "/usage_data", a_body())[0][:3] == "201"


@pytest.mark.usefixtures("_the_transaction_stays")
def test_one_answer_of_the_middleware_itself_says_nothing_about_the_next_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    application = EarlyHandler()
    application.load_middleware()
    with monkeypatch.context() as patch:
        patch.setattr(application, "_middleware_chain", lambda request: HttpResponse(status=503))
        assert ask(application, "POST", "/usage_data", a_body())[0][:3] == "503"
    assert ask(application, "POST", "/usage_data", a_body())[0][:3] == "201"
    assert ("/usage_data", False) in application.kept
