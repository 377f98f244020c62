"""Keys, organisations and signing keys by API: for administrators, and what comes of them at the senders' door."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from telemetry.models import IngestKey, KeyHolder, SigningKey
from tests.builders import a_user
from tests.telemetry.builders import a_body, a_payload

pytestmark = pytest.mark.django_db
UUID, HOST = a_payload()["uuid"], a_payload()["hostname"]
KEYS, ORGANISATIONS, SIGNING = (f"/api/v1/{name}/" for name in ("ingest-keys", "organisations", "signing-keys"))


@pytest.fixture
def administrator() -> Client:
    client = Client()
    client.force_login(a_user("", "administrator"))
    return client


def post(client: Client, url: str, **content: Any) -> Any:
    return client.post(url, content, content_type="application/json")


def send(client: Client, secret: str, **values: Any) -> int:
    headers = {"Authorization": f"Bearer {secret}"}
    return client.post("/api/v1/pings/", a_body(**values), content_type="application/json", headers=headers).status_code


def test_a_key_is_made_told_once_rotated_and_revoked(administrator: Client, client: Client) -> None:
    made = post(administrator, KEYS, label="x", uuid=UUID, hostname=HOST)
    assert (made.status_code, made["Cache-Control"]) == (201, "no-store")
    url = f"{KEYS}{made.json()['id']}/"
    secret = made.json()["secret"]
    assert send(client, secret) == 202
    assert "secret" not in administrator.get(url).json()
    fresh = post(administrator, f"{url}rotate/").json()
    assert administrator.get(url).json()["replaced_by"] == fresh["id"]
    assert post(administrator, f"{url}rotate/").status_code == 400
    assert send(client, secret) == send(client, fresh["secret"]) == 202
    assert post(administrator, f"{url}revoke/").json()["revoked_at"]
    assert send(client, secret) == 401
    assert send(client, fresh["secret"]) == 202
    assert IngestKey.objects.get(pk=fresh["id"]).created_by is not None


@pytest.mark.parametrize(
    ("content", "field"),
    [({"uuid": UUID}, "hostname"), ({"hostname": HOST}, "uuid"), ({}, "organisation"), ({"label": ""}, "label")],
)
def test_a_key_without_a_scope_is_refused_by_field(administrator: Client, content: Any, field: str) -> None:
    refused = post(administrator, KEYS, **{"label": "x", **content})
    assert refused.status_code == 400
    assert field in {error["field"] for error in refused.json()["errors"]}


def test_an_organisation_is_given_an_installation_that_has_been_sending(administrator: Client, client: Client) -> None:
    assert client.post("/usage_data", a_body(), content_type="application/json").status_code == 201
    url = f"{ORGANISATIONS}{post(administrator, ORGANISATIONS, name='Ours').json()['id']}/"
    secret = post(administrator, KEYS, label="x", organisation=administrator.get(url).json()["id"]).json()["secret"]
    assert send(client, secret, recorded_at="2026-11-21T10:00:00Z") == 403
    names = {"uuid": UUID, "hostname": HOST}
    assert post(administrator, f"{url}hold/", **names).json() == names
    assert administrator.get(f"{url}installations/").json()["results"] == [names]
    assert send(client, secret, recorded_at="2026-11-21T10:00:00Z") == 202
    for _ in range(2):
        assert post(administrator, f"{url}let-go/", **names).status_code == 204
    assert send(client, secret, recorded_at="2026-11-22T10:00:00Z") == 403


def test_a_key_of_its_own_takes_an_installation_from_no_organisation(administrator: Client, client: Client) -> None:
    organisation = post(administrator, ORGANISATIONS, name="Ours").json()["id"]
    theirs = post(administrator, KEYS, label="all", organisation=organisation).json()["secret"]
    assert send(client, theirs) == 202
    own = post(administrator, KEYS, label="one", uuid=UUID, hostname=HOST).json()["secret"]
    assert send(client, own, recorded_at="2026-11-21T10:00:00Z") == 202
    assert send(client, theirs, recorded_at="2026-11-22T10:00:00Z") == 202
    post(administrator, f"{ORGANISATIONS}{organisation}/let-go/", uuid=UUID, hostname=HOST)
    assert KeyHolder.objects.get().organisation is None
    assert send(client, theirs, recorded_at="2026-11-23T10:00:00Z") == 403
    assert send(client, own, recorded_at="2026-11-23T10:00:00Z") == 202


def test_signing_keys_are_added_and_revoked(administrator: Client) -> None:
    assert post(administrator, SIGNING, label="x", public_key="short").status_code == 400
    assert post(administrator, SIGNING, label="x", public_key="A" * 64, uuid=UUID).status_code == 400
    made = post(administrator, SIGNING, label="x", public_key="A" * 64).json()
    assert made["public_key"] == "a" * 64
    assert post(administrator, f"{SIGNING}{made['id']}/revoke/").json()["revoked_at"]
    assert SigningKey.objects.get().revoked_at is not None


@pytest.mark.parametrize("url", [KEYS, ORGANISATIONS, SIGNING])
def test_only_administrators_see_them(client: Client, url: str) -> None:
    client.force_login(a_user("", "reviewer"))
    assert client.get(url).status_code == post(client, url, label="x").status_code == 403
