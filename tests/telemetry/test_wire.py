"""The endpoints that unchanged senders know."""

from __future__ import annotations

import gzip
import hashlib
import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from telemetry import conf, worker
from telemetry.accepting import decompress
from telemetry.models import Ping, RawBody
from telemetry.verbs.rereading import reread_ping
from tests.conftest import Clock
from tests.telemetry.builders import NOW, a_body, a_payload

pytestmark = pytest.mark.django_db


def post(client: Client, body: bytes, **headers: Any) -> Any:
    return client.post("/usage_data", body, content_type="application/json", **headers)


def test_a_real_sender_gets_a_positive_integer_and_json(client: Client, shared_data: Any) -> None:
    body = (shared_data / "service_ping/payloads/service_ping_12.10.0-pre_docs_current.json").read_bytes()
    response = post(client, body)
    assert response.status_code == 201
    assert response["Content-Type"].startswith("application/json")
    answer = response.json()
    assert list(answer) == ["conv_index"]
    assert type(answer["conv_index"]["usage_data_id"]) is int
    assert answer["conv_index"]["usage_data_id"] > 0


def test_the_same_identity_gets_the_same_id_and_stores_nothing_new(client: Client) -> None:
    first = post(client, a_body()).json()
    again = post(client, a_body(recorded_at="2026-11-20 10:00:00 UTC", version="other")).json()
    other = post(client, a_body(hostname="other.example.com")).json()
    assert first == again
    assert first != other
    assert Ping.objects.count() == RawBody.objects.count() == 2


def test_the_stored_body_is_what_came_but_for_personal_values(client: Client) -> None:
    body = a_body(licensee={"Name": "Ann", "Email": "ann@example.com"}, odd=[1.50])
    ping = Ping.objects.get(pk=post(client, body).json()["conv_index"]["usage_data_id"])
    stored = decompress(bytes(RawBody.objects.get(ping_id=ping.pk).body))
    assert stored == body.replace(b'"Ann"', b"null").replace(b'"ann@example.com"', b"null")
    assert ping.cut == ["licensee.Name", "licensee.Email"]
    assert ping.sha256_hex == hashlib.sha256(body).hexdigest()
    assert ping.size == len(body)


def test_the_month_has_a_partition_of_its_own(client: Client) -> None:
    post(client, a_body(recorded_at="2017-03-05T00:00:00Z"))
    post(client, a_body(recorded_at="0999-03-05T00:00:00Z"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM telemetry_rawbody ORDER BY 1")
        names = [row[0] for row in cursor.fetchall()]
    assert names == ["telemetry_rawbody_2017_03", "telemetry_rawbody_early"]


def test_the_address_is_kept_truncated(client: Client) -> None:
    post(client, a_body(), REMOTE_ADDR="192.0.2.77")
    assert Ping.objects.get().address == "192.0.2.0/24"


def test_gzip_is_inflated_and_a_bomb_is_refused(client: Client) -> None:
    assert post(client, gzip.compress(a_body()), HTTP_CONTENT_ENCODING="gzip").status_code == 201
    bomb = gzip.compress(b" " * (conf.options.max_body + 1))
    assert post(client, bomb, HTTP_CONTENT_ENCODING="gzip").status_code == 413
    assert post(client, b"no gzip", HTTP_CONTENT_ENCODING="gzip").status_code == 415


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_an_object"),
        (b"[1]", "not_an_object"),
        (b'{"uuid": ', "not_an_object"),
        (json.dumps({**a_payload(), "uuid": None}).encode(), "no_identity"),
        (json.dumps({**a_payload(), "recorded_at": "soon"}).encode(), "no_identity"),
        (json.dumps({**a_payload(), "active_user_count": "SELECT 1"}).encode(), "not_a_ping"),
    ],
)
def test_what_is_no_ping_is_refused_with_a_code_and_a_sentence(client: Client, body: bytes, code: str) -> None:
    response = post(client, body)
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == code
    assert response.json()["detail"].endswith(".")
    assert not Ping.objects.exists()


@pytest.mark.parametrize(
    "tail", ['"x": NaN', '"x": "\\ud800"', '"x": 1e999', '"x": "\x01"', '"x": ' + "[" * 3000 + "]" * 3000]
)
def test_what_orjson_refuses_is_accepted_all_the_same(client: Client, tail: str) -> None:
    assert post(client, a_body()[:-1] + b", " + tail.encode() + b"}").status_code == 201


def test_other_methods_are_told_which_one_to_use(client: Client) -> None:
    assert client.get("/usage_data").headers["Allow"] == "POST"


def test_anonymous_pings_can_be_turned_off(client: Client, options: Any) -> None:
    options(anonymous=False)
    response = post(client, a_body())
    assert response.status_code == 401
    assert "/api/v1/pings/" in response.json()["detail"]


def test_too_many_pings_of_one_installation_are_told_when_to_come_again(client: Client, options: Any) -> None:
    options(rate_installation=2)
    answers = [post(client, a_body()) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert int(answers[2]["Retry-After"]) > 0
    assert post(client, a_body(hostname="other.example.com")).status_code == 201


@pytest.mark.parametrize("read_first", [True, False])
def test_another_body_for_the_same_report_is_an_issue_on_the_first_which_stands(
    client: Client, viewer_client: Client, clock: Clock, read_first: bool
) -> None:
    clock.at(NOW)
    sentence = "A later body for the same report differed; the first one stands."
    first = post(client, a_body()).json()
    ping_id = first["conv_index"]["usage_data_id"]
    assert post(client, a_body()).json() == first
    page = f"/telemetry/pings/{ping_id}/"
    assert sentence not in viewer_client.get(page).content.decode()
    if read_first:
        worker.read_all()
    assert post(client, a_body(users=7)).json() == first
    assert post(client, a_body(users=8)).json() == first
    worker.read_all()
    ping = Ping.objects.get()
    assert ping.state == "read"
    assert decompress(bytes(RawBody.objects.get(ping_id=ping_id).body)) == a_body()
    reread_ping(ping=ping)
    assert sentence in viewer_client.get(page).content.decode()
    told = viewer_client.get(f"/api/v1/pings/{ping_id}/").json()
    assert told["issue_counts"]["other_body"] == 1
    assert [issue["sentence"] for issue in told["issues"] if issue["kind"] == "other_body"] == [sentence]
    assert told["sha256"] == hashlib.sha256(a_body()).hexdigest()
