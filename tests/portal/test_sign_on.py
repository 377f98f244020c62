from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client, override_settings

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
