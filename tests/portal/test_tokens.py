"""Personal API tokens are kept as digests, shown once, limited, ending and revocable."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.models import ApiToken, TokenScope, User
from portal.tokens import TokenRefused, make_token
from tests.builders import a_token, a_user, bearer

PAGE = "/account/tokens/"


def made_on_the_page(client: Client, **form: Any) -> str:
    page = client.post(PAGE, {"name": "script", "scopes": ["read"], "ends": "30"} | form)
    found = re.search(r"sbt_[\w-]{43}", page.content.decode())
    assert found is not None
    assert "no-store" in page["Cache-Control"]
    return found.group()


def test_a_token_is_shown_once_and_kept_as_a_digest(viewer: User, viewer_client: Client, client: Client) -> None:
    secret = made_on_the_page(viewer_client)
    token = viewer.api_tokens.get()
    assert token.digest == hashlib.sha256(secret.encode()).hexdigest()
    again = viewer_client.get(PAGE).content.decode()
    assert token.hint in again
    assert secret not in again
    assert client.get("/api/v1/", headers=bearer(secret)).status_code == 200


def test_a_token_is_revoked_by_its_owner_and_by_no_other_viewer(
    viewer: User, viewer_client: Client, editor_client: Client, client: Client
) -> None:
    secret, token = a_token(viewer)
    assert editor_client.post(f"{PAGE}{token.pk}/revoke/").status_code == 404
    viewer_client.post(f"{PAGE}{token.pk}/revoke/")
    assert client.get("/api/v1/", headers=bearer(secret)).status_code == 401
    first = ApiToken.objects.get().revoked_at
    viewer_client.post(f"{PAGE}{token.pk}/revoke/")
    assert ApiToken.objects.get().revoked_at == first


def test_a_token_ends_when_it_says(viewer: User, viewer_client: Client, client: Client, clock: Any) -> None:
    clock.at("2026-11-02 12:00")
    secret, _ = make_token(
        user=viewer,
        name="x",
        scopes=[TokenScope.READ],
        expires_at=timezone.now() + timedelta(days=7),
        actor=viewer,
    )
    assert client.get("/api/v1/", headers=bearer(secret)).status_code == 200
    clock.move(timedelta(days=7))
    response = client.get("/api/v1/", headers=bearer(secret))
    assert (response.status_code, response.json()["detail"]) == (401, "This token has expired.")


@pytest.mark.parametrize("days", [None, -1, 400])
def test_a_persons_token_ends_within_a_year(viewer: User, days: int | None) -> None:
    end = None if days is None else timezone.now() + timedelta(days=days)
    with pytest.raises(TokenRefused):
        make_token(user=viewer, name="x", scopes=[TokenScope.READ], expires_at=end, actor=viewer)


def test_a_token_that_may_do_nothing_is_refused(viewer_client: Client) -> None:
    assert viewer_client.post(PAGE, {"name": "x", "ends": "30"}).status_code == 422


def test_a_token_does_not_sign_in_to_pages(viewer: User, client: Client) -> None:
    secret, _ = a_token(viewer)
    assert client.get("/", headers=bearer(secret)).status_code == 302


def test_me_tells_a_script_who_it_is(client: Client, db: None) -> None:
    secret, _ = a_token(a_user("maker", "editor@shelf:top"), TokenScope.WRITE, name="nightly")
    body = client.get("/api/v1/me/", headers=bearer(secret)).json()
    assert body["username"] == "maker"
    assert body["roles"] == [{"role": "editor", "scope": "shelf:top"}]
    assert body["token"]["name"] == "nightly"
    assert body["token"]["scopes"] == ["write"]
