from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client, override_settings

from portal.models import User
from portal.settings import env

GIVEN = {
    "OIDC_SERVER_URL": "https://login.example.com/realms/company",
    "OIDC_CLIENT_ID": "stageboard",
    "OIDC_CLIENT_SECRET": "hush",
    "OIDC_NAME": "Example Inc.",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_without_a_server_there_is_no_single_sign_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OIDC_SERVER_URL", raising=False)
    assert env.sign_on() is None


def test_a_provider_comes_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    provider = env.sign_on()
    assert provider is not None
    assert provider.origin == "https://login.example.com"
    assert provider.app()["settings"] == {"server_url": GIVEN["OIDC_SERVER_URL"]}


@pytest.mark.parametrize("name", ["OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"])
def test_half_a_configuration_names_what_is_missing(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.delenv(name)
    with pytest.raises(ImproperlyConfigured, match=name):
        env.sign_on()


def test_an_address_that_is_none_is_refused(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OIDC_SERVER_URL", "login.example.com")
    with pytest.raises(ImproperlyConfigured, match="OIDC_SERVER_URL must start with https://"):
        env.sign_on()


def test_the_sign_in_page_offers_the_provider_by_its_name(
    environment: pytest.MonkeyPatch, anonymous_client: Client
) -> None:
    provider = env.sign_on()
    assert provider is not None
    with override_settings(SOCIALACCOUNT_PROVIDERS={"openid_connect": {"APPS": [provider.app()]}}):
        html = anonymous_client.get("/accounts/login/?next=/docs/").content.decode()
    assert "Sign in with Example Inc." in html
    assert "/accounts/oidc/sso/login/" in html
    assert "Example Inc." not in anonymous_client.get("/accounts/login/").content.decode()


class Provider(BaseHTTPRequestHandler):
    """A company's sign-on, as far as a code flow asks it: where things are, a token for a code, and who that is."""

    def do_GET(self) -> None:
        base = f"http://{self.headers['Host']}"
        if self.path == "/.well-known/openid-configuration":
            names = ("authorization", "token", "userinfo")
            self.answer({"issuer": base} | {f"{name}_endpoint": f"{base}/{name}" for name in names})
        else:
            assert self.headers["Authorization"] == "Bearer for-ada"
            self.answer({"sub": "42", "name": "Ada Byron", "preferred_username": "ada", "email": "ada@example.com"})

    def do_POST(self) -> None:
        sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        assert sent["code"] == ["from-the-browser"]
        assert sent["code_verifier"], "PKCE is on"
        self.answer({"access_token": "for-ada", "token_type": "Bearer"})

    def answer(self, document: dict[str, str]) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def provider(environment: pytest.MonkeyPatch) -> Iterator[None]:
    """A portal that is set up for such a provider, which runs on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Provider) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        environment.setenv("OIDC_SERVER_URL", f"http://127.0.0.1:{server.server_address[1]}")
        known = env.sign_on()
        assert known is not None
        apps = {"openid_connect": {"APPS": [known.app()], "OAUTH_PKCE_ENABLED": True}}
        with override_settings(SOCIALACCOUNT_PROVIDERS=apps):
            yield
        server.shutdown()
        thread.join()


def sign_on(client: Client) -> Client:
    """Go to the provider and come back with its code; the client of whoever that was."""
    away = client.post("/accounts/oidc/sso/login/?next=/docs/")
    assert away.status_code == 302
    asked = parse_qs(urlsplit(away.headers["Location"]).query)
    back = urlsplit(asked["redirect_uri"][0]).path
    client.get(back, {"code": "from-the-browser", "state": asked["state"][0]}, follow=True)
    return client


def test_a_first_visit_makes_a_viewer_and_the_second_finds_them(provider: None, anonymous_client: Client) -> None:
    for client in (anonymous_client, Client()):
        assert sign_on(client).get("/docs/").status_code == 200
    ada = User.objects.get()
    assert (ada.display_name, ada.email, ada.is_staff) == ("Ada Byron", "ada@example.com", False)
    assert not ada.has_usable_password()
    assert not ada.role_grants.exists()


def test_where_accounts_are_given_by_hand_a_stranger_stays_outside(provider: None, anonymous_client: Client) -> None:
    with override_settings(OIDC_CREATE_USERS=False):
        answer = sign_on(anonymous_client).get("/docs/")
    assert answer.status_code == 302
    assert not User.objects.exists()
